"""Chaos of ``manage.py chaos`` in a complete installation of its own, and the judgement of the books after it."""
