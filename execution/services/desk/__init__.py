"""The installation, its people and their access, and its housekeeping."""
