"""Venues, accounts and their exchange keys. Also the records that an account's session writes about its own state."""
