"""Child orders: their submit, reports, fills and reconciliation."""
