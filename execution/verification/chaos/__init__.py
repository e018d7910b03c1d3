"""The chaos test of ``manage.py chaos``: faults in a complete installation, and the comparison of the books."""
