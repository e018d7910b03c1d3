"""The watchlist of a person: its symbols, and a row for each, from the stored data of its markets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.market_data.freshness import is_fresh
from execution.core.market_data.market_day import DAY, MarketDay, market_day
from execution.core.states import ORDER_LIVE
from execution.core.types import BASIS_POINT, ZERO, Quote
from execution.core.watchlist import watched_symbols
from execution.models import Market, User, Watchlist
from execution.payloads.encode import decimal_str, epoch_ms, rounded_str
from execution.payloads.home import WatchRow
from execution.selectors.candles import candles_stored
from execution.selectors.catalogue import accounts_visible
from execution.selectors.decisions.waiting import Pair
from execution.selectors.orders.visibility import orders_visible

#: Candles are also read for this long before the 24 hours, because a market's last price may be that old.
BEFORE = timedelta(hours=6)
#: The 24 hours are read again after this long; stored candles come every five minutes.
DAYS_AGAIN = timedelta(minutes=1)


def symbols_listed(person: User) -> set[str]:
    """Return the symbols that the desk trades at the accounts that the person may see."""
    return {
        symbol for symbols in accounts_visible(person).values_list("symbols", flat=True) for symbol in symbols
    }


def symbols_watched(person: User, shown: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the symbols of the person's watchlist, or of a default list if the person has chosen none.

    In the default list, the symbols that the page already shows (``shown``) come first, in the same sequence.
    """
    own = Watchlist.objects.filter(person=person).values_list("symbols", flat=True).first()
    live = orders_visible(person).filter(status__in=ORDER_LIVE).values_list("symbol", flat=True).distinct()
    listed = symbols_listed(person)
    return watched_symbols(own=own, live=[] if own is not None else live, listed=listed, shown=shown)


@dataclass(frozen=True, slots=True)
class WatchPlace:
    """A watched symbol, and the venues of the person's accounts that trade it."""

    symbol: str
    base: str
    quote: str
    tick: Decimal | None
    lot: Decimal | None
    venues: tuple[int, ...]

    @property
    def pairs(self) -> list[Pair]:
        return [(venue, self.symbol) for venue in self.venues]


def watch_places(person: User, shown: Sequence[str] = ()) -> tuple[WatchPlace, ...]:
    """Read the watchlist with its markets, in five queries for any length."""
    symbols = symbols_watched(person, shown)
    venues: defaultdict[str, set[int]] = defaultdict(set)
    for venue, listed in accounts_visible(person).values_list("venue_id", "symbols"):
        for symbol in listed:
            venues[symbol].add(venue)
    markets: defaultdict[str, list[Market]] = defaultdict(list)
    for market in Market.objects.filter(symbol__in=symbols).order_by("venue"):
        if market.venue_id in venues[market.symbol]:
            markets[market.symbol].append(market)
    return tuple(_place(symbol, venues[symbol], markets[symbol]) for symbol in symbols)


def _place(symbol: str, venues: Collection[int], markets: Sequence[Market]) -> WatchPlace:
    base, _, quote = symbol.partition("/")
    return WatchPlace(
        symbol=symbol,
        base=markets[0].base if markets else base,
        quote=markets[0].quote if markets else quote,
        tick=min((market.tick for market in markets), default=None),
        lot=min((market.lot for market in markets), default=None),
        venues=tuple(sorted(venues)),
    )


@dataclass(slots=True)
class MarketDays:
    """The last 24 hours of some markets, cached until there may be new data."""

    days: dict[Pair, MarketDay] = field(default_factory=dict)
    read_of: frozenset[Pair] = frozenset()
    read_at: datetime | None = None

    def read(self, pairs: Collection[Pair], now: datetime) -> None:
        """Read the last 24 hours of ``pairs`` in one query, if the markets have changed or a minute has passed."""
        wanted = frozenset(pairs)
        is_due = self.read_at is None or now - self.read_at >= DAYS_AGAIN
        if wanted == self.read_of and not is_due:
            return
        self.read_of, self.read_at = wanted, now
        venues, symbols = {venue for venue, _ in wanted}, {symbol for _, symbol in wanted}
        found = candles_stored(venues, symbols, now - DAY - BEFORE) if wanted else {}
        days = {pair: market_day(found[pair], now) for pair in wanted & found.keys()}
        self.days = {pair: day for pair, day in days.items() if day is not None}


def watch_row(
    place: WatchPlace,
    quotes: Mapping[Pair, Quote],
    days: Mapping[Pair, MarketDay],
    net: Decimal,
    now: datetime,
) -> WatchRow:
    """Return the row of a symbol.

    The price and its line over the day are those of one venue. The volume is the sum over all venues.
    """
    known = {pair: day for pair in place.pairs if (day := days.get(pair)) is not None and day.is_of(now)}
    pair = _priced(place, quotes, known, now)
    quote, day = (None, None) if pair is None else (quotes.get(pair), known.get(pair))
    is_told = bool(place.pairs) and len(known) == len(place.pairs)
    volume = sum((each.volume for each in known.values()), ZERO) if is_told else None
    return WatchRow(
        symbol=place.symbol,
        base=place.base,
        quote=place.quote,
        tick=decimal_str(place.tick),
        lot=decimal_str(place.lot),
        last=None if quote is None else decimal_str(quote.mid),
        spread_bp=None
        if quote is None
        else rounded_str((quote.ask - quote.bid) / quote.mid / BASIS_POINT, 2),
        stale_since=None if quote is None or is_fresh(quote.at, now) else epoch_ms(quote.at),
        change=None if quote is None or day is None else rounded_str(day.change(quote.mid), 6),
        volume=rounded_str(volume, 0),
        line=[] if day is None else [rounded_str(price, 12) for price in day.line],
        net=decimal_str(net),
    )


def _priced(
    place: WatchPlace, quotes: Mapping[Pair, Quote], known: Mapping[Pair, MarketDay], now: datetime
) -> Pair | None:
    """Return the venue whose quote is shown; None if no venue has a usable quote.

    Of the venues with a fresh quote, it is the one with the most volume. If no quote is fresh, it is the venue with
    the newest quote.
    """
    sane = [pair for pair in place.pairs if pair in quotes and quotes[pair].is_sane]
    if fresh := [pair for pair in sane if is_fresh(quotes[pair].at, now)]:
        return max(fresh, key=lambda pair: known[pair].volume if pair in known else ZERO)
    return max(sane, key=lambda pair: quotes[pair].at, default=None)
