"""The plan of a run, drawn from a seed: the parent orders to launch and the events in the installation."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ENGINES = ("engine1", "engine2")
VENUES = ("alpha", "beta", "gamma")
ALGORITHMS = ("twap", "vwap", "pov", "is", "iceberg", "sor")
#: The seconds for which an engine is stopped: twice its lease (engine/lease.py).
STOPPED = 6.0
#: The seconds for which a venue is away.
VENUE_AWAY = 30.0
#: The share of the faulty phase in which all parents are launched, so that the events meet them.
LAUNCHED_BY = 0.35
MIN_SECONDS, MAX_SECONDS = 60, 150  # seconds of a parent
#: The range of base quantities (in steps) and the decimals. Values are alike, and a venue's book holds only a part.
QUANTITIES = {"BTC/USDT": (8, 40, 2), "ETH/USDT": (150, 800, 3), "SOL/USDT": (40, 160, 1)}
#: The events that happen in every run, and how often in two minutes.
DRAWN = {
    "kill engine": 2,
    "stop engine": 2,
    "kill both engines": 1,
    "restart redis": 2,
    "flush redis": 2,
    "restart postgresql": 2,
    "kill web": 1,
}
#: Seconds between two faults of a paper venue.
FAULT_EVERY = (2.0, 5.0)
#: The faults of a paper venue (docs/reference/paper.md). ``cut`` and ``silent`` are not rules but calls.
PAPER_FAULTS: tuple[Mapping[str, Any], ...] = (
    {"on": "create", "kind": "drop_after", "count": 2},
    {"on": "create", "kind": "drop_before", "count": 2},
    {"on": "create", "kind": "status_503_after", "count": 2},
    {"on": "create", "kind": "status_500_after", "count": 1},
    {"on": "create", "kind": "code_1007_after", "count": 1},
    {"on": "create", "kind": "truncate", "count": 1},
    {"on": "create", "kind": "html_200", "count": 1},
    {"on": "create", "kind": "delay", "count": 2, "seconds": 4},
    {"on": "create", "kind": "delay_before", "count": 1, "seconds": 4},
    {"on": "create", "kind": "reject", "count": 1},
    {"on": "cancel", "kind": "drop_after", "count": 2},
    {"on": "cancel", "kind": "delay", "count": 2, "seconds": 3},
    {"on": "cancel", "kind": "status_502_after", "count": 2},
    {"on": "any", "kind": "status_429", "count": 3, "seconds": 2},
    {"on": "any", "kind": "status_503", "count": 4},
    {"on": "any", "kind": "code_1021", "count": 2},
    {"on": "any", "kind": "delay", "count": 4, "seconds": 2},
    {"on": "trades", "kind": "late_trades", "count": 3, "seconds": 4},
    {"on": "open_orders", "kind": "late_orders", "count": 2, "seconds": 3},
    {"on": "find", "kind": "late_orders", "count": 2, "seconds": 3},
    {"on": "stream", "kind": "lost_events", "count": 4},
    {"on": "stream", "kind": "duplicate_events", "count": 4},
    {"on": "stream", "kind": "cut"},
    {"on": "stream", "kind": "silent", "seconds": 6},
)


@dataclass(frozen=True, slots=True)
class Event:
    """A planned event in the installation, ``at`` seconds after the faulty phase begins."""

    at: float
    kind: str
    target: str
    seconds: float = 0.0
    rule: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        rule = " ".join(f"{name}={value}" for name, value in self.rule.items())
        length = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.kind} {self.target}{length}{f' {rule}' if rule else ''}"


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent order to launch, ``at`` seconds after the faulty phase begins.

    ``body`` is the body of the API request.
    """

    at: float
    body: Mapping[str, Any]


def draw_events(seed: int, seconds: float) -> list[Event]:
    """Return the events of a faulty phase of ``seconds`` (60 or more), drawn from ``seed``, in order of time."""
    draw = random.Random(f"{seed}:events")  # noqa: S311  seeded on purpose, nothing secret
    found = [*_process_events(draw, seconds), *_venue_events(draw, seconds)]
    return sorted(found, key=lambda event: event.at)


def _process_events(draw: random.Random, seconds: float) -> list[Event]:
    targets = {"kill web": ("web",), "restart postgresql": ("postgresql",), "kill both engines": ("engines",)}
    targets |= dict.fromkeys(("restart redis", "flush redis"), ("redis",))
    events = []
    for kind, often in DRAWN.items():
        times = max(1, round(often * seconds / 120))
        part = (seconds - 15) / times
        for number in range(times):
            at = round(5 + part * (number + draw.random()), 1)
            target = draw.choice(targets.get(kind, ENGINES))
            events.append(Event(at, kind, target, STOPPED if kind == "stop engine" else 0.0))
    return events


def _venue_events(draw: random.Random, seconds: float) -> list[Event]:
    away = round(draw.uniform(10, max(11, seconds - VENUE_AWAY - 5)), 1)
    events = [Event(away, "venue away", draw.choice(VENUES), VENUE_AWAY)]
    at = draw.uniform(*FAULT_EVERY)
    while at < seconds:
        rule = draw.choice(PAPER_FAULTS)
        events.append(Event(round(at, 1), "venue fault", draw.choice(VENUES), rule=rule))
        at += draw.uniform(*FAULT_EVERY)
    return events


def draw_parents(seed: int, count: int, seconds: float) -> list[Parent]:
    """Return ``count`` random parent orders. They use the algorithms in turn, on one to three accounts each."""
    draw = random.Random(f"{seed}:parents")  # noqa: S311  seeded on purpose, nothing secret
    moments = sorted(draw.uniform(0, seconds * LAUNCHED_BY) for _ in range(count))
    return [
        Parent(round(at, 1), _body(draw, ALGORITHMS[number % len(ALGORITHMS)], seconds + 10 - at))
        for number, at in enumerate(moments)
    ]


def _body(draw: random.Random, algorithm: str, longest: float) -> dict[str, Any]:
    symbol = draw.choice(sorted(QUANTITIES))
    least, most, places = QUANTITIES[symbol]
    steps = draw.randint(least, most)
    duration = draw.randint(MIN_SECONDS, int(max(MIN_SECONDS, min(MAX_SECONDS, longest))))
    return {
        "symbol": symbol,
        "side": draw.choice(("buy", "sell")),
        "quantity": _number(steps, places),
        "unit": "base",
        "algorithm": algorithm,
        "parameters": _parameters(draw, algorithm, duration, _number(steps // 4, places)),
        "accounts": sorted(draw.sample(VENUES, draw.randint(1, len(VENUES)))),
    }


def _number(steps: int, places: int) -> str:
    return f"{steps / 10**places:.{places}f}"


def _parameters(draw: random.Random, algorithm: str, duration: int, visible: str) -> dict[str, Any]:
    length = draw.choice((10, 15, 20))
    urgency = draw.choice(("0.25", "0.5", "0.75"))
    sliced: dict[str, Any] = {
        "duration": duration,
        "urgency": urgency,
        "at_end": "cross",
        "catch_up_cap": "10",
    }
    by_algorithm: dict[str, dict[str, Any]] = {
        "twap": sliced | {"slices": duration // length},
        "vwap": sliced | {"slice_length": length},
        "pov": sliced | {"slice_length": length, "participation_rate": "0.1"},
        "is": sliced | {"slices": duration // length},
        "iceberg": {"duration": duration, "visible_quantity": visible, "at_end": "cross"},
        "sor": {"duration": MIN_SECONDS},
    }
    return by_algorithm[algorithm]
