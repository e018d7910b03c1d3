"""The records that every verb writes: journal, audit, order moves and kept reports."""
