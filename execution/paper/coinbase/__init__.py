"""The coinbase dialect, Advanced Trade: REST and websockets over the books and the ledger of the other dialects."""
