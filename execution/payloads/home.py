"""The home page's messages."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, EpochMs
from execution.payloads.orders import SchedulePoint
from execution.payloads.wall import WallRow

#: What orders are put together by. Baskets are to be another one.
Grouping = Literal["symbol", "trader", "all"]


class WatchRow(TypedDict):
    """A symbol of the watchlist. Null is not known."""

    symbol: str
    base: str
    quote: str
    tick: DecimalStr | None
    lot: DecimalStr | None
    #: The mid of the newest quote of one venue, and its spread.
    last: DecimalStr | None
    spread_bp: DecimalStr | None
    #: When the quote came, once it is too old to trade on; null while it is fresh.
    stale_since: EpochMs | None
    #: Of 24 hours: a share, and quote units.
    change: DecimalStr | None
    volume: DecimalStr | None
    #: Prices of the 24 hours, evenly thinned; empty where they are not known.
    line: list[DecimalStr]
    #: Bought less sold since midnight UTC, by the orders that the person sees.
    net: DecimalStr


class HomeRow(WallRow):
    """A live order of the person's page."""

    #: The filled share over time, thinned; it ends with the last fill.
    done: list[SchedulePoint]


class SideSum(TypedDict):
    """The orders of one side of a symbol together, in base units."""

    filled: DecimalStr
    quantity: DecimalStr


class HomeGroup(TypedDict):
    """The sums of some live orders."""

    orders: int
    behind: int
    paused: int
    #: By side; empty where the orders have several symbols.
    sides: dict[str, SideSum]
    #: Open quantity at the mid of now by quote currency; null while one of the orders has no price.
    open: dict[str, DecimalStr | None]
    #: The fills against the arrival mids of their orders, weighted by value; + is cost.
    cost_bp: DecimalStr | None


class HomePicture(TypedDict):
    """The whole page: order rows by id and the order that they stand in, watch rows by symbol, and groups."""

    rows: dict[str, HomeRow]
    order: list[str]
    watch: dict[str, WatchRow]
    symbols: list[str]
    groups: dict[Grouping, dict[str, HomeGroup]]
