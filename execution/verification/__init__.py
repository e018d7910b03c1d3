"""Checks of the desk by faults, chaos and benchmarks. No product module imports it."""
