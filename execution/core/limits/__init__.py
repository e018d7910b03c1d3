"""Trading limits: the figures that they bound, their judgement, and their sentences."""
