"""The records that every service writes: journal, audit, order transitions and stored reports."""
