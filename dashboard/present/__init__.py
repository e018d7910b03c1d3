"""The presentation of the desk's data on pages, in words, tables and figures."""
