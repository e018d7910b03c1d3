"""``manage.py record``: write a venue's public books and trades to a folder."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.market_model.recording import SECOND, RecordingRules
from execution.core.numbers import float_number
from execution.core.problems import Refused
from execution.management.progress import Bar, StageGauge
from execution.management.reports.page import add_report_option, check_report, write_report
from execution.management.reports.record import recording_report
from execution.models import Venue
from execution.recordings.folder import Recording, RecordingWriter, refuse_used
from execution.recordings.parquet import library
from execution.recordings.recorder import Recorder, Summary
from execution.selectors.network import network_of
from execution.venues.protocol import VenueReadFailed
from execution.venues.public_feed import LEVELS, PublicFeed, open_feed

MAX_MINUTES = 7 * 24 * 60
MAX_SYMBOLS = 50


class Command(BaseCommand):
    help = (
        "Record the public books and trades of a venue of this installation, without a key. "
        "manage.py paper --replay plays a recording; SIGINT and SIGTERM end one early."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--venue", required=True, help="label of the venue, as account list shows it")
        parser.add_argument("--symbols", required=True, metavar="A/B,C/D", help=f"at most {MAX_SYMBOLS}")
        parser.add_argument("--minutes", type=float_number, required=True, help="how long to record")
        parser.add_argument(
            "--out", type=Path, required=True, metavar="FOLDER", help="a folder that is new or empty"
        )
        add_report_option(parser)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        check_report(options["report"])
        minutes, folder = options["minutes"], options["out"]
        symbols = list(dict.fromkeys(part.strip() for part in options["symbols"].split(",") if part.strip()))
        if not 0 < minutes <= MAX_MINUTES:
            raise CommandError(f"--minutes {minutes:g}: it must be above 0 and at most {MAX_MINUTES:,}")
        if not 1 <= len(symbols) <= MAX_SYMBOLS:
            raise CommandError(f"--symbols names {len(symbols)} symbols: it must be 1 to {MAX_SYMBOLS}")
        try:
            library()
            refuse_used(folder)
            summary = asyncio.run(self._record(venue_of(options["venue"]), symbols, minutes * 60, folder))
        except (Refused, ValueError, VenueReadFailed) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{folder} cannot be written: {error}. What was written can be read") from None
        printed = (
            f"{folder}: {summary.books:,} books and {summary.trades:,} trades of {', '.join(symbols)}"
            + (f", {summary.gaps} times a book was unknown" if summary.gaps else "")
        )
        self.stdout.write(printed)
        if options["report"] is not None:
            write_report(options["report"], recording_report(Recording(folder), printed))

    async def _record(self, venue: Venue, symbols: list[str], seconds: float, folder: Path) -> Summary:
        now = clock()
        feed = open_feed(
            exchange_id=venue.exchange,
            options=venue.options,
            network=network_of(settings.TRANCHE_ENVIRONMENT),
            now=now,
        )
        try:
            return await self._write(feed, venue, symbols, seconds, folder, now)
        finally:
            await feed.close()

    async def _write(
        self,
        feed: PublicFeed,
        venue: Venue,
        symbols: list[str],
        seconds: float,
        folder: Path,
        now: Callable[[], int],
    ) -> Summary:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        rules = RecordingRules(
            venue=venue.label,
            exchange=venue.exchange,
            environment=settings.TRANCHE_ENVIRONMENT,
            started=now(),
            levels=LEVELS,
            markets=await feed.open(symbols),
        )
        writer = RecordingWriter(folder, rules)
        self.stdout.write(f"recording {', '.join(symbols)} of {venue.label} for {seconds:g} s to {folder}")
        self.stdout.flush()
        stage, events = (
            f"recording {venue.label}",
            lambda: f"{writer.books:,} books, {writer.trades:,} trades",
        )
        with Bar(self.stderr, StageGauge({stage: seconds}, more=events)):
            return await Recorder(feed, writer, now).run(seconds, stop)


def venue_of(label: str) -> Venue:
    """Return the venue with this label. Raise ``CommandError`` with all labels if there is none."""
    venue = Venue.objects.filter(label=label).first()
    if venue is None:
        known = ", ".join(Venue.objects.order_by("label").values_list("label", flat=True)) or "none"
        raise CommandError(f"--venue {label[:40]}: there is no such venue. There are: {known}")
    return venue


def clock() -> Callable[[], int]:
    """Return a clock of microseconds since the epoch that never steps back."""
    began, started = time.time_ns(), time.monotonic_ns()
    return lambda: (began + time.monotonic_ns() - started) // (SECOND // 1000)
