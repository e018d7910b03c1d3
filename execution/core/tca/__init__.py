"""Transaction cost analysis: the results of an order, from its fills and its market."""
