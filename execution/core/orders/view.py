"""The input and the output of an algorithm: ``OrderView`` and ``Decision``."""

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

#: A post-only order that would have taken is refused: the book moved, which is nobody's fault.
WOULD_TAKE = "OrderImmediatelyFillable"
HARMLESS_REJECTIONS = frozenset({WOULD_TAKE})

#: A market that is closed opens again: a refusal for it asks for patience, and for no person.
PATIENT_REJECTIONS = frozenset({"MarketClosed"})


def is_refused(status: ChildStatus, reason: str) -> bool:
    """Return True for a child that the exchange refused, or that the last gate dropped because the balance does not
    pay for it.
    """
    return status is ChildStatus.REJECTED or (
        status is ChildStatus.CANCELLED and reason.startswith(f"{INSUFFICIENT_FUNDS}:")
    )


REST = "rest"
CROSS = "cross"


@dataclass(frozen=True, slots=True)
class ChildView:
    """A child order as the algorithm sees it. ``done`` is the larger of its fills and the reported figure.

    ``ended_at`` is the time at which it was over, so that nothing more of it can fill. ``is_settled``: its trades
    are recorded, too.
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
        """Return the base quantity that may still be filled: all that is not done until the child is over."""
        return ZERO if self.is_over else max(self.quantity - self.done, ZERO)

    @property
    def can_be_cancelled(self) -> bool:
        return self.status in CHILD_CANCELLABLE and not self.cancel_wanted


@dataclass(frozen=True, slots=True)
class Rejections:
    """The number of consecutive children that were refused, and the time and reason of the last refusal, as a kind
    and as words.

    ``most`` is the number at which the order pauses for a person; None without a limit.
    """

    count: int = 0
    last_at: datetime | None = None
    kind: str = ""
    words: str = ""
    most: int | None = None

    @property
    def unpaid(self) -> str:
        """Return the accounts with too little balance, in words; empty for any other reason."""
        return self.words if self.kind == INSUFFICIENT_FUNDS else ""

    @property
    def why(self) -> str:
        return self.unpaid or self.kind


@dataclass(frozen=True, slots=True)
class Opposing:
    """The best price of another order of the desk on the other side of an account's book.

    ``is_shown``: its child is known to rest. Else its request is under way, or its outcome is unknown.
    """

    order: str
    side: Side
    price: Decimal
    is_shown: bool = True

    def worst_allowed(self, tick: Decimal) -> Decimal:
        """Return the worst price that does not meet the other order: at least one tick behind. It may be zero or
        less.
        """
        side = self.side.opposite
        return round_price(self.price - side.sign * tick, tick, side)

    def words(self, label: str) -> str:
        """Write ``order abc123 rests a sell at 65,000 on alpha``."""
        verb = "rests" if self.is_shown else "may rest"
        return f"order {self.order} {verb} a {self.side} at {grouped(self.price)} on {label}"


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account that the order may use, and its venue's market. ``free`` is its free amount of the spent currency."""

    account: str
    label: str
    market: Market
    quote: Quote | None
    book: Book | None = None
    free: Decimal | None = None
    #: Why no new child may go to the account now (closed, not reconciled, halted); empty when it may.
    blocked: str = ""
    #: What is wrong with the market's quotes, in words; empty while nothing is known to be.
    feed: str = ""
    #: What the desk's other orders rest there on this order's side: base quantity by price.
    desk: Mapping[Decimal, Decimal] = field(default_factory=dict)
    #: The best price at which another order of the desk rests on the other side there.
    opposing: Opposing | None = None

    def quote_problem(self, now: datetime) -> str:
        """Return the reason why no new child may be priced by the quote; empty when one may."""
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
        """Return words for the desk's opposite order on the account; empty without one."""
        return "" if self.opposing is None else self.opposing.words(self.label)


@dataclass(frozen=True, slots=True)
class OrderView:
    """Everything that a decision depends on, as of ``now``.

    ``children`` are all that are not settled and all of the current slice. ``done`` counts every child.
    ``accounts`` are those that it may use, at least one; their order settles ties.
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
    #: The halt that covers the order, in words: nothing new, and what rests is cancelled.
    halted: str = ""
    #: Mid when the order was accepted, or when its start came; None while it is not known.
    arrival_mid: Decimal | None = None
    #: What the current plan was made with (``Plan.forecast``).
    forecast: Mapping[str, Any] = field(default_factory=dict)
    #: By how much the order's own rules have moved its end since a person last set it.
    extended: timedelta = timedelta(0)
    #: What earlier decisions wanted remembered.
    memo: Mapping[str, Any] = field(default_factory=dict)
    #: The markets' volume of all venues together, own included: five-minute stretches of the last twelve hours,
    #: oldest first, the last one up to now. A stretch that nobody watched is missing.
    traded: tuple[Traded, ...] = ()
    #: What the markets are known to have traded since the order's start, own included: a lower bound, with
    #: ``volume_gaps`` beside it. None: nothing of it is known.
    traded_since_start: Decimal | None = None
    volume_gaps: VolumeGaps = field(default_factory=VolumeGaps)
    #: Why nobody looked at the order for a while before this check; empty when somebody did.
    unattended: str = ""
    #: Why no order may start now (the disk is nearly full); empty when one may. One that runs goes on.
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
        """Return the currency of quantities."""
        return self.accounts[0].market.base

    @property
    def usable(self) -> tuple[AccountView, ...]:
        """Return the accounts to which a new child may go."""
        return tuple(venue for venue in self.accounts if not self.trouble_at(venue))

    @property
    def crossable(self) -> tuple[AccountView, ...]:
        """Return the accounts at which a new child may take now. Some markets accept only resting orders."""
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
        """Return True if another order of the desk keeps this one from its own side of the book, or from its limit."""
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
    """Write a child order."""

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
    """Ask for the cancel of a child."""

    sequence: int
    why: str


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    """Move the order along its table of states. ``outcome`` goes with CLOSE: the final status that will follow."""

    event: OrderEvent
    reason: str
    outcome: OrderStatus | None = None
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class Replan:
    """Replace what is left of the plan, in a new version of plan and terms. The slices sum to what remains."""

    slices: tuple[SlicePlan, ...]
    end_at: datetime
    reason: str


Command = PlaceChild | CancelChild | ChangeStatus | Replan


@dataclass(frozen=True, slots=True)
class Decision:
    """The commands for an order, their reason, and the latest time of the next check.

    An earlier check is useful when an ask is at or under ``wake_below`` or a bid at or above ``wake_above``.
    ``memo`` (JSON) is merged by name into the order's memo; None deletes a name.
    """

    commands: tuple[Command, ...]
    due_at: datetime | None
    why: str
    wake_below: Decimal | None = None
    wake_above: Decimal | None = None
    memo: Mapping[str, Any] = field(default_factory=dict)


def memo_after(memo: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the memo after a decision."""
    return {name: value for name, value in {**memo, **change}.items() if value is not None}
