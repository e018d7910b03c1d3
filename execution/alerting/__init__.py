"""The process that finds alerts and sends them: a watcher on its own thread, and a sender for the channels.

It is neither an engine nor a web process. It opens the channels' secrets with its own keyring, which opens no
exchange key.
"""
