"""How a desk bears hundreds and thousands of parents at once: delays, processor and memory at each count."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from execution.launcher.bootstrap import PAPER_LABELS, PAPER_SYMBOLS
from execution.launcher.files import read_people
from execution.verification.benchmark import records
from execution.verification.benchmark.desk import MeasuredDesk
from execution.verification.benchmark.figures import total
from execution.verification.benchmark.measure import free_port, spread, usage_of
from execution.verification.benchmark.pages import OpenPages
from execution.verification.benchmark.processes import machine, processor_seconds
from execution.verification.benchmark.trader import Program, Trader

#: What each slice is worth, quote units: above every paper market's minimum.
SLICE_VALUE = 60
MARKETS_WITHIN = 60.0
#: Seconds after the last launch, and after the pages were opened, that are not measured.
SETTLING, PAGES_SETTLING = 15.0, 3.0
ESTIMATES_WITHIN = 60.0
#: Facts of the window's end are given this long to be recorded and shown.
FACTS_WITHIN = 3.0
#: Of whom launches when, and what.
SEED = 5


@dataclass(frozen=True, slots=True)
class CapacityWishes:
    """How much to measure: the numbers of parents, rising; seconds measured at each; seconds of a slice; pages that
    are open; launches a second; accounts at each venue."""

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
        """Seconds of each order: it outlives the measurement, whatever the launches cost."""
        at_each = self.seconds + SETTLING + PAGES_SETTLING + FACTS_WITHIN + 30
        needed = self.parents[-1] / self.rate * 2 + at_each * len(self.parents) + 120
        return (int(needed) // self.slice_seconds + 1) * self.slice_seconds


class Launcher:
    """Launches parents at random moments, so that their slices spread over the minute as those of a day do."""

    def __init__(self, desk: MeasuredDesk, wishes: CapacityWishes, labels: Sequence[str]) -> None:
        self._labels = labels
        self._program = Program(desk.url, desk.token("trader"))
        self._wishes = wishes
        self._random = random.Random(SEED)  # noqa: S311  # nothing secret
        self.placed: list[str] = []

    def launch_to(self, count: int) -> None:
        """Until ``count`` live; raises ``CommandError`` when one is refused."""
        due = time.monotonic()
        while len(self.placed) < count:
            due += self._random.expovariate(self._wishes.rate)
            time.sleep(max(0.0, due - time.monotonic()))
            number = len(self.placed)
            self.placed.append(self._program.launch(self._order(number), key=f"capacity-{number}"))

    def _order(self, number: int) -> dict[str, Any]:
        slices = self._wishes.life // self._wishes.slice_seconds
        return {
            "symbol": PAPER_SYMBOLS[number % len(PAPER_SYMBOLS)],
            "side": ("buy", "sell")[number % 2],
            "quantity": str(SLICE_VALUE * slices),
            "unit": "quote",
            "algorithm": "twap",
            "parameters": {"duration": self._wishes.life, "slices": slices},
            "accounts": [self._labels[number // len(PAPER_SYMBOLS) % len(self._labels)]],
        }

    def sample(self, count: int) -> list[str]:
        """Some of the orders, whose pages are opened."""
        return self._random.sample(self.placed, min(count, len(self.placed)))


def measure_capacity(
    base: Path, var: Path, wishes: CapacityWishes, say: Callable[[str], None]
) -> dict[str, Any]:
    """1. An idle desk. 2. At each count: launch to it, open pages, measure.

    Whatever happens, nothing is left running.
    """
    desk = MeasuredDesk(base, var, free_port(), workers=wishes.workers, database_url=wishes.database_url)
    load = os.getloadavg()[0]
    try:
        desk.start()
        with records.database_of(var, wishes.database_url):
            _wait_markets()
            labels = desk.add_accounts(wishes.accounts)
            _wait_accounts(labels)
            time.sleep(SETTLING)
            say(f"an idle desk for {wishes.idle_seconds:.0f} s")
            idle = usage_of(desk, wishes.idle_seconds)
            launcher = Launcher(desk, wishes, labels)
            counts = [_at(count, desk, launcher, wishes, say) for count in wishes.parents]
            vendor = records.vendor()
    finally:
        desk.stop()
    return {
        "machine": machine(),
        "load_before": round(load, 2),
        "database": vendor,
        "wishes": asdict(wishes) | {"life": wishes.life, "database_url": None},
        "idle": idle,
        "counts": counts,
    }


def _wait_markets() -> None:
    deadline = time.monotonic() + MARKETS_WITHIN
    while any(records.markets_known(label) < len(PAPER_SYMBOLS) for label in PAPER_LABELS):
        if time.monotonic() > deadline:
            raise CommandError(f"the desk knew not all markets after {MARKETS_WITHIN:.0f} s")
        time.sleep(0.2)


def _wait_accounts(labels: Sequence[str]) -> None:
    deadline = time.monotonic() + MARKETS_WITHIN
    while (ready := records.accounts_ready()) < len(labels):
        if time.monotonic() > deadline:
            raise CommandError(f"{ready} of {len(labels)} accounts were ready after {MARKETS_WITHIN:.0f} s")
        time.sleep(0.2)


def _wait_estimates(say: Callable[[str], None]) -> None:
    """The expected costs of what was launched are the launches' cost, not that of orders that run."""
    deadline = time.monotonic() + ESTIMATES_WITHIN
    while left := records.estimates_waiting():
        if time.monotonic() > deadline:
            say(f"{left} expected costs are still being worked out")
            return
        time.sleep(0.5)


def _at(
    count: int, desk: MeasuredDesk, launcher: Launcher, wishes: CapacityWishes, say: Callable[[str], None]
) -> dict[str, Any]:
    """Everything at one count of parents."""
    say(f"launching to {count} parents, {wishes.rate:g} a second")
    launcher.launch_to(count)
    time.sleep(SETTLING)
    _wait_estimates(say)
    watched = launcher.sample(wishes.pages)
    pages = OpenPages(
        desk.url, Trader(desk.url, read_people(desk.var / "people.txt")["trader"]).cookie, watched
    )
    opened = pages.open()
    time.sleep(PAGES_SETTLING)
    say(f"{records.orders_live()} parents, {opened} pages open: measuring for {wishes.seconds} s")
    own, since = processor_seconds(os.getpid()) or 0.0, datetime.now(UTC)
    usage = usage_of(desk, wishes.seconds)
    until, used = datetime.now(UTC), (processor_seconds(os.getpid()) or 0.0) - own
    time.sleep(FACTS_WITHIN)
    pages.close()
    for error in pages.errors[:5]:
        say(error)
    measured = _delays(pages, watched, since, until)
    say(f"lateness {measured['lateness_ms']}, fill to page {measured['fill_to_page_ms']}")
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
        "start_to_take_ms": spread(first.taken),
        "slices_without_child": first.without,
        "fill_to_record_ms": spread(records.fills_recorded(since, until)),
        "fill_to_page_ms": spread(
            [(at - fill.executed_at.timestamp()) * 1000 for at, fill in shown if at is not None]
        ),
        "fills_never_shown": sum(1 for at, _ in shown if at is None),
    }


def processor_of(usage: Mapping[str, Any], prefix: str = "") -> float | None:
    """Percent of one core of the processes whose name begins so."""
    return total([used["cpu"] for name, used in usage.items() if name.startswith(prefix)])


def memory_of_all(usage: Mapping[str, Any], prefix: str = "") -> float | None:
    """PSS in MB of the processes whose name begins so."""
    return total([used["pss"] for name, used in usage.items() if name.startswith(prefix)])
