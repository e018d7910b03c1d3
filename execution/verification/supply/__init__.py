"""The libraries of the desk: their list, the comparison with the pins, and known vulnerabilities."""
