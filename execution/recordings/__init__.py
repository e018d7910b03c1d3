"""Recordings of real markets: writing one to a folder, and reading it. The package depends only on core."""
