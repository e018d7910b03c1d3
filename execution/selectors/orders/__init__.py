"""Orders as a person sees them."""
