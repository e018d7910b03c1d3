"""The installation and its people."""
