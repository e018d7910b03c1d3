"""``manage.py chaos``: a complete installation under faults, and its books against the venues'."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.numbers import whole_number
from execution.launcher.postgres_server import PostgresServer
from execution.verification.chaos.report import report, verdict
from execution.verification.chaos.run import Options, run


class Command(BaseCommand):
    help = (
        "Kill, stop and cut off the parts of an installation of its own while it trades; compare the books."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--parents", type=whole_number, default=50, help="orders to launch (default 50)")
        parser.add_argument(
            "--seconds", type=whole_number, default=140, help="length of the faults (default 140)"
        )
        parser.add_argument("--seed", type=whole_number, help="of everything that is drawn (default: drawn)")
        parser.add_argument("--keep", action="store_true", help="keep logs, ledgers and the database")
        parser.add_argument("--json", action="store_true", help="the result as JSON")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Exit status 1 and a folder that stays when something is wrong."""
        wishes = _wishes(options)
        signal.signal(signal.SIGTERM, _leave)  # everything is stopped then, too
        # Short, for sockets; PostgreSQL's is apart because its user may not enter the other.
        var = Path(tempfile.mkdtemp(prefix="tranche-chaos-", dir="/tmp"))
        database = Path(tempfile.mkdtemp(prefix="tranche-chaos-pg-", dir="/tmp"))
        passed = False
        try:
            result = run(settings.BASE_DIR, var, PostgresServer(database), wishes, self._say)
            passed = not result["problems"]
            (var / "result.json").write_text(json.dumps(result, indent=1, allow_nan=False), encoding="utf-8")
        finally:
            self._keep_or_remove(passed and not options["keep"], var, database)
        self.stdout.write(
            json.dumps(result, indent=1, allow_nan=False) if options["json"] else report(result)
        )
        if not passed:
            raise CommandError(verdict(result).splitlines()[0])

    def _keep_or_remove(self, is_done: bool, var: Path, database: Path) -> None:
        if is_done:
            shutil.rmtree(var, ignore_errors=True)
            shutil.rmtree(database, ignore_errors=True)
        elif os.listdir(database):
            self._say(f"logs and ledgers are kept in {var}, the database in {database}")
        else:  # nothing was started
            var.rmdir()
            database.rmdir()

    def _say(self, text: str) -> None:
        """Progress goes beside the result, so that this can be sent to a file."""
        self.stderr.write(text)


def _wishes(options: dict[str, Any]) -> Options:
    for name, least, most in (("parents", 1, 500), ("seconds", 60, 3600)):
        if not least <= options[name] <= most:
            raise CommandError(f"--{name} {options[name]}: it must be {least} to {most}")
    seed = secrets.randbelow(10**6) if options["seed"] is None else options["seed"]
    if seed < 0:
        raise CommandError(f"--seed {seed}: it must be 0 or more")
    return Options(options["parents"], float(options["seconds"]), seed)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)
