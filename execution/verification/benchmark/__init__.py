"""The tools of ``manage.py benchmark``: a separate desk, a trader over HTTP, and the figures."""
