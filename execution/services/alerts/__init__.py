"""Alerts. A watcher raises and ends them. People acknowledge them and take them over. A queue sends them."""
