"""The engine's database work, on separate threads."""
