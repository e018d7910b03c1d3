"""Transaction cost analysis: what an order achieved, from its fills and its market."""
