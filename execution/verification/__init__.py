"""Checks of the desk by fault simulations, chaos tests and benchmarks. No product module imports this package."""
