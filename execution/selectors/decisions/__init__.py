"""The data that a driver (of an order) or a session (of an account) reads before it acts."""
