"""Django's SQLite backend for several processes that write all the time."""
