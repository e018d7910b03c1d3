"""What ``manage.py benchmark`` measures with: a desk of its own, a trader over HTTP, and the figures."""
