"""The wall's sums: open notional at current prices, today's notional, and today's cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from execution.core.days import midnight_of
from execution.core.states import OrderStatus
from execution.core.tca import costs
from execution.core.types import BASIS_POINT, ZERO, Quote, Side
from execution.models import Fill, Market, Order
from execution.payloads.encode import rounded_str
from execution.payloads.wall import WallMoney
from execution.selectors.wall.orders import Held

#: Transactions may commit in another order than that of their keys. So fills younger than this are read again.
LATE = timedelta(seconds=10)

Prices = Mapping[tuple[int, str], Quote]


def working(held: Iterable[Held], prices: Prices) -> dict[str, Decimal | None]:
    """Return the open notional by quote currency; None for a currency if one of its orders has no price.

    The price is the mid, or the arrival mid if there is no usable quote.
    """
    sums: dict[str, Decimal | None] = {}
    for order in held:
        currency = order.row["quote"]
        quote = prices.get(order.market)
        price = quote.mid if quote is not None and quote.is_sane else order.arrival
        so_far = sums.get(currency, ZERO)
        sums[currency] = None if so_far is None or price is None else so_far + order.left * price
    return sums


def at_work(held: Iterable[Held]) -> list[Held]:
    """Return the orders without those that wait for approval. An order that waits does not work."""
    return [order for order in held if order.row["status"] != OrderStatus.PENDING_APPROVAL]


def waiting(held: Iterable[Held]) -> list[Held]:
    """Return the orders that wait for approval."""
    return [order for order in held if order.row["status"] == OrderStatus.PENDING_APPROVAL]


@dataclass(slots=True)
class Tally:
    """The sums of a day's fills in one quote currency."""

    done: Decimal = ZERO
    #: The cost against the arrival price and the value at that price, of fills whose order has an arrival price.
    cost: Decimal = ZERO
    benchmark: Decimal = ZERO


@dataclass(slots=True)
class Day:
    """Today's sums. Each new fill is added once, because the price and quantity of a fill never change."""

    start: datetime | None = None
    tallies: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    without_arrival: set[int] = field(default_factory=set)
    #: Every fill up to this key is counted; ``seen`` has the keys above it that are counted, too.
    mark: int = 0
    seen: set[int] = field(default_factory=set)
    next_mark: int = 0
    marked_at: datetime | None = None

    def read(self, now: datetime) -> None:
        """Add the fills since the last read to the sums. On a new day the sums begin at zero."""
        midnight = midnight_of(now)
        if self.start != midnight:
            self._begin(midnight)
        fills = Fill.objects.filter(order__isnull=False, executed_at__gte=midnight)
        if self.mark:
            fills = fills.filter(pk__gt=self.mark)
        else:
            # The day's first read goes by the orders that can have filled today: fills have no index by time.
            fills = fills.filter(order__in=Order.objects.filter(Q(ended_at=None) | Q(ended_at__gte=midnight)))
        columns = ("pk", "order_id", "side", "price", "quantity", "symbol", "account__venue_id")
        arrival = ("order__arrival_bid", "order__arrival_ask")
        currencies = {(market.venue_id, market.symbol): market.quote for market in Market.objects.all()}
        for pk, order_pk, side, price, quantity, symbol, venue, bid, ask in fills.values_list(
            *columns, *arrival
        ):
            if pk not in self.seen:
                self.seen.add(pk)
                currency = currencies.get((venue, symbol)) or symbol.partition("/")[2]
                self._fold(currency, order_pk, Side(side), price, quantity, costs.middle(bid, ask))
        self._advance(now)

    def _begin(self, midnight: datetime) -> None:
        self.start, self.mark, self.next_mark, self.marked_at = midnight, 0, 0, None
        self.tallies.clear()
        self.seen.clear()
        self.without_arrival.clear()

    def _fold(
        self,
        currency: str,
        order_pk: int,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        arrival: Decimal | None,
    ) -> None:
        tally = self.tallies[currency]
        tally.done += price * quantity
        if arrival is None:
            self.without_arrival.add(order_pk)
        else:
            tally.cost += side.sign * (price - arrival) * quantity
            tally.benchmark += arrival * quantity

    def _advance(self, now: datetime) -> None:
        if self.marked_at is None or now - self.marked_at >= LATE:
            self.mark, self.next_mark = self.next_mark, max(self.seen, default=self.next_mark)
            self.seen = {pk for pk in self.seen if pk > self.mark}
            self.marked_at = now

    def cost_bp(self, currency: str) -> Decimal | None:
        tally = self.tallies[currency]
        return tally.cost / tally.benchmark / BASIS_POINT if tally.benchmark > ZERO else None


def money_rows(held: Iterable[Held], prices: Prices, day: Day) -> list[WallMoney]:
    """Return a row of sums for each currency, the largest first."""
    orders = list(held)
    open_sums, waiting_sums = working(at_work(orders), prices), working(waiting(orders), prices)
    currencies = sorted(
        {*open_sums, *waiting_sums, *day.tallies},
        key=lambda name: (-(open_sums.get(name) or ZERO) - day.tallies[name].done, name),
    )
    return [
        WallMoney(
            currency=name,
            working=rounded_str(open_sums.get(name, ZERO), 2),
            waiting=rounded_str(waiting_sums.get(name, ZERO), 2),
            done=rounded_str(day.tallies[name].done, 2),
            cost_bp=rounded_str(day.cost_bp(name), 2),
        )
        for name in currencies
    ]
