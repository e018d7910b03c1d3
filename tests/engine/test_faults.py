"""Every fault of the exchange, on every call, against the real engine: nothing twice, nothing lost, all final."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from execution.core.states import OrderStatus
from execution.engine import account_reconciler, account_session, all_trades
from execution.models import Order
from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World, check_against_ledger

#: Faults after which the order may end with quantity left: its quantity was reserved until it was too late.
RESERVES = {"drop_before", "status_500", "status_503", "status_504", "delay_before", "delay"}
#: Long enough that a busy machine, which works a dozen orders at once, does not run out of an order's time.
WINDOW = {"duration": "24", "slices": "2", "urgency": "0.9"}

SPOILT = (
    "delay",
    "delay_before",
    "drop_before",
    "drop_after",
    "status_429",
    "status_418",
    "status_500",
    "status_503",
    "status_504",
    "status_500_after",
    "status_504_after",
    "code_1007_after",
    "code_1021",
    "truncate",
    "html_200",
    "empty_200",
)
LATE = ("late_orders", "late_trades")
POLL_KINDS = ("find", "open_orders", "trades")


@dataclass(frozen=True)
class Case:
    """A fault on a call; ``count`` calls are spoilt."""

    on: str
    kind: str
    count: int = 2
    seconds: float = 3.0

    @property
    def key(self) -> str:
        """Return the account that this fault is for."""
        return f"{self.on}-{self.kind}".replace("_", "-")

    @property
    def rule(self) -> dict[str, Any]:
        return {
            "on": self.on,
            "kind": self.kind,
            "count": self.count,
            "seconds": self.seconds,
            "key": self.key,
        }


CREATE = [Case("create", kind, count=1) for kind in (*SPOILT, "reject")]
CANCEL = [Case("cancel", kind, count=1) for kind in SPOILT if kind != "reject"]
POLL = [
    *(
        Case(on, kind)
        for on in POLL_KINDS
        for kind in ("drop_before", "status_429", "status_503", "truncate", "html_200")
    ),
    Case("find", "late_orders"),
    Case("open_orders", "late_orders"),
    Case("trades", "late_trades"),
    Case("stream", "lost_events", count=50),
    Case("stream", "duplicate_events", count=50),
]
GROUPS = {"create": CREATE, "cancel": CANCEL, "poll": POLL}


@dataclass
class Run:
    """The result of a group of cases: each case on an account of its own, all in one engine."""

    orders: dict[Case, Order] = field(default_factory=dict)
    left: list[dict[str, Any]] = field(default_factory=list)
    ledger: dict[str, Any] = field(default_factory=dict)


def run_group(cases: list[Case], exchange: Exchange, world: World, engine: EngineThread) -> Run:
    run = Run()
    exchange.add_accounts([case.key for case in cases])
    accounts = {case: world.account(case.key) for case in cases}
    engine.start()
    world.wait_open(accounts.values())
    if cases is CANCEL:  # so that every order has something left to cancel
        exchange.control("POST", "market", {"symbol": "BTC/USDT", "freeze": True})
    for case in cases:
        exchange.control("POST", "faults", case.rule)
        if case.on == "find":  # an order is asked for by its id only when something else went wrong
            exchange.control("POST", "faults", {"on": "create", "kind": "drop_before", "key": case.key})
        run.orders[case] = world.submit(accounts[case], parameters=WINDOW)
    if cases is POLL:  # the streams are cut for everybody, and later stay open without a word
        time.sleep(3)
        exchange.control("POST", "streams/cut", {})
        time.sleep(6)
        exchange.control("POST", "streams/cut", {"silent_seconds": 4})
    world.wait_final(run.orders.values(), within=90)
    run.left = exchange.control("GET", "faults")
    run.ledger = exchange.ledger()
    return run


def story(order: Order) -> str:
    """Return the journal's words, for the reader of a failure."""
    entries = order.journal.order_by("version")
    return "\n".join(f"  {e.at:%H:%M:%S.%f} {e.kind} {e.actor} {e.reason} {e.data}" for e in entries)


@pytest.mark.parametrize("group", GROUPS)
def test_every_fault_leaves_the_books_equal_and_every_order_final(
    group: str, exchange: Exchange, world: World, engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else twenty accounts would share the limit of one address, and wait for it.
    monkeypatch.setattr(account_session, "clients_of_address", lambda _: 1)
    if group == "poll":  # with all well an order of seconds could be over before a poll is due
        monkeypatch.setattr(account_reconciler, "CALM", 3.0)
        monkeypatch.setattr(all_trades, "TRADES_EVERY", timedelta(seconds=3))
    cases = GROUPS[group]
    run = run_group(cases, exchange, world, engine)
    failures = []
    for case, order in run.orders.items():
        order.refresh_from_db()
        try:
            check_against_ledger(order, run.ledger)
            assert not [
                rule for rule in run.left if rule["key"] == case.key and rule["count"] == case.count
            ], "the fault never struck"
            if case.kind not in RESERVES and case.on != "find":
                assert order.status == OrderStatus.COMPLETED, f"{order.status}: {order.reason}"
        except AssertionError as error:
            failures.append(f"{case.key} ({order.status} {order.filled}): {error}\n{story(order)}")
    assert not failures, "\n".join(failures)
