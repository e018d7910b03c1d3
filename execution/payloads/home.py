"""The messages to the home page."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, EpochMs
from execution.payloads.orders import SchedulePoint
from execution.payloads.wall import WallRow

#: The ways in which orders are grouped.
Grouping = Literal["symbol", "trader", "basket", "all"]


class WatchRow(TypedDict):
    """A symbol of the watchlist. A value that is unknown is null."""

    symbol: str
    base: str
    quote: str
    tick: DecimalStr | None
    lot: DecimalStr | None
    #: The mid of the newest quote of one venue, and that quote's spread.
    last: DecimalStr | None
    spread_bp: DecimalStr | None
    #: The time of the quote, if it is too old to trade on; null while it is fresh.
    stale_since: EpochMs | None
    #: Change (a share) and volume (in quote units) of the last 24 hours.
    change: DecimalStr | None
    volume: DecimalStr | None
    #: Prices of the last 24 hours, evenly thinned; empty if they are unknown.
    line: list[DecimalStr]
    #: The bought minus the sold quantity since midnight UTC, from the orders that the person sees.
    net: DecimalStr


class HomeRow(WallRow):
    """A live order on the home page."""

    #: The filled share of the order over time, thinned. It ends with the last fill.
    done: list[SchedulePoint]


class SideSum(TypedDict):
    """The sums of a group's orders on one side, in base units of one symbol."""

    filled: DecimalStr
    quantity: DecimalStr


class HomeGroup(TypedDict):
    """The sums of some live orders."""

    orders: int
    behind: int
    paused: int
    #: The sums by side, without orders that wait for approval; empty if the orders have several symbols.
    sides: dict[str, SideSum]
    #: The open quantity at the current mid, by quote currency, without orders that wait for approval.
    #: Null while one of the orders has no price.
    open: dict[str, DecimalStr | None]
    #: The cost of the fills against their orders' arrival mids, weighted by value; + is cost.
    cost_bp: DecimalStr | None


class HomePicture(TypedDict):
    """The whole page: rows of orders, rows of the watchlist, and sums of groups of orders.

    ``order`` has the ids of ``rows`` in the sequence of the page, and ``symbols`` the symbols of ``watch``.
    """

    rows: dict[str, HomeRow]
    order: list[str]
    watch: dict[str, WatchRow]
    symbols: list[str]
    groups: dict[Grouping, dict[str, HomeGroup]]
