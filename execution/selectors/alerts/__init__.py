"""Alerts: the current findings, the rows of raised alerts, and the people who see them."""
