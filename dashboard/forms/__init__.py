"""The parsing of forms and filters that people write."""
