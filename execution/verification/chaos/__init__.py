"""The chaos test of ``manage.py chaos``: faults in a complete installation, then a comparison of the books."""
