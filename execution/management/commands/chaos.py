"""``manage.py chaos``: run a complete installation under faults, and compare its books with the venues'."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.numbers import whole_number
from execution.launcher.postgres_server import PostgresServer
from execution.management.options import add_numbers, check_bounds, end_on_sigterm
from execution.management.progress import StageBar
from execution.management.reports.chaos import chaos_report, mild_chaos_report
from execution.management.reports.page import Report, add_report_option, check_report, write_report
from execution.verification.chaos import mild
from execution.verification.chaos.dialects import OPTIONS
from execution.verification.chaos.mild import RULES, MildOptions, run_mild
from execution.verification.chaos.report import mild_report, report, verdict
from execution.verification.chaos.run import Options, run, stages


class Command(BaseCommand):
    help = (
        "Kill, stop and cut off the parts of an installation of its own while it trades; compare the books."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_numbers(parser, parents=(50, "orders to launch"), seconds=(140, "length of the faults"))
        parser.add_argument(
            "--mild",
            choices=["all", "none", *RULES],
            help="faults of an ordinary day instead: one TWAP on each of --parents symbols, all to complete on time",
        )
        parser.add_argument(
            "--dialect", choices=OPTIONS, default="binance", help="with --mild: what the exchange speaks"
        )
        parser.add_argument("--seed", type=whole_number, help="of everything that is drawn (default: drawn)")
        parser.add_argument("--keep", action="store_true", help="keep logs, ledgers and the database")
        parser.add_argument("--json", action="store_true", help="the result as JSON")
        add_report_option(parser)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Run the test. If something is wrong, exit with status 1 and keep the folder."""
        check_report(options["report"])
        if options["mild"] is not None:
            self._run_mild(options)
            return
        run_options = _run_options(options)
        end_on_sigterm()
        # Short, for sockets; PostgreSQL's is apart because its user may not enter the other.
        var = Path(tempfile.mkdtemp(prefix="tranche-chaos-", dir="/tmp"))
        database = Path(tempfile.mkdtemp(prefix="tranche-chaos-pg-", dir="/tmp"))
        passed = False
        try:
            with StageBar(self.stderr, stages(run_options)) as bar:
                result = run(settings.BASE_DIR, var, PostgresServer(database), run_options, bar)
            passed = not result["problems"]
            (var / "result.json").write_text(json.dumps(result, indent=1, allow_nan=False), encoding="utf-8")
        finally:
            self._keep_or_remove(passed and not options["keep"], var, database, run_options.seed)
        self._write(result, report(result), chaos_report, options)
        if not passed:
            raise CommandError(verdict(result).splitlines()[0])

    def _run_mild(self, options: dict[str, Any]) -> None:
        check_bounds(options, parents=(1, 200), seconds=(30, 3600))
        mixes = {"none": (), "all": tuple(RULES)}
        kinds = mixes.get(options["mild"], (options["mild"],))
        end_on_sigterm()
        var = Path(tempfile.mkdtemp(prefix="tranche-mild-", dir="/tmp"))
        run_options = MildOptions(options["dialect"], options["parents"], options["seconds"], kinds)
        with StageBar(self.stderr, mild.stages(run_options)) as bar:
            result = run_mild(settings.BASE_DIR, var, run_options, bar)
        self._write(result, mild_report(result), mild_chaos_report, options)
        if result["problems"] or result["late"]:
            raise CommandError(f"logs and ledgers are kept in {var}")
        if not options["keep"]:
            shutil.rmtree(var, ignore_errors=True)

    def _write(
        self,
        result: dict[str, Any],
        printed: str,
        page: Callable[[Mapping[str, Any], str], Report],
        options: dict[str, Any],
    ) -> None:
        self.stdout.write(json.dumps(result, indent=1, allow_nan=False) if options["json"] else printed)
        if options["report"] is not None:
            write_report(options["report"], page(result, printed))

    def _keep_or_remove(self, is_done: bool, var: Path, database: Path, seed: int) -> None:
        if is_done:
            shutil.rmtree(var, ignore_errors=True)
            shutil.rmtree(database, ignore_errors=True)
        elif os.listdir(database):
            self.stderr.write(f"seed {seed}: logs and ledgers are kept in {var}, the database in {database}")
        else:  # nothing was started
            var.rmdir()
            database.rmdir()


def _run_options(options: dict[str, Any]) -> Options:
    check_bounds(options, parents=(1, 500), seconds=(60, 3600))
    seed = secrets.randbelow(10**6) if options["seed"] is None else options["seed"]
    if seed < 0:
        raise CommandError(f"--seed {seed}: it must be 0 or more")
    return Options(options["parents"], float(options["seconds"]), seed)
