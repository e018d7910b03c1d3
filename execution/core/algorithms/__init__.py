"""The algorithms: how each plans its slices, decides, and works a slice."""
