"""The kinds of trading limits: the figure that each bounds, its unit, its scopes and its levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class LimitKind(StrEnum):
    ORDER_QUANTITY = "order_quantity"
    ORDER_NOTIONAL = "order_notional"
    OPEN_NOTIONAL = "open_notional"
    DAILY_NOTIONAL = "daily_notional"
    VOLUME_SHARE = "volume_share"
    COLLAR = "collar"
    HOUR_MOVE = "hour_move"
    ARRIVAL_MOVE = "arrival_move"
    MESSAGE_RATE = "message_rate"
    REFUSALS = "refusals"


class LimitScope(StrEnum):
    DESK = "desk"
    TRADER = "trader"
    ACCOUNT = "account"
    SYMBOL = "symbol"


class LimitLevel(StrEnum):
    """The effect of a limit on an order that exceeds it."""

    HARD = "hard"  #: it refuses; while an order runs, it pauses
    APPROVAL = "approval"  #: another person has to allow the order
    SOFT = "soft"  #: the trader gives a reason, which is kept


class Measure(StrEnum):
    """The unit of a limit's value."""

    BASE = "base"  #: units of the symbol's base currency
    MONEY = "money"  #: units of the limit's own currency
    PERCENT = "percent"
    BASIS_POINTS = "bp"
    PER_SECOND = "per second"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """The properties of a kind of limit. ``noun`` is used in sentences, ``about`` on the limits' page."""

    label: str
    noun: str
    measure: Measure
    about: str
    scopes: tuple[LimitScope, ...] = tuple(LimitScope)
    levels: tuple[LimitLevel, ...] = tuple(LimitLevel)


_HARD = (LimitLevel.HARD,)

LIMIT_SPECS: Mapping[LimitKind, LimitSpec] = {
    LimitKind.ORDER_QUANTITY: LimitSpec(
        "Order quantity",
        "the order's quantity",
        Measure.BASE,
        "quantity of one order, in the symbol's base currency",
        scopes=(LimitScope.SYMBOL,),
    ),
    LimitKind.ORDER_NOTIONAL: LimitSpec(
        "Order notional",
        "the order's notional",
        Measure.MONEY,
        "quantity of one order times the mid, or times its limit price where no mid is known",
    ),
    LimitKind.OPEN_NOTIONAL: LimitSpec(
        "Open notional",
        "the open notional with this order",
        Measure.MONEY,
        "what all live orders may still trade, this one included",
    ),
    LimitKind.DAILY_NOTIONAL: LimitSpec(
        "Daily notional",
        "today's notional with this order",
        Measure.MONEY,
        "what was traded since midnight UTC, and the open notional",
    ),
    LimitKind.VOLUME_SHARE: LimitSpec(
        "Share of daily volume",
        "the order's share of the usual daily volume",
        Measure.PERCENT,
        "quantity of one order against what its markets usually trade in a day",
    ),
    LimitKind.COLLAR: LimitSpec(
        "Collar",
        "the order's collar",
        Measure.BASIS_POINTS,
        "the widest collar that an order may have",
    ),
    LimitKind.HOUR_MOVE: LimitSpec(
        "Price against the last hour",
        "the distance of the price from the last hour's average",
        Measure.BASIS_POINTS,
        "the mid, or the limit price where it is worse, against the average of the last hour",
    ),
    LimitKind.ARRIVAL_MOVE: LimitSpec(
        "Price against arrival",
        "the distance of the child's price from the arrival mid",
        Measure.BASIS_POINTS,
        "the price of each child against the order's arrival mid, where it is worse; the order is paused",
        levels=_HARD,
    ),
    LimitKind.MESSAGE_RATE: LimitSpec(
        "Children per second",
        "the number of children sent within a second",
        Measure.PER_SECOND,
        "children sent within a second; a child too many waits. Cancels are never held back",
        scopes=(LimitScope.DESK, LimitScope.ACCOUNT),
        levels=_HARD,
    ),
    LimitKind.REFUSALS: LimitSpec(
        "Refusals in a row",
        "the number of children refused in a row",
        Measure.COUNT,
        "children of one order refused in a row; the order is paused",
        levels=_HARD,
    ),
}

#: Kinds that are judged before each child is sent, not when an order is placed.
WHILE_RUNNING = frozenset({LimitKind.ARRIVAL_MOVE, LimitKind.MESSAGE_RATE, LimitKind.REFUSALS})
#: Kinds that are judged when an order is placed, amended or resumed.
AT_SUBMIT = frozenset(LimitKind) - WHILE_RUNNING
#: Kinds that bound a sum over many orders. Other orders also change how much of such a limit is used.
SUMMED = frozenset({LimitKind.OPEN_NOTIONAL, LimitKind.DAILY_NOTIONAL})
