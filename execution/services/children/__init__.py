"""Child orders: sent, reported, filled, reconciled."""
