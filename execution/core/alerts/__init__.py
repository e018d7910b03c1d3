"""Alerts without a database: their kinds, how they group, when one escalates or ends, and how one is delivered."""
