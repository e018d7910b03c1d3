"""What ``manage.py chaos`` does to a complete installation of its own, and how it judges the books after it."""
