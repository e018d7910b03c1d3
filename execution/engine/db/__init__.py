"""The engine's database work, on threads of its own."""
