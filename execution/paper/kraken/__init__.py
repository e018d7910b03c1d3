"""The kraken dialect: REST and websockets v2 over the books and the ledger that the other dialects show too."""
