"""The okx dialect, v5: REST and websockets on the books and the ledger that all dialects share."""
