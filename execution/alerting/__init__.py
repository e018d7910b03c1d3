"""The process beside trading that looks for alerts and sends them: a watcher's thread, and each channel's sender.

No engine and no page runs any of it. It opens channels with a keyring of its own, which opens no exchange key.
"""
