"""The supervisor behind ``manage.py desk``: what it starts, in which order, and how it all ends."""
