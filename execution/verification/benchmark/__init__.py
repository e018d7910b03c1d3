"""Tools of ``manage.py benchmark``: a desk of its own, a trader over HTTP, and the figures."""
