"""Simulated limit-order-book markets, drawn from a seed, in which the real ``decide`` works orders in virtual time."""
