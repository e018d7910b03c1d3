"""Venues, accounts and their exchange keys. Also the rows in which an account's session records its state."""
