"""``manage.py after_restore``: run once after restoring a backup, before any worker (docs/how-to/backup.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.problems import Refused
from execution.services.desk.after_restore import installation_after_restore


class Command(BaseCommand):
    help = (
        "Make a restored database safe to trade from: a fresh mark, every order paused for a person, what may have "
        "been sent since the backup unknown, and no new child before its account is reconciled."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="which backup was restored, and why")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            done = installation_after_restore(reason=options["reason"], now=datetime.now(UTC))
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"mark {done.mark} (former: {done.former}, still known)")
        self.stdout.write(f"{done.orders} orders wait for a person; {done.children} children are unknown")
        self.stdout.write(f"{done.accounts} accounts are reconciled before anything new is sent there")
        self.stdout.write("start the workers now; resume each order when its account shows no difference")
