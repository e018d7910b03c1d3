"""The process that looks for alerts and sends them: a watcher's thread, and a sender for the channels.

No engine and no web process runs it. It opens channels with its own keyring, which opens no exchange key.
"""
