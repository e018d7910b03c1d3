"""Alerts: what is wrong now, the rows of those that were raised, and who sees them."""
