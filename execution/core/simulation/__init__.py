"""Seeded limit-order-book markets in virtual time, in which the real ``decide`` works orders."""
