"""The algorithms. Each one plans an order's slices, and decides what to do in a slice."""
