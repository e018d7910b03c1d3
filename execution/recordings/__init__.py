"""Recordings of real markets: how one is written to a folder, and read again. Knows the core alone."""
