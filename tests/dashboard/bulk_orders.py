"""Thousands of orders at once, with terms, slices, children, fills and journal, as a busy desk leaves them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from execution.models import Account, ChildOrder, Fill, JournalEntry, Order, OrderTerms, Slice, User

LIVE = ("working", "paused", "scheduled", "closing")
FINAL = ("completed", "cancelled", "expired")
MINUTE = timedelta(minutes=1)


def crowd(
    account: Account, trader: User, count: int, *, live: int = 200, full: int | None = None, parts: int = 12
) -> list[Order]:
    """Create ``count`` orders, the newest ``live`` of them alive. The newest ``full`` (else all) have terms, and
    ``parts`` slices, children, fills and journal entries each.

    The newest ``full`` (else all) have terms, and ``parts`` slices, children, fills and journal entries each.
    """
    orders = Order.objects.bulk_create(_order(trader, number, number < live) for number in range(count))
    whole = orders if full is None else orders[:full]
    terms = OrderTerms.objects.bulk_create(_terms(order) for order in whole)
    for order, own in zip(whole, terms, strict=True):
        order.terms = own
    Order.objects.bulk_update(whole, ["terms"], batch_size=500)
    Order.accounts.through.objects.bulk_create(
        Order.accounts.through(order=order, account=account) for order in orders
    )
    each = [(order, number) for order in whole for number in range(1, parts + 1)]
    Slice.objects.bulk_create(_slice(order, number, parts) for order, number in each)
    ChildOrder.objects.bulk_create(_child(order, account, number) for order, number in each)
    Fill.objects.bulk_create(_fill(order, account, number) for order, number in each)
    JournalEntry.objects.bulk_create(_entry(order, number) for order, number in each)
    return orders


def _order(trader: User, number: int, is_live: bool) -> Order:
    states = LIVE if is_live else FINAL
    created = timezone.now() - number * MINUTE
    quantity = Decimal("1.2") + Decimal(number % 50) / 10
    filled = quantity / 2 if is_live else quantity
    return Order(
        trader=trader,
        created_by=trader,
        client_reference=f"desk-{number}" if number % 3 == 0 else "",
        tags=["carry"] if number % 7 == 0 else [],
        symbol=("BTC/USDT", "ETH/USDT")[number % 2],
        side=("buy", "sell")[number % 2],
        quantity_asked=quantity,
        unit="base",
        quantity=quantity,
        algorithm="twap",
        market={},
        status=states[number % len(states)],
        reason="the book is stale" if number % 9 == 1 else "",
        needs_person=is_live and number % 25 == 1,
        filled=filled,
        notional=filled * Decimal("64512.3"),
        version=1,
        arrival_bid=Decimal("64500"),
        arrival_ask=Decimal("64500.2"),
        created_at=created,
        started_at=created,
        ended_at=None if is_live else created + 60 * MINUTE,
    )


def _terms(order: Order) -> OrderTerms:
    start = order.created_at
    return OrderTerms(
        order=order,
        version=1,
        parameters={"duration": "PT4H"},
        limit_price=Decimal("65200") if order.pk % 2 else None,
        start_at=start,
        end_at=start + 240 * MINUTE,
        created_at=start,
    )


def _slice(order: Order, number: int, parts: int) -> Slice:
    start = order.created_at
    length = 240 * MINUTE / parts
    return Slice(
        order=order,
        plan_version=1,
        number=number,
        starts_at=start + (number - 1) * length,
        ends_at=start + number * length,
        quantity=order.quantity / parts,
    )


def _child(order: Order, account: Account, number: int) -> ChildOrder:
    return ChildOrder(
        order=order,
        account=account,
        sequence=number,
        client_id=f"{order.public_id}{number}",
        symbol=order.symbol,
        side=order.side,
        type="limit",
        price=Decimal("64510.5"),
        quantity=Decimal("0.1"),
        time_in_force="gtc",
        purpose="rest",
        why="rests at the best bid until the slice crosses",
        status="filled",
        filled=Decimal("0.1"),
        notional=Decimal("6451.05"),
        is_settled=True,
        intended_at=order.created_at,
    )


def _fill(order: Order, account: Account, number: int) -> Fill:
    return Fill(
        account=account,
        order=order,
        symbol=order.symbol,
        trade_id=f"{order.pk}.{number}",
        side=order.side,
        price=Decimal("64510.5"),
        quantity=Decimal("0.1"),
        fee=Decimal("6.45"),
        fee_currency="USDT",
        fee_in_quote=Decimal("6.45"),
        liquidity="maker",
        executed_at=order.created_at + number * MINUTE,
        recorded_at=order.created_at + number * MINUTE,
    )


def _entry(order: Order, version: int) -> JournalEntry:
    is_alert = version == 1 and order.needs_person
    return JournalEntry(
        order=order,
        version=version,
        kind="alert" if is_alert else "look",
        actor="desk",
        reason="the book is stale",
        at=order.created_at,
        hash="0" * 64,
    )
