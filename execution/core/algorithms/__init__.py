"""The algorithms: how each one plans its slices, decides, and works a slice."""
