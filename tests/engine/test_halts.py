"""A hundred halts, each at a seeded moment of the real engine's own loop: none slips through, all is cancelled."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from execution import notify
from execution.core.problems import Refused
from execution.core.states import OrderStatus
from execution.core.terms import parse_order_request
from execution.engine import engine as engine_module
from execution.models import Account, Halt, Order, Role, User
from execution.selectors.halts import halt_row
from execution.services import halts
from execution.services.halts import HaltRequest, halt_lift
from execution.services.orders import order_cancel, order_resume, order_submit
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.engine.halting import MOMENTS, Loop, Strike
from tests.engine.running import EngineThread, World, check_against_ledger, now
from tests.fixtures import redis_url
from tests.invariants import check_final

__all__ = ["redis_url"]

#: What each group trades, far more than the market takes from it meanwhile.
SYMBOLS = {"BTC/USDT": "40", "ETH/USDT": "400", "SOL/USDT": "9000"}
IN_GROUPS, OF_THE_DESK = 30, 10  # halts: of each group, and of the desk as a whole
#: After a lift nothing may move for this long, though every driver is made to look.
QUIET = 0.05  # seconds


@pytest.fixture
def bell(redis_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """Wake-ups over a real Redis, with a bell that no earlier test has bound to another one."""
    settings.REDIS_URL = redis_url
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    }  # no pages here
    monkeypatch.setattr(notify, "_bell", notify._Bell())
    return redis_url


@pytest.fixture
def rung_engine(world: World, bell: str) -> Iterator[EngineThread]:
    """An engine whose sessions are woken as in a worker; not started yet."""
    running = EngineThread(world.gateway, doorbell_url=bell)
    try:
        yield running
    finally:
        running.stop()
    assert not running.lost


@pytest.fixture
def supervisor(world: World) -> User:
    return User.objects.create_user("supervisor", role=Role.SUPERVISOR)


def make_account(world: World, label: str, symbol: str, trader: User) -> Account:
    world.exchange.add_accounts([label])
    account = world.account(label)
    account.symbols = [symbol]
    account.save()
    account.traders.add(trader)
    return account


def wait_reconciled(accounts: list[Account]) -> None:
    labels = [account.label for account in accounts]
    waiting = Account.objects.filter(label__in=labels, reconciled_until=None)
    wait_until(lambda: not waiting.exists(), within=60, what="accounts to be reconciled")


def submit(account: Account, trader: User, side: str, quantity: str) -> Order:
    """A TWAP that rests a large child for as long as the test runs."""
    raw = {
        "symbol": account.symbols[0],
        "side": side,
        "quantity": quantity,
        "unit": "base",
        "algorithm": "twap",
        "accounts": [account.public_id],
        "parameters": {"duration": "30m", "slices": "2", "rest_share": "0.9"},
    }
    request = parse_order_request(raw)
    return order_submit(person=trader, request=request, key=f"{account.label} {side}", now=now())


@dataclass
class Group:
    """A trader with a buy and a sell of one symbol, on an account each; its halts concern nobody else."""

    number: int
    symbol: str
    loop: Loop
    engine: EngineThread
    supervisor: User
    trader: User
    accounts: list[Account]
    orders: list[Order] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    failure: BaseException | None = None

    def run(self) -> None:
        """Its halts one after the other; to be run in a thread of its own."""
        try:
            for seed in range(IN_GROUPS):
                draw = random.Random(f"{self.number} {seed}")
                request, covered = draw.choice(self._scopes())
                cycle(self.loop, self.engine, draw, request, covered, self.supervisor)
                self.struck.append(request.scope)
        except BaseException as error:  # noqa: BLE001  the test that joins it raises it
            self.failure = error
        finally:
            connections.close_all()

    def _scopes(self) -> list[tuple[HaltRequest, list[Order]]]:
        one = self.number % 2
        return [
            (HaltRequest("stop", "account", self.accounts[one].label), [self.orders[one]]),
            (HaltRequest("stop", "trader", self.trader.username), self.orders),
            (HaltRequest("stop", "symbol", self.symbol), self.orders),
        ]


def cycle(
    loop: Loop,
    engine: EngineThread,
    draw: random.Random,
    request: HaltRequest,
    covered: list[Order],
    supervisor: User,
) -> None:
    """Resume what is paused, halt at the drawn moment of what follows, see it flat, lift, see nothing move."""
    strike = Strike(
        request=request,
        moment=draw.choice(MOMENTS),
        skips=draw.choice([0, 0, 1]),
        inline=draw.random() < 0.5,
        delay=draw.choice([0, 0, draw.uniform(0, 0.02)]),
        dies=draw.random() < 0.2,
        covers=frozenset(order.pk for order in covered),
        person=supervisor,
    )
    loop.arm(strike)
    for order in Order.objects.filter(pk__in=strike.covers, status=OrderStatus.PAUSED):
        resume(order, supervisor, strike)
    if not strike.done.wait(1):
        loop.fire_now(strike)
        assert strike.done.wait(20), f"{strike.name}: the halt could not be set"
    assert strike.halt is not None, f"{strike.name}: the halt was refused"
    halt = strike.halt
    flat = Halt.objects.filter(pk=halt.pk).exclude(flat_at=None)
    wait_until(flat.exists, within=20, what=f"{strike.name}: flat, but for {halt_row(halt.public_id)}")
    before = picture(covered)
    assert {(status, needs, open_) for status, needs, open_, _ in before} == {("paused", True, 0)}, (
        strike.name
    )
    halt_lift(public_id=halt.public_id, person=supervisor, reason="seen", now=now())
    for order in covered:
        engine.poke(order.pk)
    time.sleep(QUIET)
    assert picture(covered) == before, f"{strike.name}: something moved after the lift"
    assert loop.slipped(strike, until=loop.mark()) == [], strike.name


def resume(order: Order, person: User, strike: Strike) -> None:
    """Resume an order, unless the halt has struck already at what the resume of another one began."""
    try:
        order_resume(public_id=order.public_id, person=person, reason="", mode="catch_up", now=now())
    except Refused:
        assert strike.committed, f"{strike.name}: refused with no halt in force"


def picture(orders: list[Order]) -> list[tuple[str, bool, int, int]]:
    """Status, whether a person is needed, children that are not settled, and all children."""
    rows = Order.objects.filter(pk__in=[order.pk for order in orders]).order_by("pk")
    return [
        (
            row.status,
            row.needs_person,
            row.children.filter(is_settled=False).count(),
            row.children.count(),
        )
        for row in rows
    ]


def make_groups(world: World, loop: Loop, engine: EngineThread, supervisor: User) -> list[Group]:
    groups = []
    for number, symbol in enumerate(SYMBOLS):
        base = symbol.partition("/")[0].lower()
        trader = User.objects.create_user(f"trader_{base}")
        accounts = [make_account(world, f"{base}-{side}", symbol, trader) for side in ("buy", "sell")]
        groups.append(Group(number, symbol, loop, engine, supervisor, trader, accounts))
    return groups


def test_a_hundred_halts_at_seeded_moments_let_nothing_through(
    exchange: Exchange,
    world: World,
    rung_engine: EngineThread,
    supervisor: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(halts, "SWEEP_PATIENCE", timedelta(milliseconds=100))
    monkeypatch.setattr(engine_module, "TEND_EVERY", 0.05)
    loop = Loop(monkeypatch)
    groups = make_groups(world, loop, rung_engine, supervisor)
    rung_engine.start()
    wait_reconciled([account for group in groups for account in group.accounts])
    for group in groups:
        sides = zip(group.accounts, ("buy", "sell"), strict=True)
        group.orders = [submit(account, group.trader, side, SYMBOLS[group.symbol]) for account, side in sides]
    begun = time.monotonic()
    threads = [threading.Thread(target=group.run, name=group.symbol) for group in groups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for group in groups:
        if group.failure is not None:
            raise group.failure
    everything = [order for group in groups for order in group.orders]
    for seed in range(OF_THE_DESK):
        desk = HaltRequest("stop", "desk")
        cycle(loop, rung_engine, random.Random(seed), desk, everything, supervisor)
    print(f"{Halt.objects.count()} halts in {time.monotonic() - begun:.1f} s")
    assert Halt.objects.count() == 100
    finish(world, exchange, everything)


def finish(world: World, exchange: Exchange, orders: list[Order]) -> None:
    """Cancel what is left, and compare every order with the exchange's books."""
    for order in orders:
        order_cancel(public_id=order.public_id, person=order.trader, reason="", now=now())
    world.wait_final(orders, within=30)
    ledger = exchange.ledger()
    for order in orders:
        check_against_ledger(order, ledger)
        check_final(order)
        sent = {row["client_id"] for row in ledger[order.accounts.get().label]["orders"]}
        untaken = order.children.filter(client_id__in=sent, taken_at=None)
        assert not untaken.exists(), "sent without having been taken"
