"""The market's volume, second by second, against the exchange's own ledger: near and far, whole and cut.

``TRANCHE_VOLUME_SECONDS`` makes the runs longer than the few seconds of the suite.
"""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from execution.models import Account, Market, MarketSample, Order, Venue
from execution.selectors.tca.reports import report_read
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World, now

SECONDS = float(os.environ.get("TRANCHE_VOLUME_SECONDS", "8"))
SYMBOL = "BTC/USDT"
#: Seconds: a clock that is off by milliseconds moves trades over the ends of the stretch.
EDGES = 0.5
#: The newest seconds are not proven yet.
TAIL = timedelta(seconds=4)
#: In a shorter run the share of an order is that of a few children.
LONG = 300.0
#: Seconds in which what was missed is fetched.
MENDED_WITHIN = 6.0


@dataclass
class Ledger:
    """Every public trade of an exchange, by id, collected while it runs."""

    exchange: Exchange
    trades: dict[int, dict[str, Any]] = field(default_factory=dict)

    def collect(self) -> None:
        first = max(self.trades, default=-1) + 1
        query = f"?symbol=BTCUSDT&limit=1000&fromId={first}" if first else "?symbol=BTCUSDT&limit=1000"
        url = f"http://127.0.0.1:{self.exchange.port}/api/v3/aggTrades{query}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            self.trades.update({trade["a"]: trade for trade in json.loads(answer.read())})

    def by_second(self) -> dict[datetime, Decimal]:
        volumes: defaultdict[datetime, Decimal] = defaultdict(Decimal)
        for trade in self.trades.values():
            volumes[datetime.fromtimestamp(trade["T"] // 1000, UTC)] += Decimal(trade["q"])
        return volumes


@dataclass(frozen=True)
class Watched:
    """The desk's figures of a stretch of seconds, against the ledger's. Shares of 1."""

    known: float
    volume: Decimal
    ledger: Decimal

    @property
    def difference(self) -> float:
        return abs(float(self.volume / self.ledger - 1))


def watched(venue: Venue, ledger: Ledger, start: datetime, end: datetime) -> Watched:
    """Compare the recorded seconds from ``start`` to ``end``."""
    theirs = ledger.by_second()
    rows = MarketSample.objects.filter(venue=venue, symbol=SYMBOL, second__gte=start, second__lt=end)
    ours = {row.second: row.volume for row in rows if row.volume is not None}
    wanted = [start + timedelta(seconds=number) for number in range(int((end - start).total_seconds()))]
    known = [second for second in wanted if second in ours]
    return Watched(
        len(known) / len(wanted),
        sum((ours[second] for second in known), Decimal(0)),
        sum((theirs.get(second, Decimal(0)) for second in wanted), Decimal(0)),
    )


@contextmanager
def exchanges(folder: Path, latencies: tuple[str, ...]) -> Iterator[list[Exchange]]:
    with ExitStack() as stack:
        running = []
        for latency in latencies:
            one = Exchange(folder / f"paper-{latency}", latency=latency)
            one.add_accounts([f"far-{latency}"])
            one.start()
            stack.callback(one.kill)
            running.append(one)
        yield running


@contextmanager
def cut_every(running: list[Exchange], seconds: float) -> Iterator[None]:
    """Cut every market websocket again and again."""
    ended = threading.Event()

    def cut() -> None:
        while not ended.wait(seconds):
            for one in running:
                one.control("POST", "streams/cut")

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def mute(running: list[Exchange]) -> Iterator[None]:
    """Keep every websocket open and mute for a third of the time."""
    for one in running:
        one.control("POST", "streams/cut", {"silent_seconds": SECONDS / 3})
    yield


TROUBLES: dict[str, Callable[[list[Exchange]], AbstractContextManager[object]]] = {
    "whole": nullcontext,
    "cut": lambda running: cut_every(running, min(20.0, SECONDS / 3)),
    "silent": mute,
}


def trade_for(seconds: float, ledgers: list[Ledger]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(5.0, max(until - time.monotonic(), 0)))
        for ledger in ledgers:
            ledger.collect()


def accounts_of(world: World, running: list[Exchange]) -> list[Account]:
    made = []
    for one in running:
        venue = Venue.objects.create(label=f"far-{one.latency}", exchange="binance", options=one.options)
        made.append(world.account(f"far-{one.latency}", venue))
    return made


def all_open(accounts: list[Account]) -> bool:
    labels = [account.label for account in accounts]
    waiting = Account.objects.filter(label__in=labels, reconciled_until=None)
    return not waiting.exists() and Market.objects.filter(
        venue__label__in=labels, symbol=SYMBOL
    ).count() == len(labels)


def pov(world: World, account: Account, seconds: float) -> Order:
    """Submit a tenth of the market's volume, more than it can have."""
    return world.submit(
        account,
        algorithm="pov",
        quantity="50",
        parameters={"participation_rate": "0.1", "duration": str(int(seconds) + 90), "urgency": "0.75"},
    )


@pytest.mark.timeout(240 + 4 * int(SECONDS))
def test_what_is_said_to_be_known_is_what_the_exchange_traded(
    world: World, engine: EngineThread, tmp_path: Path
) -> None:
    """2, 15, 150 and 800 ms away: whole, with both market streams cut every 20 s, and open but mute (T5 to T7)."""
    with exchanges(tmp_path, ("0.002", "0.015", "0.15", "0.8")) as running:
        accounts = accounts_of(world, running)
        engine.start()
        wait_until(lambda: all_open(accounts), within=60, what="accounts to be reconciled")
        ledgers = [Ledger(one) for one in running]
        orders = [pov(world, account, 4 * SECONDS) for account in accounts]
        time.sleep(3)
        for trouble, make in TROUBLES.items():
            start = now().replace(microsecond=0) + timedelta(seconds=1)
            with make(running):
                trade_for(SECONDS, ledgers)
            end = now().replace(microsecond=0) - TAIL
            trade_for(MENDED_WITHIN, ledgers)
            for account, ledger, order in zip(accounts, ledgers, orders, strict=True):
                seen = watched(account.venue, ledger, start, end)
                print(
                    f"{account.label} {trouble}: known {seen.known:.2%}, {seen.volume} of {seen.ledger}"
                    f" ({seen.difference:.3%}), own share since the start {order_share(order, ledger):.2%}"
                )
                assert seen.known >= 0.99
                assert seen.difference < (0.001 if trouble == "whole" else 0.01) + EDGES / SECONDS
                if trouble != "silent":  # in which the orders hold back
                    check_report(order, ledger)


def check_report(order: Order, ledger: Ledger) -> None:
    """Print what the order's report says beside the ledger. Check it in a run that is long enough to say something."""
    report, share = report_read(order.pk, now()), order_share(order, ledger)
    said, known = float(report["participation"] or 0), float(report["watched"] or 0)
    print(f"{order.accounts.get().label}: {share:.2%}, its report says {said:.2%} and watched {known:.2%}")
    if SECONDS >= LONG:
        assert 0.095 <= share <= 0.105
        assert abs(said - share) < 0.002
        assert known >= 0.99


def order_share(order: Order, ledger: Ledger) -> float:
    """Return the order's share of everything that was traded from its start to its newest fill."""
    order.refresh_from_db()
    last = order.fills.order_by("-executed_at").first()
    if last is None or order.started_at is None:
        return 0.0
    begun, ended = order.started_at.timestamp() * 1000, last.executed_at.timestamp() * 1000
    total = sum(Decimal(trade["q"]) for trade in ledger.trades.values() if begun <= trade["T"] <= ended)
    return float(order.filled / total)
