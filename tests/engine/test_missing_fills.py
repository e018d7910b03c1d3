"""The trades that a poll reads: all at first and every minute, else those of children whose figure tells of more."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import pytest

from execution.core.guarantees import GUARANTEES
from execution.core.states import ChildStatus
from execution.core.types import OrderRef, OrderReport, Trade, VenueStatus
from execution.engine.account_reconciler import AccountReconciler
from execution.engine.all_trades import MOST, TRADES_EVERY
from execution.engine.missing_fills import CLOCKS, TOLD_BY_STREAM
from execution.models import Account, ChildOrder
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from execution.venues.protocol import Listing, TradesQuestion, VenueReadFailed
from tests.engine.desk import LoopDesk
from tests.engine.test_symbols import BTC, ETH, SOL, Venue, cleared, in_doubt, reconciler_of
from tests.factories import NOW, D, Rows, report_of, trade_of

FILLED, OPEN = VenueStatus.FILLED, VenueStatus.OPEN


@dataclass
class CountingVenue(Venue):
    """An exchange that notes each request; ``question`` is how trades cost least, ``at_once`` how many look-ups do."""

    question: TradesQuestion = "symbol"
    at_once: int = 1
    travel: float = 0.01
    orders_of: list[str] = field(default_factory=list)

    @property
    def orders_at_once(self) -> int:  # type: ignore[override]
        return self.at_once

    def cheapest_trades(self, orders: Collection[int]) -> TradesQuestion:
        return self.question

    async def find(self, ref: OrderRef) -> OrderReport | None:
        await self._asked("find", ref.symbol)
        return await super().find(ref)

    async def find_all(self, exchange_ids: Sequence[str]) -> Mapping[str, OrderReport]:
        await self._asked("find_all", f"{len(exchange_ids)}")
        return await super().find_all(exchange_ids)

    async def closed_orders(self, symbol: str, since: datetime) -> Listing[OrderReport]:
        await self._asked("closed_orders", symbol)
        return Listing()

    async def order_trades(self, ref: OrderRef) -> Listing[Trade]:
        await self._asked("order_trades", ref.symbol)
        self.orders_of.append(str(ref.exchange_id))
        return await super().order_trades(ref)


@dataclass
class Session:
    """A session that has read everything once. From then on ``asked`` are its requests."""

    rows: Rows
    venue: CountingVenue
    symbols: tuple[str, ...] = (BTC, ETH, SOL)

    def __post_init__(self) -> None:
        self.loop = LoopDesk(self.rows, self.venue)
        self.reconciler: AccountReconciler = reconciler_of(self.loop, *self.symbols)
        self.poll()

    def poll(self, seconds: float = 0.0) -> list[tuple[str, str]]:
        """Let time pass, poll everything, and return what was asked."""

        async def later() -> None:
            await asyncio.sleep(seconds)
            await self.reconciler.poll()

        self.venue.asked.clear()
        self.loop.run(later)
        return self.venue.asked

    def lose_stream(self) -> None:
        in_doubt(self.loop, self.reconciler)


def resting(rows: Rows, number: int = 1, symbol: str = BTC) -> ChildOrder:
    """Return a child on the book under the exchange's id ``X<number>``."""
    child = rows.resting(key=f"key-{number}")
    ChildOrder.objects.filter(pk=child.pk).update(symbol=symbol)
    child.refresh_from_db()
    report = replace(report_of(child, OPEN, "0", exchange_id=f"X{number}"), symbol=symbol)
    child_report(account_pk=child.account_id, report=report, now=NOW)
    child.refresh_from_db()
    return child


def told(child: ChildOrder, status: VenueStatus, filled: str | None) -> OrderReport:
    figure = None if filled is None else D(filled)
    return OrderReport(child.symbol, child.client_id, child.exchange_id, status, figure)


def fill(child: ChildOrder, trade_id: str, quantity: str) -> Trade:
    return trade_of(child, trade_id, quantity, exchange_id=child.exchange_id, symbol=child.symbol)


# --- all trades ------------------------------------------------------------------------------------


def test_a_new_session_reads_all_trades_and_then_every_minute_and_when_somebody_asks(virtual: Rows) -> None:
    venue = CountingVenue()
    desk = Session(virtual, venue)
    virtual.working()
    assert [what for what, _ in desk.poll()] == ["open_orders"]
    again = desk.poll(TRADES_EVERY.total_seconds())
    assert again == [("open_orders", BTC), ("trades", BTC)]
    assert desk.poll(1) == [("open_orders", BTC)]

    async def asked() -> None:
        desk.reconciler.poke()

    desk.loop.run(asked)
    assert desk.poll(1) == [("open_orders", BTC), ("trades", BTC)]


def test_all_trades_wait_while_they_are_dear_and_children_are_unsettled(virtual: Rows) -> None:
    """On kraken those of a busy minute take half a minute of the limit, and a doubt would wait behind them."""

    class Dear(CountingVenue):
        seconds = MOST + 0.1

        def seconds_of_trades(self, symbols: int, count: int) -> float:
            return self.seconds

    child = resting(virtual)
    venue = Dear(orders=[told(child, OPEN, "0")])
    desk = Session(virtual, venue)
    assert desk.poll(TRADES_EVERY.total_seconds()) == [("open_orders", BTC)]
    venue.seconds = MOST
    assert ("trades", BTC) in desk.poll(1)
    venue.seconds = MOST + 0.1
    child_report(account_pk=child.account_id, report=told(child, VenueStatus.CANCELLED, "0"), now=NOW)
    assert ("trades", BTC) in desk.poll(TRADES_EVERY.total_seconds()), "nothing can come into trouble by it"


def test_the_first_read_goes_back_to_what_an_earlier_holder_read_last(virtual: Rows) -> None:
    """Its mark moved on while it read all trades once a minute only."""
    since: list[datetime] = []

    class Noted(CountingVenue):
        async def trades(self, symbol: str | None, since_: datetime) -> Listing[Trade]:
            since.append(since_)
            return await super().trades(symbol, since_)

    Account.objects.update(reconciled_until=NOW)
    Session(virtual, Noted(), (BTC,))
    assert since == [NOW - TRADES_EVERY - GUARANTEES["binance"].listing_delay.value - CLOCKS]


def test_after_a_lost_stream_the_open_orders_clear_a_symbol(virtual: Rows) -> None:
    child = resting(virtual)
    venue = CountingVenue(orders=[told(child, OPEN, "0")])
    desk = Session(virtual, venue)
    desk.lose_stream()
    assert cleared(BTC) == []
    assert desk.poll() == [("open_orders", BTC)]
    assert cleared(BTC) == [BTC]


# --- what is missing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "asked"),
    [("order", ("order_trades", BTC)), ("symbol", ("trades", BTC)), ("account", ("trades", "all"))],
)
def test_a_part_fill_that_the_stream_did_not_tell_is_read_in_the_cheapest_way(
    virtual: Rows, question: TradesQuestion, asked: tuple[str, str]
) -> None:
    child, other = resting(virtual), resting(virtual, 2)
    venue = CountingVenue(orders=[told(child, OPEN, "0"), told(other, OPEN, "0")], question=question)
    desk = Session(virtual, venue)
    venue.orders = [told(child, OPEN, "0.04"), told(other, OPEN, "0")]
    venue.listed = [fill(child, "1", "0.04")]
    assert desk.poll(1) == [("open_orders", BTC), asked]
    child.refresh_from_db()
    assert (child.filled, child.status) == (D("0.04"), ChildStatus.PARTLY_FILLED)
    assert venue.orders_of in ([], [child.exchange_id]), "the other order has nothing that is missing"
    assert desk.poll(1) == [("open_orders", BTC)]


@pytest.mark.parametrize("question", ["order", "symbol", "account"])
def test_a_child_that_filled_unseen_is_looked_up_and_settled_in_one_poll(
    virtual: Rows, question: TradesQuestion
) -> None:
    child = resting(virtual)
    venue = CountingVenue(orders=[told(child, OPEN, "0")], question=question)
    desk = Session(virtual, venue)
    venue.orders, venue.found = [], {"X1": told(child, FILLED, str(child.quantity))}
    venue.listed = [fill(child, "1", str(child.quantity))]
    desk.lose_stream()
    asked = [what for what, _ in desk.poll(1)]
    assert asked == ["open_orders", "find", "order_trades" if question == "order" else "trades"]
    child.refresh_from_db()
    assert child.is_settled
    assert child.filled == child.quantity


def test_a_child_whose_end_was_told_is_not_looked_up_while_its_trades_are_late(virtual: Rows) -> None:
    child = resting(virtual)
    venue = CountingVenue(orders=[told(child, OPEN, "0")], question="order")
    desk = Session(virtual, venue)
    venue.orders, venue.found = [], {"X1": told(child, FILLED, str(child.quantity))}
    desk.poll(1)
    assert desk.poll(2) == [("open_orders", BTC), ("order_trades", BTC)]
    venue.listed = [fill(child, "1", str(child.quantity))]
    desk.poll(2)
    child.refresh_from_db()
    assert child.is_settled
    assert desk.poll(2) == [("open_orders", BTC)]


@pytest.mark.parametrize("question", ["order", "symbol", "account"])
def test_where_a_figure_is_not_told_the_trades_of_the_symbol_are_read(
    virtual: Rows, question: TradesQuestion
) -> None:
    child = resting(virtual)
    venue = CountingVenue(orders=[told(child, OPEN, "0")], question=question)
    desk = Session(virtual, venue)
    venue.orders = [told(child, OPEN, None)]
    venue.listed = [fill(child, "1", "0.04")]
    assert desk.poll(1)[1:] == [("trades", "all" if question == "account" else BTC)]
    child.refresh_from_db()
    assert child.filled == D("0.04")


def test_trades_that_cannot_be_read_leave_the_child_unsettled_and_are_asked_for_again(virtual: Rows) -> None:
    child = resting(virtual)
    venue = CountingVenue(orders=[told(child, OPEN, "0")], question="account")
    desk = Session(virtual, venue)
    venue.orders = [told(child, OPEN, "0.04")]
    venue.listed = [fill(child, "1", "0.04")]
    venue.failing_until = {"all": 1e9}
    for _ in range(2):
        with pytest.raises(VenueReadFailed, match="503"):
            desk.poll(1)
    assert [what for what, _ in desk.poll(1)] == ["open_orders", *["trades"] * 4], "at last by the symbol"
    child.refresh_from_db()
    assert child.filled == D("0.04")
    venue.orders = [told(child, OPEN, "0.05")]
    venue.listed += [fill(child, "2", "0.01")]
    desk.lose_stream()

    trades = venue.trades

    async def away(symbol: str | None, since: datetime) -> Listing[Trade]:
        raise VenueReadFailed("503")

    venue.trades = away  # type: ignore[method-assign]
    with pytest.raises(VenueReadFailed, match="503"):
        desk.poll(1)
    assert cleared(BTC) == [BTC], "what is not known yet is reserved"
    venue.trades = trades  # type: ignore[method-assign]
    desk.poll(6)
    child.refresh_from_db()
    assert child.filled == D("0.05")


def test_trades_are_asked_for_from_the_last_time_on_at_which_every_figure_was_recorded(virtual: Rows) -> None:
    """A child may rest for an hour. Its trades of that hour are pages that cost, and are known."""
    since: list[datetime] = []

    class Noted(CountingVenue):
        async def trades(self, symbol: str | None, since_: datetime) -> Listing[Trade]:
            since.append(since_)
            return await super().trades(symbol, since_)

    child = resting(virtual)
    venue = Noted(orders=[told(child, OPEN, "0")], question="account")
    desk = Session(virtual, venue)
    desk.poll(40)
    begun = desk.loop.clock.now()
    venue.orders, venue.listed = [told(child, OPEN, "0.04")], [fill(child, "1", "0.04")]
    desk.poll(10)
    late = GUARANTEES["binance"].listing_delay.value + CLOCKS
    assert begun - late - timedelta(seconds=1) <= since[-1] <= begun - late


@pytest.mark.parametrize("is_told", [True, False])
def test_where_lists_of_trades_are_dear_the_stream_has_some_seconds_to_tell(
    virtual: Rows, is_told: bool
) -> None:
    """It tells the last fills once more when it is back. kraken's list of them would take the whole rate limit."""

    class Dear(CountingVenue):
        def seconds_of(self, kind: Literal["balances", "find", "trades"]) -> float:
            return 2.0 if kind == "trades" else 0.1

    child = resting(virtual)
    venue = Dear(orders=[told(child, OPEN, "0")], question="account")
    desk = Session(virtual, venue)
    venue.orders = [told(child, OPEN, "0.04")]
    venue.listed = [fill(child, "1", "0.04")]
    desk.lose_stream()
    assert desk.poll(1) == [("open_orders", BTC)]
    if is_told:
        fill_record(account_pk=child.account_id, trade=venue.listed[0], now=NOW)
    asked = desk.poll(TOLD_BY_STREAM.total_seconds())
    assert asked == [("open_orders", BTC)] + [("trades", "all")] * (not is_told)
    child.refresh_from_db()
    assert child.filled == D("0.04")
    assert desk.poll(1) == [("open_orders", BTC)]


# --- look-ups --------------------------------------------------------------------------------------


def test_children_of_all_symbols_are_looked_up_together_where_the_exchange_takes_that(virtual: Rows) -> None:
    children = [resting(virtual, n, symbol) for n, symbol in enumerate((BTC, BTC, ETH, ETH, SOL), 1)]
    venue = CountingVenue(
        orders=[told(c, OPEN, "0") for c in children], at_once=4, questions=frozenset({"open_orders"})
    )
    desk = Session(virtual, venue)
    venue.orders = []
    venue.found = {str(c.exchange_id): told(c, VenueStatus.CANCELLED, "0") for c in children}
    del venue.found["X3"]
    desk.lose_stream()
    asked = desk.poll(1)
    assert asked == [("open_orders", "all"), ("find_all", "4"), ("find_all", "1"), ("find", ETH)]
    assert ChildOrder.objects.filter(is_settled=True).count() == 4
    assert not ChildOrder.objects.get(exchange_id="X3").is_settled


def test_nothing_is_asked_as_evidence_before_it_counts(virtual: Rows) -> None:
    """A create may arrive for some seconds, and be listed later still: lists of before that prove nothing."""
    child = virtual.resting()
    ChildOrder.objects.filter(pk=child.pk).update(status=ChildStatus.UNKNOWN)
    desk = Session(virtual, CountingVenue())
    assert desk.poll(1) == [("open_orders", BTC), ("find", BTC)]
    from_ = GUARANTEES["binance"].arrives_within, GUARANTEES["binance"].listing_delay.value
    asked = desk.poll(sum(one.total_seconds() for one in from_ if one))
    assert [what for what, _ in asked] == ["open_orders", "find", "trades", "closed_orders"]
    for _ in range(3):
        desk.poll(3)
    child.refresh_from_db()
    assert child.status == ChildStatus.ABSENT


def test_evidence_about_children_of_several_symbols_is_one_list_of_trades_where_that_costs_no_more(
    virtual: Rows,
) -> None:
    """On kraken each symbol's trades are picked out of those of all, a page of fifty at a time."""
    symbols = (BTC, ETH, SOL)
    for number, symbol in enumerate(symbols):
        child = virtual.resting(key=f"key-{number}")
        ChildOrder.objects.filter(pk=child.pk).update(status=ChildStatus.UNKNOWN, symbol=symbol)
    desk = Session(virtual, CountingVenue(questions=frozenset({"open_orders", "trades"})), symbols)
    from_ = GUARANTEES["binance"].arrives_within, GUARANTEES["binance"].listing_delay.value
    asked = desk.poll(sum(one.total_seconds() for one in from_ if one) + 1)
    assert [symbol for what, symbol in asked if what == "trades"] == ["all"]
    assert sorted(symbol for what, symbol in asked if what == "closed_orders") == sorted(symbols)
    for _ in range(3):
        desk.poll(3)
    assert {child.status for child in ChildOrder.objects.all()} == {ChildStatus.ABSENT}
