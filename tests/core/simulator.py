"""A market, an exchange and a clock, all virtual, around the real ``decide``: one seed is one whole run.

The exchange fills, refuses, loses answers, delays cancels and lists trades late, as ``Rates`` say. Its ledger
(``Placed``) is the truth. The desk merges reports and fills as in production. Every intent is checked when it is made.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.algorithms.decide import decide
from execution.core.algorithms.replan import must_finish
from execution.core.market_rules import band_edge, too_far_to_rest, within_most
from execution.core.orders.parameters import IcebergParameters, PovParameters, SlicedParameters
from execution.core.orders.slices import SliceTask
from execution.core.orders.view import (
    CROSS,
    REST,
    AccountView,
    CancelChild,
    ChangeStatus,
    ChildView,
    OrderView,
    PlaceChild,
    Rejections,
    Replan,
    memo_after,
)
from execution.core.orders.volume_gaps import unknown_since
from execution.core.quantities import collar_price, floor_to, is_multiple
from execution.core.reconcile import ChildFacts, merge_fill, merge_report, settled
from execution.core.states import (
    CLOSING_EVENTS,
    ORDER_FINAL,
    ChildEvent,
    ChildStatus,
    OrderEvent,
    OrderStatus,
    child_after,
    order_after,
)
from execution.core.types import ZERO, Book, Market, MarketStatus, OrderReport, Quote, Side, VenueStatus
from tests.core.builders import D

TICK = timedelta(seconds=0.5)
#: After this long past the end everything must have come to rest: unknowns are resolved within 15 s.
PATIENCE = timedelta(seconds=90)


@dataclass(frozen=True)
class Rates:
    """The frequencies of events, per tick or per request."""

    rest_fills: float = 0.2
    cross_fills: float = 0.8
    rejects: float = 0.0
    loses: float = 0.0
    late_news: float = 0.0
    slow_cancel: float = 0.0
    stale: float = 0.0
    blocks: float = 0.0
    person_pauses: float = 0.0
    person_cancels: float = 0.0
    shares: tuple[str, ...] = ("0.1", "0.5", "1", "1")  #: of what is left, that one fill takes
    swing: int = 20  #: ticks that the price may move per step


@dataclass
class Placed:
    """A child: what the exchange knows (truth) and what the desk knows (facts)."""

    sequence: int
    intend: PlaceChild
    at: datetime
    facts: ChildFacts
    exists: bool = True
    filled: Decimal = ZERO
    end: VenueStatus | None = None
    cancel_at: datetime | None = None
    resolve_at: datetime | None = None
    cancel_wanted: bool = False
    ended_at: datetime | None = None
    reason: str = ""
    news: list[tuple[datetime, OrderReport | Decimal]] = field(default_factory=list)


@dataclass
class Run:
    """The result of a run."""

    view: OrderView
    placed: list[Placed]
    reasons: list[str]

    @property
    def executed(self) -> Decimal:
        """Return the exchange's ledger."""
        return sum((child.filled for child in self.placed), ZERO)


class Simulation:
    """One order from its start to its end."""

    def __init__(self, view: OrderView, rates: Rates, seed: int) -> None:
        self.view, self.rates, self.random = view, rates, random.Random(seed)
        self.placed: list[Placed] = []
        self.reasons: list[str] = []
        self.resume_at: datetime | None = None
        self.resumed_at = view.now
        self.due_at: datetime | None = view.now

    def run(self) -> Run:
        """Tick until the order is final; fails when it never is."""
        while self.view.status not in ORDER_FINAL:
            assert self.view.now < self.view.end_at + PATIENCE, (
                f"still {self.view.status}: {self.reasons[-3:]}"
            )
            self._market()
            for child in self.placed:
                self._exchange(child)
                self._hear(child)
            self._person()
            for _ in range(20):
                if not self._step():
                    break
            else:
                raise AssertionError(f"decides without end: {self.reasons[-3:]}")
            self.view = replace(self.view, now=self.view.now + TICK)
        return Run(self.view, self.placed, self.reasons)

    def chance(self, rate: float) -> bool:
        return self.random.random() < rate

    # --- the world ---------------------------------------------------------------------------------

    def _market(self) -> None:
        venues = tuple(self._moved(venue) for venue in self.view.accounts)
        traded = self.view.traded_since_start
        if traded is not None:
            traded += self.random.randint(0, 100) * venues[0].market.lot * 100
        self.view = replace(self.view, accounts=venues, traded_since_start=traded)

    def _moved(self, venue: AccountView) -> AccountView:
        quote, tick = venue.quote, venue.market.tick
        if quote is None or self.chance(self.rates.stale):
            return venue
        move = self.random.randint(-self.rates.swing, self.rates.swing) * tick
        bid = max(quote.bid + move, tick)
        size = self.random.choice([None, D("0.01"), D(1)])
        quote = Quote(bid, bid + self.random.randint(1, 5) * tick, size, size, self.view.now)
        blocked = "the account is closed" if self.chance(self.rates.blocks) else ""
        return replace(
            venue, quote=quote, blocked=blocked, book=venue.book and self._book(quote, venue.market)
        )

    def _book(self, quote: Quote, market: Market) -> Book:
        """Return three levels on either side of a quote."""
        sizes = [self.random.randint(1, 400) * market.lot * 100 for _ in range(3)]
        bids = tuple((quote.bid - place * market.tick, size) for place, size in enumerate(sizes))
        asks = tuple((quote.ask + place * market.tick, size) for place, size in enumerate(sizes))
        return Book(tuple(level for level in bids if level[0] > ZERO), asks, self.view.now)

    def _exchange(self, child: Placed) -> None:
        """Do one tick of a child at the exchange."""
        if not child.exists or child.end is not None:
            return
        left = child.intend.quantity - child.filled
        crossing = child.intend.time_in_force.value == "ioc"
        if self.chance(self.rates.cross_fills if crossing else self.rates.rest_fills):
            share = D(self.random.choice(self.rates.shares))
            lot = venue_named(self.view, child.intend.account).market.lot
            amount = max(floor_to(left * share, lot), lot)
            child.filled += amount
            self._tell(child, amount)
            self._tell(child, self._report(child, VenueStatus.OPEN))
        if child.filled == child.intend.quantity:
            child.end = VenueStatus.FILLED
        elif crossing:
            child.end = VenueStatus.EXPIRED
        elif child.cancel_at is not None and self.view.now >= child.cancel_at:
            child.end = VenueStatus.CANCELLED
        if child.end is not None:
            self._tell(child, self._report(child, child.end))

    def _report(self, child: Placed, status: VenueStatus) -> OrderReport:
        return OrderReport("", None, None, status, child.filled)

    def _tell(self, child: Placed, news: OrderReport | Decimal) -> None:
        late = self.random.randint(1, 12) if self.chance(self.rates.late_news) else 0
        child.news.append((self.view.now + late * TICK, news))

    def _hear(self, child: Placed) -> None:
        """Merge what has arrived; resolve an unknown child by evidence when its time has come."""
        known = child.resolve_at is None or self.view.now >= child.resolve_at
        if not known:
            return
        if child.resolve_at is not None:
            child.resolve_at = None
            if child.exists:
                child.facts = merge_report(
                    child.facts, self._report(child, child.end or VenueStatus.OPEN)
                ).facts
                self._cancel_as_wanted(child)
            else:
                status = child_after(child.facts.status, ChildEvent.PROVEN_ABSENT)
                child.facts = replace(child.facts, status=status, reported=ZERO)
        due = [news for at, news in child.news if at <= self.view.now]
        child.news = [(at, news) for at, news in child.news if at > self.view.now]
        for news in due:
            merged = (
                merge_fill(child.facts, news)
                if isinstance(news, Decimal)
                else merge_report(child.facts, news)
            )
            child.facts = merged.facts
        if settled(child.facts) and child.ended_at is None:
            child.ended_at = self.view.now

    def _cancel_as_wanted(self, child: Placed) -> None:
        if child.cancel_wanted and child.facts.status in {ChildStatus.OPEN, ChildStatus.PARTLY_FILLED}:
            child.facts = replace(child.facts, status=ChildStatus.CANCELLING)

    def _person(self) -> None:
        status = self.view.status
        if status is OrderStatus.WORKING and self.chance(self.rates.person_pauses):
            self._move(ChangeStatus(OrderEvent.PAUSE, "a person paused"))
        elif status is OrderStatus.PAUSED and self.resume_at is not None and self.view.now >= self.resume_at:
            self._move(ChangeStatus(OrderEvent.RESUME, "a person resumed"))
            self.resumed_at = self.view.now
        elif status in {OrderStatus.WORKING, OrderStatus.PAUSED} and self.chance(self.rates.person_cancels):
            self._move(ChangeStatus(OrderEvent.CLOSE, "a person cancelled", outcome=OrderStatus.CANCELLED))

    # --- the desk ----------------------------------------------------------------------------------

    def _observe(self) -> OrderView:
        view = self.view
        current = next((p.number for p in view.slices if p.starts_at <= view.now < p.ends_at), None)
        shown = [c for c in self.placed if not settled(c.facts) or c.intend.slice_number == current]
        done = sum((max(c.facts.filled, c.facts.reported or ZERO) for c in self.placed), ZERO)
        return replace(
            view, children=tuple(map(self._child_view, shown)), done=done, rejections=self._rejections()
        )

    @staticmethod
    def _child_view(child: Placed) -> ChildView:
        return ChildView(
            sequence=child.sequence,
            account=child.intend.account,
            slice_number=child.intend.slice_number,
            purpose=child.intend.purpose,
            status=child.facts.status,
            price=child.intend.price,
            quantity=child.intend.quantity,
            done=max(child.facts.filled, child.facts.reported or ZERO),
            is_settled=settled(child.facts),
            cancel_wanted=child.cancel_wanted,
            intended_at=child.at,
            ended_at=child.ended_at,
            reason=child.reason,
        )

    def _rejections(self) -> Rejections:
        run: list[Placed] = []
        for child in reversed(self.placed):
            if child.facts.status is not ChildStatus.REJECTED or child.at < self.resumed_at:
                break
            run.append(child)
        return Rejections(len(run), run[0].ended_at, run[0].reason) if run else Rejections()

    def _step(self) -> bool:
        """Look, decide, check, apply; True when something was commanded."""
        view = self._observe()
        decision = decide(view)
        assert decide(view) == decision, "the same view led to another decision"
        self.reasons.append(decision.why)
        self.view = replace(self.view, memo=memo_after(self.view.memo, decision.memo))
        assert decision.due_at is None or decision.due_at >= view.now
        for command in decision.commands:
            if isinstance(command, PlaceChild):
                check_intent(self._observe(), command)
                self._place(command)
            elif isinstance(command, CancelChild):
                self._cancel(self.placed[command.sequence - 1])
            elif isinstance(command, Replan):
                self._replan(command)
            else:
                self._move(command)
        return bool(decision.commands) and self.view.status not in ORDER_FINAL

    def _place(self, intend: PlaceChild) -> None:
        facts = ChildFacts(ChildStatus.SUBMITTED, intend.quantity, None, ZERO)
        child = Placed(len(self.placed) + 1, intend, self.view.now, facts)
        self.placed.append(child)
        if self.chance(self.rates.rejects):
            child.exists, child.reason, child.ended_at = False, "InvalidOrder", self.view.now
            child.facts = replace(facts, status=ChildStatus.REJECTED, reported=ZERO)
        elif self.chance(self.rates.loses):
            child.exists = self.chance(0.5)
            child.resolve_at = self.view.now + self.random.randint(2, 30) * TICK
            child.facts = replace(facts, status=ChildStatus.UNKNOWN)
        else:
            self._tell(child, self._report(child, VenueStatus.OPEN))

    def _cancel(self, child: Placed) -> None:
        assert not child.cancel_wanted, "cancelled twice"
        child.cancel_wanted = True
        child.facts = replace(child.facts, status=child_after(child.facts.status, ChildEvent.CANCEL))
        delay = self.random.randint(1, 10) if self.chance(self.rates.slow_cancel) else 0
        child.cancel_at = self.view.now + delay * TICK

    def _replan(self, command: Replan) -> None:
        done = self._observe().done
        assert sum((part.quantity for part in command.slices), ZERO) == self.view.quantity - done
        extended = self.view.extended + (command.end_at - self.view.end_at)
        self.view = replace(self.view, slices=command.slices, end_at=command.end_at, extended=extended)
        for child in self.placed:  # their slices are not those of this plan
            child.intend = replace(child.intend, slice_number=None)

    def _move(self, move: ChangeStatus) -> None:
        status = order_after(self.view.status, move.event)
        self.view = replace(self.view, status=status, outcome_reason=move.reason)
        if move.outcome is not None:
            self.view = replace(self.view, outcome=move.outcome)
        if move.event is OrderEvent.PAUSE:
            self.resume_at = self.view.now + self.random.randint(1, 30) * TICK
        if status in ORDER_FINAL:
            assert all(settled(child.facts) for child in self.placed), (
                "ended before its children were settled"
            )
            assert CLOSING_EVENTS[status] is move.event


def venue_named(view: OrderView, account: str) -> AccountView:
    """Return the order's venue of that account. Fail for a child of any other account."""
    return next(venue for venue in view.accounts if venue.account == account)


def is_at_i_would(view: OrderView, intend: PlaceChild) -> bool:
    """Return whether a child takes at the I-would price or better."""
    price = getattr(view.parameters, "i_would_price", None)
    if price is None or intend.price is None or intend.purpose != CROSS:
        return False
    return bool((intend.price - price) * view.side.sign <= 0)


def check_intent(view: OrderView, intend: PlaceChild) -> None:
    """Check I1, I7 and I14 of one new child, and what the exchange itself would refuse."""
    venue = venue_named(view, intend.account)
    market, quote, price = venue.market, venue.quote, intend.price
    assert view.status is OrderStatus.WORKING, f"a child of a {view.status} order"
    assert view.start_at <= view.now < view.end_at, "a child outside of the order's time"
    assert view.done + view.exposure + intend.quantity <= view.quantity, "more than the order may be filled"
    assert not venue.blocked, "a child for a blocked account"
    assert not venue.trouble(view.now), venue.trouble(view.now)
    assert quote is not None
    assert price is not None
    buys = view.side is Side.BUY
    worst = collar_price(quote.mid, view.parameters.collar_bp, market.tick, view.side)
    assert price <= worst if buys else price >= worst, f"{price} beyond the collar {worst}"
    limit = view.limit_price
    assert limit is None or (price <= limit if buys else price >= limit), f"{price} beyond the limit {limit}"
    assert is_multiple(intend.quantity, market.lot), f"quantity {intend.quantity} off the lot"
    assert is_multiple(price, market.tick), f"price {price} off the tick"
    assert intend.quantity >= market.min_quantity
    assert intend.quantity * price >= market.min_notional, (
        f"notional {intend.quantity * price} under the minimum"
    )
    assert within_most(market, intend.quantity, price) == intend.quantity, "above the exchange's maximum"
    assert intend.purpose == REST or market.status is not MarketStatus.POST_ONLY, "takes where nothing may"
    edge = band_edge(market, view.side, quote.mid)
    assert edge is None or (price <= edge if buys else price >= edge), f"{price} beyond the band's {edge}"
    if intend.purpose == REST:
        assert not (far := too_far_to_rest(market, view.side, price, quote.mid)), far
    cap = getattr(view.parameters, "participation_cap", None)
    if cap is not None:
        assert view.traded_since_start is not None, "a child while the volume is not known"
        assert not unknown_since(view), "a child by a volume that is too old"
        assert view.done + view.exposure + intend.quantity <= cap * view.traded_since_start, "over the cap"
    part = next(p for p in view.slices if p.number == intend.slice_number)
    assert part.starts_at <= view.now < part.ends_at, "a child of a slice whose time it is not"
    if isinstance(view.parameters, PovParameters):  # the market's volume leads, not the plan
        return
    if is_at_i_would(view, intend):
        return  # regardless of the schedule
    if isinstance(view.parameters, SlicedParameters):
        here = sum((c.done + c.exposure for c in view.children if c.slice_number == part.number), ZERO)
        most = part.quantity * view.parameters.catch_up_cap
        finishes = intend.purpose == CROSS and must_finish(
            view, SliceTask(part, part is view.slices[-1], ZERO)
        )
        assert finishes or here + intend.quantity <= most, "beyond the catch-up cap"
    if isinstance(view.parameters, IcebergParameters):
        assert view.exposure + intend.quantity <= view.parameters.visible_quantity, (
            "I17: more than is visible"
        )
    later = sum((p.quantity for p in view.slices if p.number > part.number), ZERO)
    assert view.done + view.exposure + intend.quantity <= view.quantity - later, "ahead of the schedule"
