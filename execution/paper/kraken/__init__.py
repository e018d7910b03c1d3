"""The kraken dialect: REST and websockets v2 on the books and the ledger that all dialects share."""
