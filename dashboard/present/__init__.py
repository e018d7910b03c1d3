"""The presentation of facts on pages, in words, tables and figures."""
