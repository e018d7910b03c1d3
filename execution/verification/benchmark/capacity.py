"""The capacity of a desk for hundreds and thousands of parent orders: delays, processor and memory at each number."""

from __future__ import annotations

import os
import random
import time
import urllib.error
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from execution.launcher.bootstrap import PAPER_LABELS, PAPER_SYMBOLS
from execution.launcher.files import free_port, read_people
from execution.verification.api import Api
from execution.verification.benchmark import records
from execution.verification.benchmark.desk import MeasuredDesk
from execution.verification.benchmark.figures import total
from execution.verification.benchmark.measure import spread, usage_of
from execution.verification.benchmark.pages import OpenPages
from execution.verification.benchmark.processes import machine, processor_seconds
from execution.verification.benchmark.trader import TIMEOUT, Trader
from execution.verification.watcher import Watcher

#: The value of each slice in quote: above every paper market's minimum.
SLICE_VALUE = 60
MARKETS_WITHIN = 60.0
#: Seconds without measurement, after the last launch and after the opening of the pages.
SETTLING, PAGES_SETTLING = 15.0, 3.0
ESTIMATES_WITHIN = 60.0
#: The seconds in which the last facts of a measurement can still be recorded and shown.
FACTS_WITHIN = 3.0
#: The seed of the moments of launches and of the choice of open pages.
SEED = 5
#: Seconds that the start and the accounts take, for the time left alone.
START = 40.0
IDLE = "idle desk"


@dataclass(frozen=True, slots=True)
class CapacityOptions:
    """The extent of a measurement.

    ``parents`` are the numbers of parent orders at which the desk is measured, in rising order.

    ``seconds`` is the time measured at each number, and ``slice_seconds`` the length of a slice. ``pages`` is the
    number of open pages, ``rate`` the number of launches a second, and ``accounts`` the number of accounts at each
    venue.
    """

    parents: tuple[int, ...]
    seconds: int
    slice_seconds: int
    pages: int
    rate: float
    workers: int
    idle_seconds: float
    accounts: int
    database_url: str | None = None

    @property
    def life(self) -> int:
        """Return the length of each order in seconds.

        It is so long that no order ends during the measurement, even with slow launches.
        """
        at_each = self.seconds + SETTLING + PAGES_SETTLING + FACTS_WITHIN + 30
        needed = self.parents[-1] / self.rate * 2 + at_each * len(self.parents) + 120
        return (int(needed) // self.slice_seconds + 1) * self.slice_seconds


class Launcher:
    """Launches parent orders at random moments, so that their slices do not all begin at the same second."""

    def __init__(self, desk: MeasuredDesk, options: CapacityOptions, labels: Sequence[str]) -> None:
        self._labels = labels
        self._api = Api(desk.url, desk.token("trader"), TIMEOUT)
        self._options = options
        self._random = random.Random(SEED)  # noqa: S311  # nothing secret
        self.placed: list[str] = []

    def launch_to(self, count: int) -> None:
        """Launch until ``count`` orders have been placed in all. Raises ``CommandError`` when one is refused."""
        due = time.monotonic()
        while len(self.placed) < count:
            due += self._random.expovariate(self._options.rate)
            time.sleep(max(0.0, due - time.monotonic()))
            number = len(self.placed)
            key = {"Idempotency-Key": f"capacity-{number}"}
            try:
                self.placed.append(str(self._api.post("/orders", self._order(number), key)["id"]))
            except urllib.error.HTTPError as error:
                message = f"an order was refused: {error.read().decode(errors='replace')}"
                raise CommandError(message) from None

    def _order(self, number: int) -> dict[str, Any]:
        slices = self._options.life // self._options.slice_seconds
        return {
            "symbol": PAPER_SYMBOLS[number % len(PAPER_SYMBOLS)],
            "side": ("buy", "sell")[number % 2],
            "quantity": str(SLICE_VALUE * slices),
            "unit": "quote",
            "algorithm": "twap",
            "parameters": {"duration": self._options.life, "slices": slices},
            "accounts": [self._labels[number // len(PAPER_SYMBOLS) % len(self._labels)]],
        }

    def sample(self, count: int) -> list[str]:
        """Return ``count`` random orders of those placed, whose pages will be opened."""
        return self._random.sample(self.placed, min(count, len(self.placed)))


def stages(options: CapacityOptions) -> dict[str, float]:
    """Return the stages of ``measure_capacity`` with their expected seconds."""
    found = {"start": START, IDLE: SETTLING + options.idle_seconds}
    for before, count in zip((0, *options.parents), options.parents, strict=False):
        found[_launching(count)] = (count - before) / options.rate + SETTLING
        found[_measuring(count)] = PAGES_SETTLING + options.seconds + FACTS_WITHIN
    return found


def _launching(count: int) -> str:
    return f"launching to {count:,} parents"


def _measuring(count: int) -> str:
    return f"measuring {count:,} parents"


def measure_capacity(base: Path, var: Path, options: CapacityOptions, watcher: Watcher) -> dict[str, Any]:
    """Measure an idle desk, and then the desk with each number of parents. Return the figures.

    For each number, launch orders until that many are placed, open pages, and measure. No process is left running,
    even after an error.
    """
    desk = MeasuredDesk(base, var, free_port(), workers=options.workers, database_url=options.database_url)
    load = os.getloadavg()[0]
    try:
        desk.start()
        with records.database_of(var, options.database_url):
            records.wait_until(_knows_markets, MARKETS_WITHIN, "the desk knew not all markets")
            labels = desk.add_accounts(options.accounts)
            records.wait_until(
                lambda: records.accounts_ready() >= len(labels), MARKETS_WITHIN, "not all accounts were ready"
            )
            watcher.begin(IDLE)
            time.sleep(SETTLING)
            watcher.say(f"an idle desk for {options.idle_seconds:.0f} s")
            idle = usage_of(desk, options.idle_seconds)
            launcher = Launcher(desk, options, labels)
            counts = [_at(count, desk, launcher, options, watcher) for count in options.parents]
            vendor = records.vendor()
    finally:
        desk.stop()
    return {
        "machine": machine(),
        "load_before": round(load, 2),
        "database": vendor,
        "options": asdict(options) | {"life": options.life, "database_url": None},
        "idle": idle,
        "counts": counts,
    }


def _knows_markets() -> bool:
    return all(records.markets_known(label) >= len(PAPER_SYMBOLS) for label in PAPER_LABELS)


def _wait_estimates(watcher: Watcher) -> None:
    """Wait until the expected costs of new orders are calculated, so that the calculation is not measured."""
    deadline = time.monotonic() + ESTIMATES_WITHIN
    while left := records.estimates_waiting():
        if time.monotonic() > deadline:
            watcher.warn(f"{left} expected costs are still being worked out")
            return
        time.sleep(0.5)


def _at(
    count: int, desk: MeasuredDesk, launcher: Launcher, options: CapacityOptions, watcher: Watcher
) -> dict[str, Any]:
    watcher.begin(_launching(count))
    watcher.say(f"launching to {count} parents, {options.rate:g} a second")
    launcher.launch_to(count)
    time.sleep(SETTLING)
    _wait_estimates(watcher)
    watched = launcher.sample(options.pages)
    pages = OpenPages(
        desk.url, Trader(desk.url, read_people(desk.var / "people.txt")["trader"]).cookie, watched
    )
    watcher.begin(_measuring(count))
    opened = pages.open()
    time.sleep(PAGES_SETTLING)
    watcher.say(f"{records.orders_live()} parents, {opened} pages open: measuring for {options.seconds} s")
    own, since = processor_seconds(os.getpid()) or 0.0, datetime.now(UTC)
    usage = usage_of(desk, options.seconds)
    until, used = datetime.now(UTC), (processor_seconds(os.getpid()) or 0.0) - own
    time.sleep(FACTS_WITHIN)
    pages.close()
    for error in pages.errors[:5]:
        watcher.warn(error)
    measured = _delays(pages, watched, since, until)
    watcher.say(f"lateness {measured['lateness_ms']}, fill to page {measured['fill_to_page_ms']}")
    seconds = (until - since) / timedelta(seconds=1)
    return measured | {
        "parents": count,
        "live": records.orders_live(),
        "pages": opened,
        "processes": usage,
        "benchmark_cpu": used / seconds * 100,
        "load": os.getloadavg()[0],
        "in_trouble": records.in_trouble(),
        "children_a_second": records.children_intended(since, until) / seconds,
    }


def _delays(pages: OpenPages, watched: Sequence[str], since: datetime, until: datetime) -> dict[str, Any]:
    first = records.first_children(since, until)
    shown = [
        (pages.seen_at(fill.order, fill.version), fill)
        for fill in records.fill_versions(watched, since, until)
    ]
    return {
        "lateness_ms": spread(first.decided),
        "start_to_submit_ms": spread(first.submitted),
        "slices_without_child": first.without,
        "fill_to_record_ms": spread(records.fills_recorded(since, until)),
        "fill_to_page_ms": spread(
            [(at - fill.executed_at.timestamp()) * 1000 for at, fill in shown if at is not None]
        ),
        "fills_never_shown": sum(1 for at, _ in shown if at is None),
    }


def processor_of(usage: Mapping[str, Any], prefix: str = "") -> float | None:
    """Return the processor use, in percent of one core, of all processes whose names begin with ``prefix``."""
    return total([used["cpu"] for name, used in usage.items() if name.startswith(prefix)])


def memory_of_all(usage: Mapping[str, Any], prefix: str = "") -> float | None:
    """Return the PSS in MB of all processes whose names begin with ``prefix``."""
    return total([used["pss"] for name, used in usage.items() if name.startswith(prefix)])
