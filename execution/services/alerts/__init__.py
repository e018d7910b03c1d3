"""The services for alerts.

A watcher raises and ends alerts. People acknowledge and own them. A queue holds the messages about them.
"""
