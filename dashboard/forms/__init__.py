"""Forms and filters as people write them."""
