"""Venues, accounts, their keys and what their sessions learn."""
