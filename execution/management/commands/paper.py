"""``manage.py paper``: the paper exchange in the foreground."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from execution.paper import cli


class Command(BaseCommand):
    help = "Run the paper exchange: a local exchange that speaks Binance spot."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        status = asyncio.run(cli.serve_as_asked(options))
        if status:
            sys.exit(status)
