"""Alerts: the current findings, the rows of raised alerts, and the rules about who sees them."""
