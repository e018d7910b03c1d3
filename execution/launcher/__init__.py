"""The supervisor behind ``manage.py desk``, which starts and stops the processes of a desk in order."""
