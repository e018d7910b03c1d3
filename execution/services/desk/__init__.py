"""The installation, its people and their access, its limits, and the deletion of old rows."""
