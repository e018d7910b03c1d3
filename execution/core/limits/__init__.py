"""Trading limits: what they bound, how they are judged, and their sentences."""
