"""The process that finds alerts and sends them: a watcher on its own thread, and a sender for the channels.

No engine and no web process runs this. It opens the channels' secrets with its own keyring, which opens no exchange
key.
"""
