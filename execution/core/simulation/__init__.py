"""Seeded limit-order-book markets in virtual time, and the real ``decide`` working orders in them."""
