"""``manage.py retention``: delete rows after their retention time, as the tables' owner
(docs/reference/retention.md).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from execution.services.desk.housekeeping import decisions_drop
from execution.services.desk.old_orders import may_delete_journals, orders_drop
from execution.tasks import let_others_write


class Command(BaseCommand):
    help = "Delete orders and records whose time is over. Where web and workers may not, run it as the owner."
    requires_system_checks: list[str] = []

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        if not may_delete_journals():
            raise CommandError("this role may not delete journals: run it as the owner of the tables")
        kept, now, count = settings.TRANCHE_RETENTION, datetime.now(UTC), 0
        records = decisions_drop(before=now - kept.decisions, pause=let_others_write)
        while dropped := orders_drop(before=now - kept.orders, now=now, pause=let_others_write):
            count += dropped
        self.stdout.write(f"deleted {count:,} orders and {records:,} records of decisions")
