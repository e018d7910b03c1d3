"""Orders as a person sees them: lists, pages, filters and visibility."""
