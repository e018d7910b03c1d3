"""The input of an algorithm (``OrderView``) and its output (``Decision``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from execution.core.market_data.freshness import MAX_CLOCK_DIFFERENCE, MAX_QUOTE_AGE, is_fresh
from execution.core.numbers import grouped
from execution.core.orders.parameters import AlgorithmParameters
from execution.core.orders.plans import SlicePlan
from execution.core.orders.reservation import INSUFFICIENT_FUNDS
from execution.core.orders.volume_gaps import VolumeGaps
from execution.core.quantities import round_price, worse_of_allowed
from execution.core.states import CHILD_CANCELLABLE, ChildStatus, OrderEvent, OrderStatus
from execution.core.types import ZERO, Book, Market, MarketStatus, OrderType, Quote, Side, TimeInForce, Traded

#: Refusal of a post-only order that would have taken. The book moved, so nothing is wrong with the order.
WOULD_TAKE = "OrderImmediatelyFillable"
HARMLESS_REJECTIONS = frozenset({WOULD_TAKE})

#: Refusals after which the order just waits and needs no person, because a closed market opens again.
PATIENT_REJECTIONS = frozenset({"MarketClosed"})


def is_refused(status: ChildStatus, reason: str) -> bool:
    """Return True for a child that the exchange refused.

    A child that the desk itself dropped before sending, because the balance was too small, counts as refused too.
    """
    return status is ChildStatus.REJECTED or (
        status is ChildStatus.CANCELLED and reason.startswith(f"{INSUFFICIENT_FUNDS}:")
    )


REST = "rest"
CROSS = "cross"


@dataclass(frozen=True, slots=True)
class ChildView:
    """A child order as the algorithm sees it.

    ``done`` is its filled quantity, the higher one of those recorded and reported. ``ended_at`` is the time from which
    it can fill no more. ``is_settled`` means that it can fill no more and all its trades are recorded.
    """

    sequence: int
    account: str
    slice_number: int | None
    purpose: str
    status: ChildStatus
    price: Decimal | None
    quantity: Decimal
    done: Decimal
    is_settled: bool
    cancel_wanted: bool
    intended_at: datetime
    ended_at: datetime | None = None
    reason: str = ""
    #: False for a child that was dropped before it was sent.
    was_sent: bool = True

    @property
    def is_over(self) -> bool:
        """Return whether nothing more of the child can fill."""
        return self.is_settled or self.ended_at is not None

    @property
    def exposure(self) -> Decimal:
        """Return the base quantity that may still fill: the unfilled quantity, or zero once the child can fill no
        more.
        """
        return ZERO if self.is_over else max(self.quantity - self.done, ZERO)

    @property
    def can_be_cancelled(self) -> bool:
        return self.status in CHILD_CANCELLABLE and not self.cancel_wanted


@dataclass(frozen=True, slots=True)
class Rejections:
    """The number of an order's newest children that were refused in a row, and the last refusal.

    ``last_at`` is the time of the last refusal, ``kind`` its reason as a code, and ``words`` its details. ``most`` is
    the number of refusals in a row that a limit allows; None without such a limit. One more refusal than that pauses
    the order.
    """

    count: int = 0
    last_at: datetime | None = None
    kind: str = ""
    words: str = ""
    most: int | None = None

    @property
    def unpaid(self) -> str:
        """Return words for the accounts with too little balance, if that was the last reason.

        Otherwise the text is empty.
        """
        return self.words if self.kind == INSUFFICIENT_FUNDS else ""

    @property
    def why(self) -> str:
        return self.unpaid or self.kind


@dataclass(frozen=True, slots=True)
class Opposing:
    """Another order of the desk on the opposite side of an account's book.

    ``price`` is the best price of its children. ``is_shown`` means that the child at this price is known to rest.
    Otherwise that child is being sent, or its outcome is unknown.
    """

    order: str
    side: Side
    price: Decimal
    is_shown: bool = True

    def worst_allowed(self, tick: Decimal) -> Decimal:
        """Return the most aggressive price at which an order of the other side does not trade with this order.

        For a buy it is a tick below this sell, and for a sell a tick above this buy. If it is zero or less, no price
        of a buy is low enough.
        """
        side = self.side.opposite
        return round_price(self.price - side.sign * tick, tick, side)

    def words(self, label: str) -> str:
        """Return words such as ``order abc123 rests a sell at 65,000 on alpha``."""
        verb = "rests" if self.is_shown else "may rest"
        return f"order {self.order} {verb} a {self.side} at {grouped(self.price)} on {label}"


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account that the order may use, with its market. ``free`` is its free balance of the spent currency."""

    account: str
    label: str
    market: Market
    quote: Quote | None
    book: Book | None = None
    free: Decimal | None = None
    #: Reason why no new child may go to the account now (closed, not reconciled, halted); empty when one may.
    blocked: str = ""
    #: Words for a problem with the market's quotes; empty if none is known.
    feed: str = ""
    #: Base quantity by price that the desk's other orders rest there on this order's side.
    desk: Mapping[Decimal, Decimal] = field(default_factory=dict)
    #: The order of the desk with the best price on the opposite side there.
    opposing: Opposing | None = None

    def quote_problem(self, now: datetime) -> str:
        """Return the reason why the quote cannot be used to price a new child; empty when it can."""
        if self.quote is None:
            return self.feed or "no market data yet"
        if self.quote.at - now > MAX_CLOCK_DIFFERENCE:
            return f"market data is of {self.quote.at:%H:%M:%S} UTC, which is in the future: a clock is wrong"
        if not is_fresh(self.quote.at, now):
            # Since when, and not how old: a reason that changed each second would fill the journal.
            why = f"; {self.feed}" if self.feed else ""
            return (
                f"market data is stale since {self.quote.at:%H:%M:%S} UTC"
                f" (at most {MAX_QUOTE_AGE.seconds} s old){why}"
            )
        if not self.quote.is_sane:
            return f"the book is crossed or empty (bid {self.quote.bid}, ask {self.quote.ask})"
        return ""

    def trouble(self, now: datetime) -> str:
        """Return the reason why no new child may go to the account; empty when one may."""
        return self.blocked or self.quote_problem(now)

    @property
    def opposing_words(self) -> str:
        """Return words for the desk's order on the opposite side of the account's book; empty without one."""
        return "" if self.opposing is None else self.opposing.words(self.label)


@dataclass(frozen=True, slots=True)
class OrderView:
    """Everything that a decision about an order depends on, at the time ``now``.

    ``children`` are all children that may still fill or have unrecorded trades, and all children of the current slice.
    ``done`` is the filled quantity of all of the order's children. ``accounts`` are those that the order may use, at
    least one. Among equally good accounts the order uses the first.
    """

    now: datetime
    status: OrderStatus
    outcome: OrderStatus | None
    outcome_reason: str
    side: Side
    quantity: Decimal
    done: Decimal
    limit_price: Decimal | None
    start_at: datetime
    end_at: datetime
    parameters: AlgorithmParameters
    slices: tuple[SlicePlan, ...]
    children: tuple[ChildView, ...]
    accounts: tuple[AccountView, ...]
    algorithm: str = "twap"
    rejections: Rejections = field(default_factory=Rejections)
    #: Words for a halt that covers the order; empty without one. In a halt it only cancels its children.
    halted: str = ""
    #: The mid when the order was accepted, or at its start; None while it is not known.
    arrival_mid: Decimal | None = None
    #: The forecast with which the current plan was made (``Plan.forecast``).
    forecast: Mapping[str, Any] = field(default_factory=dict)
    #: Time by which the order's own rules have moved its end since a person last set it.
    extended: timedelta = timedelta(0)
    #: Values that earlier decisions stored (``Decision.memo``).
    memo: Mapping[str, Any] = field(default_factory=dict)
    #: The market's volume over all venues, the order's included: five-minute stretches of the last twelve hours,
    #: oldest first, the last one up to now. A stretch that was not recorded is missing.
    traded: tuple[Traded, ...] = ()
    #: The known volume of all venues since the order's start, the order's included. It is a lower bound, because
    #: ``volume_gaps`` are missing. None means that nothing is known.
    traded_since_start: Decimal | None = None
    volume_gaps: VolumeGaps = field(default_factory=VolumeGaps)
    #: Reason why the desk did not check the order for a while before now; empty if it did.
    unattended: str = ""
    #: Reason why no order may start now (the disk is nearly full); empty when one may. Running orders go on.
    held_back: str = ""

    @property
    def exposure(self) -> Decimal:
        return sum((child.exposure for child in self.children), ZERO)

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.done

    @property
    def is_settled(self) -> bool:
        return all(child.is_settled for child in self.children)

    @property
    def base(self) -> str:
        """Return the base currency, in which quantities are counted."""
        return self.accounts[0].market.base

    @property
    def usable(self) -> tuple[AccountView, ...]:
        """Return the accounts to which a new child may go."""
        return tuple(venue for venue in self.accounts if not self.trouble_at(venue))

    @property
    def crossable(self) -> tuple[AccountView, ...]:
        """Return the usable accounts at which a new child may cross now. Some markets accept only resting orders."""
        return tuple(v for v in self.usable if v.market.status is not MarketStatus.POST_ONLY)

    @property
    def trouble(self) -> str:
        """Return the reason why no new child may go to any account; empty when one is usable."""
        if self.usable:
            return ""
        if len(self.accounts) == 1:
            return self.trouble_at(self.accounts[0])
        return "; ".join(f"{venue.label}: {self.trouble_at(venue)}" for venue in self.accounts)

    def trouble_at(self, venue: AccountView) -> str:
        """Return the reason why no new child of this order may go to the account; empty when one may."""
        return venue.trouble(self.now) or (venue.opposing_words if self.is_opposed_at(venue) else "")

    def is_opposed_at(self, venue: AccountView) -> bool:
        """Return True if a new resting child would trade with an opposite child of the desk on the same account.

        The new child is assumed at its own side's best price, or at the limit if that is further from the market.
        """
        if venue.opposing is None or venue.quote is None or venue.trouble(self.now):
            return False
        worst = venue.opposing.worst_allowed(venue.market.tick)
        rests = worse_of_allowed(venue.quote.passive(self.side), self.limit_price, self.side)
        return worst <= ZERO or (worst - rests) * self.side.sign < ZERO

    @property
    def quotes(self) -> dict[str, Quote]:
        """Return the known quotes by account."""
        return {venue.account: venue.quote for venue in self.accounts if venue.quote is not None}


@dataclass(frozen=True, slots=True)
class PlaceChild:
    """The command to place a new child order. The desk records the child first, and then sends it."""

    account: str
    slice_number: int | None
    purpose: str
    type: OrderType
    price: Decimal | None
    quantity: Decimal
    time_in_force: TimeInForce
    why: str


@dataclass(frozen=True, slots=True)
class CancelChild:
    """The command to request a child's cancel."""

    sequence: int
    why: str


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    """The command to change the order's status by ``event``.

    For the event CLOSE, ``outcome`` is the final status that the order gets once its children have ended.
    """

    event: OrderEvent
    reason: str
    outcome: OrderStatus | None = None
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class Replan:
    """The command to replace the remaining plan. It creates a new version of the plan and one of the order's terms."""

    slices: tuple[SlicePlan, ...]
    end_at: datetime
    reason: str


Command = PlaceChild | CancelChild | ChangeStatus | Replan


@dataclass(frozen=True, slots=True)
class Decision:
    """The commands for an order, their reason, and the latest time of the next check.

    An ask at or under ``wake_below``, or a bid at or above ``wake_above``, should cause an earlier check. ``memo``
    holds JSON values that are passed to the order's later decisions. It is merged by name into the earlier memo. None
    deletes a name.
    """

    commands: tuple[Command, ...]
    due_at: datetime | None
    why: str
    wake_below: Decimal | None = None
    wake_above: Decimal | None = None
    memo: Mapping[str, Any] = field(default_factory=dict)


def memo_after(memo: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``memo`` after a decision that changes it by ``change``.

    Values are replaced by name, and None deletes a name.
    """
    return {name: value for name, value in {**memo, **change}.items() if value is not None}
