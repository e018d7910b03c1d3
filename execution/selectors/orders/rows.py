"""Orders as table rows, for the blotter, an order's page and exports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from execution.core.states import ORDER_LIVE, OrderStatus, order_actions
from execution.core.tca import costs
from execution.core.types import ZERO, Side
from execution.models import Account, ChildOrder, Fill, JournalEntry, Market, Order
from execution.models.prepared import Compiled
from execution.payloads.encode import BP_PLACES, decimal_str, epoch_ms, rounded_str
from execution.payloads.orders import OrderRow, SchedulePoint
from execution.selectors.decisions.waiting import waiting_of, waits_said
from execution.selectors.orders.schedules import lost_since, schedule_lines

#: The columns of an order and its terms that a row does not show, and that would cost most to read.
DEFERRED_FIELDS = ("market", "memo", "fees", "why", "journal_hash", "terms__parameters", "terms__reason")


def orders_for_rows(keys: Sequence[int]) -> list[Order]:
    """Return the orders with these primary keys, in the same sequence, with the relations that rows need.

    Deleted orders are left out.
    """
    people = [f"trader__{name}" for name in ("password", "first_name", "last_name", "email", "confirm_above")]
    found = (
        Order.objects.filter(pk__in=keys).select_related("trader", "terms").defer(*DEFERRED_FIELDS, *people)
    )
    orders = {order.pk: order for order in found}
    return [orders[pk] for pk in keys if pk in orders]


def order_rows_of(orders: Sequence[Order]) -> list[OrderRow]:
    """Return a row for each order, in seven queries for any number of orders. Trader and terms must be loaded."""
    places = _places(orders)
    markets = _markets(orders, places)
    last_fills = dict(
        Fill.objects.filter(order__in=orders).values_list("order").annotate(last=Max("executed_at"))
    )
    live = [order for order in orders if order.status in ORDER_LIVE]
    lines = schedule_lines(live)
    unsettled = _count(ChildOrder.objects.filter(order__in=live, is_settled=False))
    alerts = _count(JournalEntry.objects.filter(order__in=orders, kind="alert"))
    venues = {pk: {venue for _, venue in found} for pk, found in places.items()}
    waits = waiting_of(live, venues, waits_said(live), timezone.now())
    return [
        _row(
            order,
            places[order.pk],
            markets.get(order.pk, []),
            epoch_ms(last_fills.get(order.pk)),
            lines.get(order.pk, []),
            unsettled.get(order.pk, 0),
            alerts.get(order.pk, 0),
            waits.get(order.pk, ""),
        )
        for order in orders
    ]


_MARKET = Compiled(
    lambda venue, symbol: Market.objects.filter(venue_id=venue, symbol=symbol), venue=int, symbol=str
)


def order_row_of(
    order: Order, accounts: Sequence[Account], *, last_fill_at: int | None, unsettled: int, alerts: int
) -> OrderRow:
    """Return the row of one order whose relations are loaded.

    The row has no schedule, because the order's page shows the schedule itself.
    """
    places = sorted((account.label, account.venue_id) for account in accounts)
    venues = {venue for _, venue in places}
    markets = [row for venue in sorted(venues) for row in _MARKET.all(venue=venue, symbol=order.symbol)]
    waits = waiting_of([order], {order.pk: venues}, {order.pk: order.why}, timezone.now())
    return _row(order, places, markets, last_fill_at, [], unsettled, alerts, waits.get(order.pk, ""))


def _count(rows: QuerySet[ChildOrder] | QuerySet[JournalEntry]) -> dict[int, int]:
    return dict(rows.values_list("order").annotate(count=Count("pk")))


#: An account's label, and its venue.
Place = tuple[str, int]


def _places(orders: Sequence[Order]) -> dict[int, list[Place]]:
    places: dict[int, list[Place]] = defaultdict(list)
    found = Order.accounts.through.objects.filter(order__in=orders).order_by("account__label")
    for order_id, label, venue in found.values_list("order_id", "account__label", "account__venue_id"):
        places[order_id].append((label, venue))
    return places


def _markets(orders: Sequence[Order], places: Mapping[int, Sequence[Place]]) -> dict[int, list[Market]]:
    venues = {order.pk: {venue for _, venue in places[order.pk]} for order in orders}
    wanted = Market.objects.filter(
        venue__in=set().union(*venues.values()), symbol__in={order.symbol for order in orders}
    )
    by_symbol: dict[str, list[Market]] = defaultdict(list)
    for market in wanted:
        by_symbol[market.symbol].append(market)
    return {
        order.pk: [market for market in by_symbol[order.symbol] if market.venue_id in venues[order.pk]]
        for order in orders
    }


def _row(
    order: Order,
    places: Sequence[Place],
    markets: Sequence[Market],
    last_fill_at: int | None,
    schedule: list[SchedulePoint],
    unsettled: int,
    alerts: int,
    waits: str,
) -> OrderRow:
    terms = order.terms
    average = costs.average_price(order.notional, order.filled)
    arrival = costs.middle(order.arrival_bid, order.arrival_ask)
    base, _, quote = order.symbol.partition("/")
    return OrderRow(
        id=order.public_id,
        version=order.version,
        status=order.status,
        outcome=order.outcome,
        reason=order.reason,
        waits=waits,
        needs_person=order.needs_person,
        trader=order.trader.get_username(),
        account=", ".join(label for label, _ in places),
        symbol=order.symbol,
        base=markets[0].base if markets else base,
        quote=markets[0].quote if markets else quote,
        # With several venues the finest step: nothing that one of them filled is rounded away.
        tick=decimal_str(min((market.tick for market in markets), default=None)),
        lot=decimal_str(min((market.lot for market in markets), default=None)),
        side=order.side,
        algorithm=order.algorithm,
        quantity=decimal_str(order.quantity),
        filled=decimal_str(order.filled),
        limit_price=decimal_str(terms.limit_price) if terms else None,
        average=rounded_str(average, 12),
        arrival_mid=decimal_str(arrival),
        notional=rounded_str(_notional(order, arrival, terms.limit_price if terms else None), 2),
        cost_bp=rounded_str(costs.slippage_bp(Side(order.side), average, arrival), BP_PLACES),
        start_at=epoch_ms(terms.start_at) if terms else None,
        end_at=epoch_ms(terms.end_at) if terms else None,
        end_is_fixed=terms.end_is_fixed if terms else False,
        lost_since=epoch_ms(lost_since(order)),
        started_at=epoch_ms(order.started_at),
        ended_at=epoch_ms(order.ended_at),
        created_at=epoch_ms(order.created_at),
        last_fill_at=last_fill_at,
        schedule=schedule,
        unsettled=unsettled,
        alerts=alerts,
        client_reference=order.client_reference,
        basket=order.basket_id or "",
        tags=[str(tag) for tag in order.tags],
        actions=list(order_actions(OrderStatus(order.status), order.outcome)),
    )


def _notional(order: Order, arrival: Decimal | None, limit_price: Decimal | None) -> Decimal | None:
    """Return the value of the filled and the remaining quantity; None if no price for the latter is known.

    The remaining quantity is valued at the arrival mid, else at the limit price.
    """
    left, price = max(order.quantity - order.filled, ZERO), arrival if arrival is not None else limit_price
    if left == ZERO:
        return order.notional
    return None if price is None else order.notional + left * price
