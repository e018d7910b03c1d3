"""Where a quantity goes: the choice of an account, and the split over several venues."""
