"""Routing: the choice of an account for a quantity, and the split over several venues."""
