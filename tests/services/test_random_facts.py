"""An order driven through random news, people and workers: after every step the books agree (I5, I6, I12, I13).

The exchange here keeps its own ledger; the desk hears of it late, twice, in any order, or not at all.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest

from execution.core.guarantees import GUARANTEES
from execution.core.problems import Refused
from execution.core.states import CHILD_LIVE, ORDER_FINAL, ChildStatus
from execution.core.types import (
    ZERO,
    Accepted,
    CancelConfirmed,
    NotSent,
    Rejected,
    Trade,
    Unknown,
    VenueStatus,
)
from execution.models import ChildOrder, Order
from execution.services.children.absence import NotFoundObservation, child_not_found
from execution.services.children.children import (
    child_cancelled,
    child_outcome,
    child_report,
    children_recover,
)
from execution.services.children.fills import fill_record
from execution.services.orders.orders import order_cancel, order_pause, order_resume
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.invariants import check_final, check_order

LOT = D("0.00001")
SECOND = timedelta(seconds=1)


@dataclass
class AtExchange:
    """The truth about one child."""

    child: ChildOrder
    filled: Decimal = ZERO
    end: VenueStatus | None = None
    trades: list[Trade] = field(default_factory=list)


class Chaos:
    """One order, one seed."""

    def __init__(self, rows: Rows, seed: int) -> None:
        self.rows, self.random, self.now = rows, random.Random(seed), NOW
        parameters = {"duration": "3m", "slices": "12"}
        self.order = rows.working(side=self.random.choice(["buy", "sell"]), parameters=parameters)
        self.book: dict[int, AtExchange] = {}

    def act(self) -> None:
        """Do one random thing, and mostly let the driver and the session poll at once."""
        self.now += self.random.randint(0, 5_000) * timedelta(milliseconds=1)
        weights = {self.trade: 4, self.tell: 4, self.list: 2, self.person: 1}
        self.random.choices(list(weights), list(weights.values()))[0]()
        check_order(self.order)
        for poll in (self.drive, self.send):
            if self.random.random() < 0.7:
                poll()
                check_order(self.order)

    def drive(self) -> None:
        self.rows.step(self.order, now=self.now)

    def send(self) -> None:
        for child in self.order.children.filter(status=ChildStatus.PENDING_SUBMIT):
            if self.rows.submit_child(child, now=self.now) is None:
                continue
            outcome = self.random.choice(["yes"] * 7 + ["no", "not sent", "lost", "lost and there", "gone"])
            self._answer(child, outcome)

    def _answer(self, child: ChildOrder, outcome: str) -> None:
        if outcome in {"yes", "lost and there", "gone"}:
            self.book[child.pk] = AtExchange(child)
        if outcome == "yes":
            answer = Accepted(report_of(child, VenueStatus.OPEN, self.random.choice(["0", None])))
            child_outcome(child_pk=child.pk, outcome=answer, now=self.now)
        elif outcome == "no":
            for _ in range(self.random.randint(1, 2)):
                child_outcome(child_pk=child.pk, outcome=Rejected("InvalidOrder", "no"), now=self.now)
        elif outcome == "not sent":
            child_outcome(child_pk=child.pk, outcome=NotSent("refused"), now=self.now)
        elif outcome == "gone":  # the worker died before it had recorded anything
            children_recover(account_pk=self.rows.account.pk, account_fence=2, now=self.now)
        else:
            child_outcome(child_pk=child.pk, outcome=Unknown("timed out"), now=self.now)

    def trade(self) -> None:
        """Execute a part at the exchange, or end an order that was cancelled or is immediate."""
        for truth in self.book.values():
            left = truth.child.quantity - truth.filled
            if truth.end is not None:
                continue
            if self.random.random() < 0.5:
                lots = self.random.randint(1, int(left / LOT))
                self._execute(truth, lots * LOT)
            truth.child.refresh_from_db()
            if truth.filled == truth.child.quantity:
                truth.end = VenueStatus.FILLED
            elif truth.child.time_in_force == "ioc":
                truth.end = VenueStatus.EXPIRED
            elif truth.child.status == ChildStatus.CANCELLING:
                truth.end = VenueStatus.CANCELLED

    def _execute(self, truth: AtExchange, quantity: Decimal) -> None:
        truth.filled += quantity
        number = f"{truth.child.pk}-{len(truth.trades)}"
        truth.trades.append(trade_of(truth.child, number, quantity, fee=D("0.01"), fee_currency="USDT"))

    def tell(self) -> None:
        """Send a stream's message about one child, old or new, or nothing at all."""
        if not self.book:
            return
        truth = self.random.choice(list(self.book.values()))
        what = self.random.choice(["report", "old report", "trade", "cancelled"])
        if what == "report":
            self._report(truth)
        elif what == "old report":
            report = report_of(truth.child, VenueStatus.OPEN, truth.filled * self.random.choice([0, 1]))
            child_report(account_pk=self.rows.account.pk, report=report, now=self.now)
        elif what == "trade" and truth.trades:
            self._record(self.random.choice(truth.trades))
        elif what == "cancelled" and truth.end is VenueStatus.CANCELLED:
            figure = self.random.choice([None, truth.filled])
            confirmed = CancelConfirmed(report_of(truth.child, VenueStatus.CANCELLED, figure))
            child_cancelled(child_pk=truth.child.pk, outcome=confirmed, now=self.now)

    def _report(self, truth: AtExchange) -> None:
        report = report_of(truth.child, truth.end or VenueStatus.OPEN, truth.filled)
        child_report(account_pk=self.rows.account.pk, report=report, now=self.now)

    def _record(self, trade: Trade) -> None:
        """Record with or without its details, as streams and polls differ."""
        bare = Trade(
            trade.symbol, trade.trade_id, trade.side, trade.price, trade.quantity, trade.at, trade.exchange_id
        )
        shown = self.random.choice([trade, bare])
        fill_record(account_pk=self.rows.account.pk, trade=shown, now=self.now)

    def list(self) -> None:
        """Poll over REST, with trades in any order."""
        trades = [trade for truth in self.book.values() for trade in truth.trades]
        for trade in self.random.sample(trades, len(trades)):
            self._record(trade)

    def person(self) -> None:
        verb = self.random.choice(["pause", "resume", "shift", "resume", "cancel"])
        about = {"public_id": self.order.public_id, "person": self.rows.trader, "reason": "", "now": self.now}
        try:
            if verb == "pause":
                order_pause(**about)
            elif verb == "cancel" and self.random.random() < 0.1:
                order_cancel(**about)
            elif verb in {"resume", "shift"}:
                order_resume(**about, mode="shift" if verb == "shift" else "catch_up")
        except Refused:
            check_order(self.order)

    def heal(self) -> None:
        """End the faults, and check everything until the order is final and its children settled."""
        self.order.refresh_from_db()
        self.now = max(self.now, self.order.terms.end_at if self.order.terms else NOW)
        for _ in range(60):
            self.now += 2 * SECOND
            self.drive()
            self.send()
            self.trade()
            for truth in self.book.values():
                self._report(truth)
                for trade in truth.trades:
                    fill_record(account_pk=self.rows.account.pk, trade=trade, now=self.now)
            self._recover_the_lost()
            check_order(self.order)
            self.order.refresh_from_db()
            if self.order.status in ORDER_FINAL:
                return
        raise AssertionError(f"still {self.order.status}: {self.order.why}")

    def _recover_the_lost(self) -> None:
        kinds = ("open_orders", "closed_orders", "trades")
        for child in self.order.children.filter(status=ChildStatus.UNKNOWN):
            polls = [NotFoundObservation(kind, self.now, NOW - SECOND) for kind in kinds]
            if child.pk not in self.book:
                child_not_found(
                    child_pk=child.pk, polls=polls, guarantees=GUARANTEES["binance"], now=self.now
                )


@pytest.mark.parametrize("seed", range(4 if "TRANCHE_TEST_DATABASE_URL" in os.environ else 10))
def test_after_any_sequence_of_facts_the_books_agree_and_the_order_ends(rows: Rows, seed: int) -> None:
    chaos = Chaos(rows, seed)
    for _ in range(30):
        chaos.act()
    chaos.heal()
    check_final(chaos.order)
    order = Order.objects.get()
    assert order.filled == sum(truth.filled for truth in chaos.book.values()), "the exchange's ledger"
    assert order.filled <= order.quantity
    assert order.fees.get("USDT", "0") == str(D("0.01") * order.fills.count() or 0)
    assert not order.children.filter(status__in=CHILD_LIVE).exists()
