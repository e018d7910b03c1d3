"""The payloads of the market beside an order or a ticket."""

from __future__ import annotations

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, EpochMs, SideText
from execution.payloads.reports import CostSplit

#: Time, bid, ask, volume, notional of a second (or of a longer bucket in the past); null where it is not known.
Sample = tuple[int, DecimalStr | None, DecimalStr | None, DecimalStr | None, DecimalStr | None]


class MarketUpdate(TypedDict):
    """The samples since the last update, and the order's benchmarks from them."""

    samples: list[Sample]
    volume: DecimalStr | None
    vwap: DecimalStr | None
    vwap_bp: DecimalStr | None
    participation: DecimalStr | None
    split_bp: CostSplit
    #: ``OrderRow.waits`` of now.
    waits: str


class LadderBook(TypedDict):
    """One of the books of a ladder. Its sizes have the same index in each step."""

    #: The chosen accounts that trade at this venue.
    label: str
    #: When it was received; null: there is none.
    at: EpochMs | None
    used: bool
    #: Why it is left out; empty while it is used.
    words: str
    #: What is wrong with the market's other feeds; said beside an order, and by the checks beside a ticket.
    notes: list[str]


class LadderChild(TypedDict):
    """A child of the desk that rests on one of the books, with its remaining quantity."""

    order: str
    side: SideText
    price: DecimalStr
    quantity: DecimalStr


class LadderStep(TypedDict):
    """A step of one side. ``depth`` is everything from the best price up to it."""

    price: DecimalStr
    #: In the order of the used books.
    sizes: list[DecimalStr]
    size: DecimalStr
    depth: DecimalStr
    own: list[LadderChild]


class LadderReach(TypedDict):
    """The reach of a size into the books, against the mid; + is cost. Null: the known levels hold too little."""

    quantity: DecimalStr
    carried: DecimalStr
    price: DecimalStr | None
    cost_bp: DecimalStr | None
    average_bp: DecimalStr | None


class Ladder(TypedDict):
    """The books of the chosen accounts as one. Prices are before fees."""

    symbol: str
    base: str
    quote: str
    tick: DecimalStr
    lot: DecimalStr
    step: DecimalStr
    #: Whose sizes reach: the order's side; null while it has none.
    side: SideText | None
    books: list[LadderBook]
    #: No book is fresh: the steps are those of the last known ones.
    is_old: bool
    #: Both sides best first.
    bids: list[LadderStep]
    asks: list[LadderStep]
    #: Own children behind the last step.
    beyond: list[LadderChild]
    #: One quote for all books; where they cross, the means of their bids and asks.
    bid: DecimalStr | None
    ask: DecimalStr | None
    mid: DecimalStr | None
    spread_bp: DecimalStr | None
    #: The worst price that the collar allows now.
    collar: DecimalStr | None
    slice: LadderReach | None
    order: LadderReach | None


#: When it opened, open, high, low, close, volume in base units, and the VWAP of the shown candles up to it.
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
    #: Stretches of which nothing is known. Any other stretch without a candle had no trade.
    unknown: list[tuple[EpochMs, EpochMs]]
    #: The accounts whose venue tells nothing of that time.
    left_out: list[str]
    fills: list[CandleFill]
