"""``manage.py paper``: run the paper exchange in the foreground."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from execution.core.problems import Refused
from execution.paper import cli


class Command(BaseCommand):
    help = "Run the paper exchange: a local one that speaks Binance spot, okx v5, kraken and coinbase Advanced Trade."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            status = asyncio.run(cli.serve_as_asked(options))
        except Refused as refused:
            raise CommandError(str(refused), returncode=2) from None
        if status:
            sys.exit(status)
