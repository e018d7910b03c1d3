"""What people write, in forms and in the address of a page."""
