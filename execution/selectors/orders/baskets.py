"""Reads of baskets: who may see them, and their progress."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from execution.core.limits.money import Conversion
from execution.core.orders.basket import BasketSums, basket_sums
from execution.core.states import ORDER_FINAL, OrderStatus
from execution.core.tca import costs
from execution.core.types import ZERO, Side
from execution.models import Basket, Order, Role, User
from execution.payloads.baskets import BasketDetail, BasketNotional, BasketRow, BasketState
from execution.payloads.encode import epoch_ms, rounded_str
from execution.selectors.decisions.rates import conversion
from execution.selectors.orders.rows import order_rows_of, orders_for_rows
from execution.selectors.orders.visibility import sees_several
from execution.selectors.quotes import quotes_latest

#: The number of baskets in a list.
LISTED = 100
#: The columns that are read of each order.
_FIELDS = (
    "basket", "symbol", "side", "status", "needs_person", "quantity", "filled", "notional", "arrival_bid",
    "arrival_ask", "terms__limit_price",
)  # fmt: skip


def baskets_visible(person: User) -> QuerySet[Basket]:
    """Return the baskets that the person may see.

    A trader sees their own, a person who sees the whole desk sees everybody's, and anybody else sees none.
    """
    if sees_several(person):
        return Basket.objects.all()
    return Basket.objects.filter(trader=person) if person.role == Role.TRADER else Basket.objects.none()


def basket_find(*, person: User, public_id: str) -> Basket | None:
    """Return a basket that the person may see; None if there is none, or they may not see it."""
    return baskets_visible(person).select_related("trader").filter(public_id=public_id).first()


def baskets_newest(*, person: User, now: datetime) -> list[BasketRow]:
    """Return the newest baskets that the person sees. The number of queries is fixed."""
    found = baskets_visible(person).select_related("trader").order_by("-created_at", "-pk")
    return basket_rows(list(found[:LISTED]), now)


def basket_detail(basket: Basket, now: datetime) -> BasketDetail:
    """Return a basket with its orders, in the sequence of the basket's rows."""
    keys = basket_order_keys(basket)
    return {**basket_rows([basket], now)[0], "orders": order_rows_of(orders_for_rows(keys))}


def basket_order_keys(basket: Basket) -> list[int]:
    """Return the primary keys of the basket's orders, in the sequence of its rows."""
    return list(basket.orders.order_by("pk").values_list("pk", flat=True))


def basket_order_ids(basket: Basket) -> list[str]:
    """Return the public ids of the basket's orders that have not ended, in the sequence of its rows."""
    live = basket.orders.exclude(status__in=ORDER_FINAL)
    return list(live.order_by("pk").values_list("public_id", flat=True))


def basket_rows(baskets: Sequence[Basket], now: datetime) -> list[BasketRow]:
    """Return the progress of these baskets. The number of queries is fixed."""
    wanted = Order.objects.filter(basket__in=[basket.public_id for basket in baskets])
    parts: dict[str, list[_Part]] = defaultdict(list)
    for part in _parts(wanted):
        parts[part.basket].append(part)
    rates = conversion({part.currency for each in parts.values() for part in each}, now)
    return [_row(basket, parts.get(basket.public_id, []), rates) for basket in baskets]


@dataclass(frozen=True, slots=True)
class _Part:
    """An order of a basket. ``done`` is its traded notional.

    ``whole`` is ``done`` plus the notional of the remaining quantity; None if no price is known.
    """

    basket: str
    side: Side
    currency: str
    status: str
    needs_person: bool
    done: Decimal
    whole: Decimal | None
    cost_bp: Decimal | None


def _parts(wanted: QuerySet[Order]) -> list[_Part]:
    orders = list(wanted.select_related("terms").only(*_FIELDS))
    mids = _mids(wanted, orders)
    return [_part(order, mids.get(order.pk)) for order in orders]


def _part(order: Order, mid: Decimal | None) -> _Part:
    arrival = costs.middle(order.arrival_bid, order.arrival_ask)
    limit = order.terms.limit_price if order.terms else None
    left, price = max(order.quantity - order.filled, ZERO), arrival or mid or limit
    whole = order.notional if left == ZERO else None if price is None else order.notional + left * price
    average = costs.average_price(order.notional, order.filled)
    return _Part(
        basket=str(order.basket_id),
        side=Side(order.side),
        currency=order.symbol.partition("/")[2],
        status=order.status,
        needs_person=order.needs_person and order.status not in ORDER_FINAL,
        done=order.notional,
        whole=whole,
        cost_bp=costs.slippage_bp(Side(order.side), average, arrival),
    )


def _mids(wanted: QuerySet[Order], orders: Iterable[Order]) -> dict[int, Decimal]:
    """Return the mid, however old, at the first account of each order."""
    links = Order.accounts.through.objects.filter(order__in=wanted).order_by("pk")
    venues: dict[int, int] = {}
    for order_pk, venue in links.values_list("order_id", "account__venue_id"):
        venues.setdefault(order_pk, venue)
    places = {order.pk: (venues.get(order.pk, 0), order.symbol) for order in orders}
    quotes = quotes_latest(sorted(set(places.values())))
    return {
        pk: quotes[place].mid for pk, place in places.items() if place in quotes and quotes[place].is_sane
    }


def _row(basket: Basket, parts: Sequence[_Part], rates: Conversion) -> BasketRow:
    whole = basket_sums(((each.side, each.currency, each.whole) for each in parts), rates)
    filled = basket_sums(((each.side, each.currency, each.done) for each in parts), rates)
    return BasketRow(
        id=basket.public_id,
        name=basket.name,
        trader=basket.trader.get_username(),
        created_at=epoch_ms(basket.created_at),
        size=basket.size,
        state=_state([each.status for each in parts]),
        needs_person=any(each.needs_person for each in parts),
        counts=dict(sorted(Counter(each.status for each in parts).items())),
        filled_share=rounded_str(_share(filled.gross, whole.gross), 6),
        notional=notional_row(whole),
        filled=notional_row(filled),
        cost_bp=rounded_str(_cost_bp(parts, rates), 2),
    )


def notional_row(sums: BasketSums) -> BasketNotional:
    """Return the sums for pages and the API, rounded to the cent."""
    return {
        "currency": sums.currency,
        "bought": rounded_str(sums.bought, 2),
        "sold": rounded_str(sums.sold, 2),
        "net": rounded_str(sums.net, 2),
        "gross": rounded_str(sums.gross, 2),
    }


def _state(statuses: Sequence[str]) -> BasketState:
    live = {status for status in statuses if status not in ORDER_FINAL}
    if not live:
        return "done"
    if live == {OrderStatus.PENDING_APPROVAL}:
        return "waiting"
    return "paused" if live == {OrderStatus.PAUSED} else "live"


def _share(done: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return None if done is None or not whole else done / whole


def _cost_bp(parts: Sequence[_Part], rates: Conversion) -> Decimal | None:
    """Return the cost of the filled quantity, weighted by value; None if nothing is filled or a part is unknown."""
    weighted, total = ZERO, ZERO
    for part in parts:
        if part.done == ZERO:
            continue
        rate = rates.rate(part.currency)
        if rate is None or part.cost_bp is None:
            return None
        weighted, total = weighted + part.cost_bp * part.done * rate, total + part.done * rate
    return weighted / total if total else None
