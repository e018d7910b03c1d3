"""``manage.py soak``: let a separate desk trade for hours, and check its growth and its books."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.numbers import float_number, whole_number
from execution.management.options import add_numbers, check_bounds, end_on_sigterm
from execution.management.progress import StageBar
from execution.management.reports.page import add_report_option, check_report, write_report
from execution.management.reports.soak import soak_page
from execution.verification.soak.report import soak_report, verdict
from execution.verification.soak.run import SoakOptions, run, stages

MAX_HOURS = 168.0


class Command(BaseCommand):
    help = "Keep orders alive on a desk of its own for hours; report growth, and compare the books."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hours", type=float_number, default=1.0, help="length of the run (default 1)")
        add_numbers(parser, orders=(100, "orders alive at the same time"))
        parser.add_argument("--seed", type=whole_number, help="of what is launched (default: drawn)")
        parser.add_argument("--keep", action="store_true", help="keep logs, ledgers and the database")
        add_report_option(parser)
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--json", action="store_true", help="every sample, as JSON")
        how.add_argument("--markdown", action="store_true", help="the tables of docs/results/soak.md")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Run the soak. If something is wrong, exit with status 1 and keep the folder."""
        check_report(options["report"])
        check_bounds(options, hours=(0.02, MAX_HOURS), orders=(1, 1000))
        seed = secrets.randbelow(10**6) if options["seed"] is None else options["seed"]
        end_on_sigterm()
        var = Path(tempfile.mkdtemp(prefix="tranche-soak-", dir="/tmp"))
        run_options = SoakOptions(options["hours"] * 3600, options["orders"], seed)
        with StageBar(self.stderr, stages(run_options)) as bar:
            result = run(settings.BASE_DIR, var, run_options, bar)
        self.stdout.write(
            json.dumps(result, indent=1, allow_nan=False)
            if options["json"]
            else soak_report(result, markdown=options["markdown"])
        )
        if options["report"] is not None:
            write_report(options["report"], soak_page(result, soak_report(result)))
        if (said := verdict(result)).startswith("FAIL"):
            raise CommandError(f"{said.splitlines()[0]}; logs and ledgers are kept in {var}")
        if not options["keep"]:
            shutil.rmtree(var, ignore_errors=True)
