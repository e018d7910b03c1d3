"""Venues, accounts and their keys, and the rows that account sessions record."""
