"""The payloads of the market that is shown beside an order or a ticket."""

from __future__ import annotations

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, EpochMs, SideText
from execution.payloads.reports import ShownSplit

#: Time, bid, ask, volume and notional of a second, or of a longer bucket in the past. An unknown value is null.
Sample = tuple[int, DecimalStr | None, DecimalStr | None, DecimalStr | None, DecimalStr | None]


class MarketUpdate(TypedDict):
    """The samples since the last update, and the order's benchmarks from them."""

    samples: list[Sample]
    volume: DecimalStr | None
    vwap: DecimalStr | None
    vwap_bp: DecimalStr | None
    participation: DecimalStr | None
    split_bp: ShownSplit
    #: The current value of ``OrderRow.waits``.
    waits: str


class LadderBook(TypedDict):
    """One of the books of a ladder. Its index in the list is also the index of its sizes in each step."""

    #: The labels of the chosen accounts that trade at this venue.
    label: str
    #: The time at which the book was received; null if there is none.
    at: EpochMs | None
    used: bool
    #: The reason why the book is left out; empty while it is used.
    words: str
    #: Faults of the market's other feeds. They are shown beside an order; beside a ticket the checks show them.
    notes: list[str]


class LadderChild(TypedDict):
    """A child of the desk that rests on one of the books, with its remaining quantity."""

    order: str
    side: SideText
    price: DecimalStr
    quantity: DecimalStr


class LadderStep(TypedDict):
    """A price step on one side of the ladder. ``depth`` is the sum from the best price up to this step."""

    price: DecimalStr
    #: The size in each of the used books, in their order.
    sizes: list[DecimalStr]
    size: DecimalStr
    depth: DecimalStr
    own: list[LadderChild]


class LadderReach(TypedDict):
    """The result of taking ``quantity`` from the books now, at no price worse than the order's limit.

    ``carried`` is how much of ``quantity`` the known levels hold within the limit. ``price`` is the worst price taken.
    ``cost_bp`` is the cost of ``price``, and ``average_bp`` that of the average price, against the mid; + is cost.
    ``price`` and both costs are null if the levels hold less than ``quantity``.
    """

    quantity: DecimalStr
    carried: DecimalStr
    price: DecimalStr | None
    cost_bp: DecimalStr | None
    average_bp: DecimalStr | None


class Ladder(TypedDict):
    """The books of the chosen accounts, merged to one. Prices are before fees."""

    symbol: str
    base: str
    quote: str
    tick: DecimalStr
    lot: DecimalStr
    step: DecimalStr
    #: The order's side, for which ``slice`` and ``order`` are computed; null if there is no side yet.
    side: SideText | None
    books: list[LadderBook]
    #: True if no book is fresh. Then the steps come from the last known books.
    is_old: bool
    #: The steps of each side, best price first.
    bids: list[LadderStep]
    asks: list[LadderStep]
    #: The desk's children beyond the last step.
    beyond: list[LadderChild]
    #: One quote for all books. If the books cross, bid and ask are the means of the books' bids and asks.
    bid: DecimalStr | None
    ask: DecimalStr | None
    mid: DecimalStr | None
    spread_bp: DecimalStr | None
    #: The order's limit price; null without one.
    limit: DecimalStr | None
    #: The worst price that the collar allows at this moment.
    collar: DecimalStr | None
    slice: LadderReach | None
    order: LadderReach | None


#: Opening time, open, high, low, close, volume in base units, and the VWAP of the shown candles up to this one.
CandleRow = tuple[EpochMs, DecimalStr, DecimalStr, DecimalStr, DecimalStr, DecimalStr, DecimalStr | None]


class CandleFill(TypedDict):
    """One of the desk's own fills."""

    at: EpochMs
    order: str
    side: SideText
    price: DecimalStr
    quantity: DecimalStr
    liquidity: str


class Candles(TypedDict):
    """The candles of the chosen accounts' venues as one market, oldest first; the last one may still grow."""

    minutes: int
    since: EpochMs
    until: EpochMs
    rows: list[CandleRow]
    #: Periods without any data. A period that is not listed and has no candle had no trade.
    unknown: list[tuple[EpochMs, EpochMs]]
    #: The accounts whose venue has no data for the shown time.
    left_out: list[str]
    fills: list[CandleFill]
