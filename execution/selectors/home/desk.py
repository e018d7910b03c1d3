"""The contents of the home page: rows from the database, quotes from Redis, and the page computed from both.

The three steps are separate. A page reads rows at most once a second or after a notification of a change. It reads
quotes four times a second, on another thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.days import midnight_of
from execution.core.states import ORDER_LIVE
from execution.core.types import ZERO, Quote
from execution.models import User
from execution.payloads.encode import epoch_ms
from execution.payloads.home import HomePicture
from execution.selectors.decisions.waiting import Pair
from execution.selectors.home.tiles import FillLines, home_groups, home_rows
from execution.selectors.home.watchlist import MarketDays, WatchPlace, watch_places, watch_row
from execution.selectors.orders.visibility import orders_visible, sees_several
from execution.selectors.quotes import quotes_latest
from execution.selectors.traded import traded_today
from execution.selectors.wall.needs import unknown_children, unknown_since
from execution.selectors.wall.orders import Held, held_orders, live_versions, moved_orders

#: The watchlist is read again this often. So is today's net when no live order has changed.
PLACES_AGAIN = timedelta(seconds=5)
#: While orders change, today's net is read again this often.
NETS_AGAIN = timedelta(seconds=1)


@dataclass(slots=True)
class Home:
    """Remembers the page of one reader of the home page from one read to the next."""

    held: dict[int, Held] = field(default_factory=dict)
    lines: FillLines = field(default_factory=FillLines)
    #: The time since which a child of the order has been unknown, by the order's primary key.
    unknown: dict[int, int] = field(default_factory=dict)
    places: tuple[WatchPlace, ...] = ()
    places_at: datetime | None = None
    days: MarketDays = field(default_factory=MarketDays)
    nets: dict[str, Decimal] = field(default_factory=dict)
    nets_at: datetime | None = None
    #: True if orders have changed since the net was read.
    nets_due: bool = True
    quotes: dict[Pair, Quote] = field(default_factory=dict)
    by_trader: bool = False

    def read_rows(self, person: User, now: datetime, *, whole: bool = False) -> None:
        """Read changed orders, then the watchlist, then each symbol's net quantity traded today.

        Watchlist and net quantities are read if they are due, or if ``whole`` is True. The number of queries
        does not depend on the number of live orders.
        """
        self.by_trader = sees_several(person)
        self.nets_due = self._read_orders(person) or self.nets_due
        is_due = whole or self.places_at is None or now - self.places_at >= PLACES_AGAIN
        if is_due:
            self.places_at = now
            self.places = watch_places(person, [place.symbol for place in self.places])
        self.days.read([pair for place in self.places for pair in place.pairs], now)
        if is_due or (self.nets_due and (self.nets_at is None or now - self.nets_at >= NETS_AGAIN)):
            self._read_nets(person, now)

    def _read_nets(self, person: User, now: datetime) -> None:
        traded = traded_today(person=person, midnight=midnight_of(now))
        self.nets = {symbol: day.net for symbol, day in traded.items()}
        self.nets_at, self.nets_due = now, False

    def _read_orders(self, person: User) -> bool:
        live = orders_visible(person).filter(status__in=ORDER_LIVE)
        versions = live_versions(live)
        moved = moved_orders(self.held, versions)
        has_moved = bool(moved) or versions.keys() != self.held.keys()
        # Read after the versions: a row may be newer than its version said, never older.
        known = {pk: held for pk, held in self.held.items() if pk in versions}
        self.held = {**known, **(held_orders(moved) if moved else {})}
        self.lines.read(self.held, [pk for pk in moved if pk in self.held])
        self.unknown = {}
        for child in unknown_children(live):
            self.unknown.setdefault(child.order_id, epoch_ms(unknown_since(child)))
        return has_moved

    def read_market(self) -> None:
        """Read the newest quotes.

        If Redis has no quote of a market any more, the last one is kept, and its age grows.
        """
        orders = {pair for held in self.held.values() for pair in (*held.pairs, held.market)}
        watched = {pair for place in self.places for pair in place.pairs}
        self.quotes = {**self.quotes, **quotes_latest(sorted(orders | watched))}

    def picture(self, now: datetime) -> HomePicture:
        """Compute the parts that change with time and market, and return the whole page. Nothing is read."""
        self.held = {
            pk: held.judged(now, self.unknown.get(pk), self.quotes) for pk, held in self.held.items()
        }
        rows = home_rows(self.held.items(), self.lines)
        watch = {
            place.symbol: watch_row(
                place, self.quotes, self.days.days, self.nets.get(place.symbol, ZERO), now
            )
            for place in self.places
        }
        return HomePicture(
            rows=rows,
            order=list(rows),
            watch=watch,
            symbols=list(watch),
            groups=home_groups(list(self.held.values()), self.quotes, by_trader=self.by_trader),
        )
