"""The binance dialect: REST and websockets over the books and the ledger."""
