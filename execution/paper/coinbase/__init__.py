"""The coinbase dialect, Advanced Trade: REST and websockets on the books and the ledger that all dialects share."""
