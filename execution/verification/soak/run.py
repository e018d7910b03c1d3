"""A soak run: orders of all algorithms are kept alive for hours, the desk is sampled, and the books are compared."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execution.launcher.bootstrap import PAPER_LABELS, PAPER_SYMBOLS
from execution.launcher.files import free_port
from execution.models import Order
from execution.verification.api import Api, NoAnswer
from execution.verification.benchmark import records
from execution.verification.benchmark.desk import MeasuredDesk
from execution.verification.benchmark.processes import machine
from execution.verification.benchmark.records import ALIAS
from execution.verification.chaos import records as books
from execution.verification.chaos.venue import ControlledVenue
from execution.verification.late_orders import punctuality
from execution.verification.soak.growth import Sample
from execution.verification.soak.samples import process_figures, stored_figures
from execution.verification.watcher import Watcher

ACCOUNTS = 3  # at each venue
READY_WITHIN = 120.0
#: The shortest and the longest order in seconds.
SHORTEST, LONGEST = 120, 600
#: The seconds after the run in which the last orders end by themselves. What is still open then is a problem.
GRACE = LONGEST + 60.0
SAMPLE_EVERY = 15.0
#: Seconds that are left out of the figures: caches fill, and the first orders all begin together.
WARM_UP = 300.0
VALUE = 4000  # of an order, in quote
#: Seconds that the start takes, for the time left alone.
START = 40.0
TRADING, LAST_ORDERS = "trading", "the last orders"


@dataclass(frozen=True, slots=True)
class SoakOptions:
    """The length of a run in seconds, the number of live orders, and the seed of the orders."""

    seconds: float
    orders: int
    seed: int


@dataclass
class Samples:
    """The samples of each figure, by the figure's name."""

    series: defaultdict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def add(self, at: float, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.series[name].append(Sample(at, value))


def stages(options: SoakOptions) -> dict[str, float]:
    """Return the stages of ``run`` with their expected seconds."""
    return {"start": START, TRADING: options.seconds, LAST_ORDERS: LONGEST}


def run(base: Path, var: Path, options: SoakOptions, watcher: Watcher) -> dict[str, Any]:
    """Start a desk, keep orders alive and take samples, let the orders end, and compare the books."""
    desk = MeasuredDesk(base, var, free_port())
    try:
        desk.start()
        with records.database_of(var):
            labels = desk.add_accounts(ACCOUNTS)
            records.wait_until(lambda: _is_ready(len(labels)), READY_WITHIN, "not all accounts were ready")
            return _Run(desk, var, labels, options, watcher).all()
    finally:
        desk.stop()


def _is_ready(accounts: int) -> bool:
    known = all(records.markets_known(label) >= len(PAPER_SYMBOLS) for label in PAPER_LABELS)
    return known and records.accounts_ready() >= accounts


@dataclass(frozen=True, slots=True)
class AccountBooks:
    """A paper venue's books of one account. ``label`` is ``alpha`` for the first, ``alpha-2`` for the second."""

    venues: Path
    label: str

    def ledger(self) -> dict[str, Any]:
        name, _, number = self.label.partition("-")
        return ControlledVenue(self.venues / name).ledger(int(number or 1) - 1)


class _Run:
    def __init__(
        self, desk: MeasuredDesk, var: Path, labels: list[str], options: SoakOptions, watcher: Watcher
    ) -> None:
        self._desk = desk
        self._var = var
        self._labels = labels
        self._options = options
        self._watcher = watcher
        self._random = random.Random(options.seed)  # noqa: S311  # nothing secret
        self._api = Api(desk.url, desk.token("trader"))
        self._launched: list[str] = []
        self._refused: list[str] = []

    def all(self) -> dict[str, Any]:
        samples = Samples()
        self._watcher.begin(TRADING)
        begun = time.monotonic()
        self._keep_alive(begun, samples)
        self._watcher.begin(LAST_ORDERS)
        records.wait_until(lambda: not books.orders_left(), GRACE, "not all orders had ended")
        records.wait_until(lambda: not books.children_unsettled(), GRACE, "not all children had settled")
        found = punctuality(Order.objects.using(ALIAS))
        venues = [AccountBooks(self._var / "paper", label) for label in self._labels]
        return {
            "machine": machine(),
            "hours": self._options.seconds / 3600,
            "live": self._options.orders,
            "seed": self._options.seed,
            "series": {
                name: [(each.at, each.value) for each in series if each.at >= self._warm_up]
                for name, series in samples.series.items()
            },
            "launched": len(self._launched),
            "refused": self._refused,
            "completed": found.completed,
            "dust": found.dust,
            "late": found.late,
            "children": books.child_figures(),
            "problems": list(books.problems(self._launched, venues)),
        }

    @property
    def _warm_up(self) -> float:
        return min(WARM_UP, self._options.seconds / 4)

    def _keep_alive(self, begun: float, samples: Samples) -> None:
        """Until the time is over, launch an order whenever too few are alive, and take samples."""
        next_sample = 0.0
        while (passed := time.monotonic() - begun) < self._options.seconds:
            if passed >= next_sample:
                samples.add(passed, process_figures(self._desk.pids()) | stored_figures(self._var))
                next_sample += SAMPLE_EVERY
            missing = self._options.orders - len(books.orders_left())
            for _ in range(min(missing, 5)):
                self._launch()
            time.sleep(0.5)

    def _launch(self) -> None:
        number = len(self._launched) + len(self._refused)
        try:
            order = self._api.launch(self._order(number), f"soak-{number}", READY_WITHIN)
            self._launched.append(order)
        except NoAnswer as refused:
            self._refused.append(str(refused))
            self._watcher.say(f"refused: {refused}")

    def _order(self, number: int) -> dict[str, Any]:
        seconds = self._random.randint(SHORTEST, LONGEST)
        algorithm, parameters = self._random.choice(
            (
                ("twap", {"slices": max(2, seconds // 30)}),
                ("twap", {"slices": max(2, seconds // 60)}),
                ("vwap", {}),
                ("is", {}),
                ("iceberg", {"visible_quantity": "0.05", "at_end": "cross"}),
            )
        )
        symbol = self._random.choice(PAPER_SYMBOLS) if algorithm != "iceberg" else "ETH/USDT"
        return {
            "symbol": symbol,
            "side": ("buy", "sell")[number % 2],
            # No two alike: a look-alike would have to be confirmed.
            "quantity": f"{VALUE + number / 100:.2f}",
            "unit": "quote",
            "algorithm": algorithm,
            "parameters": {"duration": seconds, **parameters},
            "accounts": [self._random.choice(self._labels)],
        }
