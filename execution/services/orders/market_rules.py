"""The update of live orders after an exchange has changed the rules of their markets. No person has to act."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from execution.core import types
from execution.core.market_rules import change_words, rules_changed, with_new_rules
from execution.core.orders.plans import SlicePlan, fit_plan, shift_plan
from execution.core.quantities import combined_market, minimum_quantity
from execution.core.states import ORDER_LIVE, OrderStatus
from execution.core.tca.costs import middle
from execution.core.types import ZERO
from execution.models import Account, Market, Order
from execution.selectors.decisions.exposure import done_of
from execution.selectors.decisions.order_view import plan_rows
from execution.selectors.markets import market_from_json, market_from_row, market_to_json
from execution.services.orders.replanning import order_replan
from execution.services.records.journal import DESK, journal_append
from execution.services.records.locking import order_locked_with_terms

Changes = Mapping[str, Mapping[str, tuple[str | None, str | None]]]


class Adopted(NamedTuple):
    """The result of an update: the primary keys of changed orders, and whether a live order waits for a market to
    open.
    """

    orders: list[int]
    is_waiting: bool


def orders_adopt_markets(*, venue_pk: int, now: datetime) -> Adopted:
    """Give each live order at a venue the venue's current rules, as they are stored.

    Each order has a transaction of its own, with one journal entry that shows the old and the new rules.
    """
    rules = {row.symbol: market_from_row(row) for row in Market.objects.filter(venue_id=venue_pk)}
    labels = dict(Account.objects.filter(venue_id=venue_pk).values_list("public_id", "label"))
    found = Order.objects.filter(status__in=ORDER_LIVE, accounts__venue_id=venue_pk)
    live = [order for order in found.distinct().order_by("pk") if order.symbol in rules]
    behind = [order.pk for order in live if _news(order, labels, rules)]
    changed = [pk for pk in behind if _adopt(pk, labels, rules, now)]
    is_waiting = any(rules[order.symbol].status is not types.MarketStatus.OPEN for order in live)
    return Adopted(changed, is_waiting)


def _news(order: Order, labels: Mapping[str, str], rules: Mapping[str, types.Market]) -> Changes:
    """Return, for each account label, the rules of its market that differ from those stored with the order."""
    found = {
        label: rules_changed(market_from_json(order.market[public_id]), rules[order.symbol])
        for public_id, label in labels.items()
        if public_id in order.market
    }
    return {label: changes for label, changes in found.items() if changes}


@transaction.atomic
def _adopt(
    order_pk: int, labels: Mapping[str, str], rules: Mapping[str, types.Market], now: datetime
) -> bool:
    """Give one order its new rules.

    1. Find the new rules under the order's lock.
    2. Store them with the order.
    3. Plan the remaining quantity again if the plan does not fit the new lot or minimum.
    4. Write one journal entry.
    """
    order = order_locked_with_terms(order_pk)
    news = _news(order, labels, rules) if order.status in ORDER_LIVE else {}
    if not news:
        return False
    market = rules[order.symbol]
    order.market = {
        public_id: market_to_json(with_new_rules(market_from_json(kept), market))
        if public_id in labels
        else kept
        for public_id, kept in order.market.items()
    }
    reason = "; ".join(f"{label}: {change_words(market, dict(changes))}" for label, changes in news.items())
    data: dict[str, Any] = {"market": {label: dict(changes) for label, changes in news.items()}}
    slices = _fitting_plan(order, now)
    if slices is None or order.terms is None:
        journal_append(order=order, kind="market", actor=DESK, reason=reason, at=now, data=data)
    else:
        end_at = order.terms.end_at
        order_replan(order=order, slices=slices, end_at=end_at, actor=DESK, reason=reason, now=now, data=data)
    return True


def _fitting_plan(order: Order, now: datetime) -> tuple[SlicePlan, ...] | None:
    """Return the remaining plan, changed to fit the new lot and minimum. Return None if no change is needed."""
    if order.status == OrderStatus.CLOSING or order.terms is None:
        return None
    remaining = order.quantity - done_of(order)
    limits = combined_market([market_from_json(data) for data in order.market.values()])
    price = middle(order.arrival_bid, order.arrival_ask) or order.terms.limit_price
    least = limits.min_quantity if price is None else minimum_quantity(limits, price)
    if remaining <= ZERO:
        return None
    rest = shift_plan(plan_rows(order), remaining=remaining, paused_at=now, now=now)
    fitting = fit_plan(rest, lot=limits.lot, least=least)
    return None if fitting == rest else fitting
