"""The okx dialect, v5: REST and websockets over the books and the ledger that binance's dialect shows too."""
