"""The tests of a session on PostgreSQL, which every other session leaves out.

The fixture ``services_session`` is a session of pytest whose database is one. It runs beside the tests of hosts,
which wait for most of their time.
"""

from __future__ import annotations

import os

RACES = ["test_races.py", "test_basket_races.py", "test_evidence.py", "test_full.py"]
OTHERS = [
    *("test_cluster.py", "test_services.py", "test_after_restore.py", "test_hosts.py"),
    "test_deployment.py",
]
collect_ignore = OTHERS if "TRANCHE_TEST_DATABASE_URL" in os.environ else RACES
