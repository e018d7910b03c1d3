"""The reads of a driver and of a session before they act."""
