"""The vocabulary of an exchange's guarantees: its promises about orders, and the evidence for each promise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

#: The time that a create may take from the desk to the exchange, if the exchange accepts so short a validity.
CALL_BUDGET = timedelta(seconds=1)
#: A retention without an end.
FOR_EVER = timedelta.max


class Basis(StrEnum):
    """The evidence for a promise."""

    MEASURED = "measured"
    DOCUMENTED = "documented"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Promise(Generic[Value]):
    """One promise: its value, the kind of evidence for it, and the source."""

    value: Value
    basis: Basis
    source: str

    @property
    def words(self) -> str:
        """Return the value in words for people."""
        if self.value is None:
            return "unknown, or none"
        if self.value == FOR_EVER:
            return "without an end"
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        return _span(self.value) if isinstance(self.value, timedelta) else str(self.value)


def _span(length: timedelta) -> str:
    if length.days:
        return f"{length.days} days"
    if length < timedelta(seconds=1):
        return f"{length / timedelta(milliseconds=1):,.0f} ms"
    return f"{length.total_seconds():g} s"


def measured(value: Value, source: str) -> Promise[Value]:
    return Promise(value, Basis.MEASURED, source)


def documented(value: Value, source: str) -> Promise[Value]:
    return Promise(value, Basis.DOCUMENTED, source)


def assumed(value: Value, source: str) -> Promise[Value]:
    return Promise(value, Basis.ASSUMED, source)


class PostOnly(StrEnum):
    """The exchange's treatment of a post-only order that would trade at once."""

    REFUSED = "refused"
    #: Accepted and then cancelled by the exchange.
    CANCELLED = "accepted, then cancelled"


class CreateAnswer(StrEnum):
    """The contents of the exchange's answer to a create."""

    #: The order with its status and fills.
    WHOLE = "whole"
    #: Only that the order was accepted, and its ids.
    IDS = "ids only"


class CancelBy(StrEnum):
    """The ids by which an order can be cancelled."""

    EITHER = "either id"
    EXCHANGE_ID = "the exchange's id"


@dataclass(frozen=True, slots=True)
class SwitchBounds:
    """The shortest and the longest time that a dead-man's switch can be armed for.

    A ``longest`` of None means that no bound is documented.
    """

    shortest: timedelta
    longest: timedelta | None = None

    def __str__(self) -> str:
        least = f"{self.shortest.total_seconds():,.0f} s"
        return (
            f"from {least}" if self.longest is None else f"{least} to {self.longest.total_seconds():,.0f} s"
        )

    def period(self, wanted: timedelta) -> timedelta:
        """Return the time to arm the switch for: ``wanted``, rounded to whole seconds and kept within the bounds."""
        whole = max(timedelta(seconds=round(wanted.total_seconds())), self.shortest)
        return whole if self.longest is None else min(whole, self.longest)


#: Promises about a create that could still arrive, about proof that an order does not exist, and about orders
#: that the exchange has forgotten. The rule "never send twice" depends on these promises.
SAFETY = ("shortest_window", "latest_arrival", "listing_delay", "trades_kept")


@dataclass(frozen=True, slots=True)
class Guarantees:
    """An exchange's promises about creates, look-ups and cancels.

    Every time is a ``timedelta``. None means that the value is unknown, or that there is no such bound.
    """

    #: The shortest validity that a create can be sent with. None: a create cannot carry a validity.
    shortest_window: Promise[timedelta | None]
    #: How long after its sending the exchange may accept a create without a validity. None: nothing bounds it.
    latest_arrival: Promise[timedelta | None]
    #: The longest time until an accepted order or a trade appears in the exchange's lists.
    listing_delay: Promise[timedelta]
    #: How long an ended order with fills can be looked up, from its end.
    ended_kept: Promise[timedelta | None]
    #: The same for an order that was cancelled without a fill.
    cancelled_kept: Promise[timedelta | None]
    #: How long the exchange lists our trades.
    trades_kept: Promise[timedelta]
    post_only: Promise[PostOnly | None]
    create_answer: Promise[CreateAnswer]
    cancel_by: Promise[CancelBy]
    #: The most open orders of one symbol. None: not known, or reported by the exchange at run time.
    open_orders: Promise[int | None]
    #: Whether the private stream reports trades. If not, it reports each order's filled quantity, and the desk
    #: requests the trades.
    streams_trades: Promise[bool]
    #: For how long the exchange's dead-man's switch can be armed, after which it cancels every open order.
    #: None: the exchange has none that this desk can use.
    dead_mans_switch: Promise[SwitchBounds | None]

    def promises(self) -> Iterator[tuple[str, Promise[Any]]]:
        """Yield each promise with its name."""
        for one in fields(self):
            yield one.name, getattr(self, one.name)

    def assumed_for_safety(self) -> tuple[str, ...]:
        """Return the names of promises that nothing proves, although the rule "never send twice" depends on them."""
        return tuple(name for name, one in self.promises() if name in SAFETY and one.basis is Basis.ASSUMED)

    def validity(self, wanted: timedelta) -> timedelta:
        """Return the validity to send with a create: ``wanted``, or the shortest one that the exchange accepts if that
        is longer.
        """
        return max(wanted, self.shortest_window.value or timedelta(0))

    @property
    def arrives_within(self) -> timedelta | None:
        """Return the longest time that a create may take to reach the book; None where nothing bounds it."""
        if self.shortest_window.value is None:
            return self.latest_arrival.value
        return self.validity(CALL_BUDGET)
