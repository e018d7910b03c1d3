"""The measurement of a desk, from its first start to the end of its last order."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from execution.launcher.files import free_port, read_people
from execution.verification.benchmark import records
from execution.verification.benchmark.desk import MeasuredDesk, Start
from execution.verification.benchmark.figures import median, percentile
from execution.verification.benchmark.processes import machine, memory_of, processor_use
from execution.verification.benchmark.trader import Trader
from execution.verification.watcher import Watcher

#: The symbols and quantities that the orders buy, one after the other. All have about the same value.
BOUGHT = (("BTC/USDT", "0.2"), ("ETH/USDT", "4"), ("SOL/USDT", "80"))
#: The venue of the orders: that of the first account on the ticket.
VENUE = "alpha"
MARKETS_WITHIN = 60.0
#: Seconds that orders may need after their end before the benchmark gives up.
GRACE = 60.0
#: Seconds without measurement, after the last launch and after the start.
SETTLING = 5.0
#: Seconds that a start takes, for the time left alone.
FIRST_START, WARM_START = 20.0, 12.0
IDLE, ORDERS = "idle desk", "orders"


@dataclass(frozen=True, slots=True)
class Options:
    """The extent of a measurement.

    ``seconds`` is the length of each order, and ``slice_seconds`` the length of each slice.
    """

    starts: int
    idle_seconds: float
    orders: int
    seconds: int
    slice_seconds: int

    @property
    def slices(self) -> int:
        return max(1, self.seconds // self.slice_seconds)


def stages(options: Options) -> dict[str, float]:
    """Return the stages of ``measure`` with their expected seconds."""
    warm = {_warm_start(number, options.starts): WARM_START for number in range(1, options.starts + 1)}
    live = options.seconds + 2 * SETTLING
    return {"first start": FIRST_START, **warm, IDLE: SETTLING + options.idle_seconds, ORDERS: live}


def measure(base: Path, var: Path, options: Options, watcher: Watcher) -> dict[str, Any]:
    """Measure the starts, the idle desk, the desk with orders, and the delays. Return the figures.

    The first start also creates the installation. No process of the desk is left running, even after an error.
    """
    desk = MeasuredDesk(base, var, free_port())
    load = os.getloadavg()[0]
    try:
        first, warm = _starts(desk, options.starts, watcher)
        with records.database_of(var):
            idle = _idle(desk, options, watcher)
            live, placed = _live(desk, options, watcher)
            delays = _delays(placed)
            for line in delays["not_completed"]:
                watcher.say(f"not completed: {line}")
    finally:
        desk.stop()
    processes = {name: {"idle": idle[name], "live": live[name]} for name in idle if name in live}
    return {
        "machine": machine(),
        "load_before": round(load, 2),
        "options": asdict(options) | {"slices": options.slices},
        "first_start": asdict(first),
        "warm_starts": [asdict(start) for start in warm],
        "warm_start": {
            "first_page": median([start.first_page for start in warm]),
            "ready": median([start.ready for start in warm]),
        },
        "processes": processes,
        **delays,
    }


def _starts(desk: MeasuredDesk, count: int, watcher: Watcher) -> tuple[Start, list[Start]]:
    first = desk.start()
    watcher.say(f"first start: page after {first.first_page:.1f} s, ready after {first.ready:.1f} s")
    _wait_markets(desk)
    warm: list[Start] = []
    for number in range(1, count + 1):
        watcher.begin(_warm_start(number, count))
        desk.stop()
        warm.append(desk.start())
        page, ready = warm[-1].first_page, warm[-1].ready
        watcher.say(f"{_warm_start(number, count)}: page after {page:.1f} s, ready after {ready:.1f} s")
    return first, warm


def _warm_start(number: int, count: int) -> str:
    return f"warm start {number} of {count}"


def _wait_markets(desk: MeasuredDesk) -> None:
    with records.database_of(desk.var):
        records.wait_until(
            lambda: records.markets_known(VENUE) >= len(BOUGHT), MARKETS_WITHIN, "the desk knew no markets"
        )


Usage = dict[str, dict[str, float | None]]


def _idle(desk: MeasuredDesk, options: Options, watcher: Watcher) -> Usage:
    watcher.begin(IDLE)
    time.sleep(SETTLING)
    watcher.say(f"an idle desk for {options.idle_seconds:.0f} s")
    return usage_of(desk, options.idle_seconds)


def usage_of(desk: MeasuredDesk, seconds: float) -> Usage:
    """Measure each process's CPU over ``seconds``, in percent of one core, and its memory afterwards, in MB."""
    pids = desk.pids()
    used = processor_use(pids, seconds, time.sleep)
    memory = {name: memory_of(pid) for name, pid in pids.items()}
    return {name: {"cpu": used.get(name), "rss": memory[name].rss, "pss": memory[name].pss} for name in pids}


def _live(desk: MeasuredDesk, options: Options, watcher: Watcher) -> tuple[Usage, list[str]]:
    watcher.begin(ORDERS)
    watcher.say(f"{options.orders} TWAPs over {options.seconds} s in {options.slices} slices")
    begun = time.monotonic()
    placed = _launch(desk, options)
    launching = time.monotonic() - begun
    measured = options.seconds - launching - 2 * SETTLING
    if measured < options.slice_seconds:
        raise CommandError(
            f"launching took {launching:.0f} s of the orders' {options.seconds} s: choose longer orders"
        )
    time.sleep(SETTLING)
    usage = usage_of(desk, measured)
    deadline = time.monotonic() + SETTLING + launching + GRACE
    while (left := records.orders_unfinished(placed)) and time.monotonic() < deadline:
        time.sleep(0.5)
    if left:
        watcher.warn(f"{left} orders were not final {GRACE:.0f} s after their end")
    return usage, placed


def _launch(desk: MeasuredDesk, options: Options) -> list[str]:
    trader = Trader(desk.url, read_people(desk.var / "people.txt")["trader"])
    placed = []
    for number in range(options.orders):
        symbol, quantity = BOUGHT[number % len(BOUGHT)]
        order = trader.launch(
            symbol=symbol, quantity=quantity, seconds=options.seconds, slices=options.slices
        )
        placed.append(order)
    return placed


def _delays(placed: Sequence[str]) -> dict[str, Any]:
    fills = records.fill_delays(placed)
    slices = records.slice_delays(placed)
    late = [delay for delay, _ in slices]
    shares = [delay / length * 100 for delay, length in slices]
    return {
        "outcomes": records.outcomes(placed),
        "not_completed": records.not_completed(placed),
        "fill_delay_ms": spread(fills),
        "slice_delay_ms": spread(late),
        "slice_delay_percent": spread(shares),
    }


def spread(values: Sequence[float]) -> dict[str, float | None]:
    return {"count": len(values), "p50": percentile(values, 0.5), "p99": percentile(values, 0.99)}
