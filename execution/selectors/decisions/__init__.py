"""The reads of a driver or a session before it acts."""
