"""The numbers of failed logins from which the desk assumes that somebody guesses a password.

At these numbers the desk begins to lock logins, and raises an alert.
"""

from __future__ import annotations

from datetime import timedelta

#: Failed logins within this time count. A lock lasts as long (``AXES_COOLOFF_TIME``).
COUNTED_FOR = timedelta(minutes=15)
#: Failed logins of one address with any names, of one name from any address, and of all.
OF_ADDRESS = 30
OF_NAME = 20
OF_ALL = 300
