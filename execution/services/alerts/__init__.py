"""Alerts: the watcher raises and ends them, people acknowledge and own them, and a queue sends them."""
