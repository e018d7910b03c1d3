"""The recording of trades. Each trade is recorded once, even if several sources bring it, or one source repeatedly."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from execution.core.alerts.kinds import AlertKind
from execution.core.numbers import plain
from execution.core.reconcile import ChildFacts, is_over, merge_fill, settled
from execution.core.states import ChildEvent, ChildStatus, child_after
from execution.core.types import Trade
from execution.models import ChildOrder, Fill, Order
from execution.models.prepared import Compiled, row_insert, row_save
from execution.selectors.fees import fees_of
from execution.services.records.alerts import alert_signal
from execution.services.records.journal import VENUE, alert, journal_append
from execution.services.records.locking import account_row_locked, order_locked
from execution.services.records.order_transition import pause_for_person

CHILD = Compiled(lambda pk: ChildOrder.objects.filter(pk=pk), pk=int)
_BY_CLIENT_ID = Compiled(
    lambda account, symbol, client_id: ChildOrder.objects.filter(
        account_id=account, symbol=symbol, client_id=client_id
    ),
    account=int,
    symbol=str,
    client_id=str,
)
_BY_EXCHANGE_ID = Compiled(
    lambda account, symbol, exchange_id: ChildOrder.objects.filter(
        account_id=account, symbol=symbol, exchange_id=exchange_id
    ).order_by("pk"),
    account=int,
    symbol=str,
    exchange_id=str,
)
_FILL = Compiled(
    lambda account, symbol, trade_id, side: Fill.objects.filter(
        account_id=account, symbol=symbol, trade_id=trade_id, side=side
    ),
    account=int,
    symbol=str,
    trade_id=str,
    side=str,
)
_WAITING = Compiled(
    lambda account, symbol, exchange_id: Fill.objects.filter(
        account_id=account, symbol=symbol, exchange_order_id=exchange_id, child=None
    ).order_by("executed_at", "pk"),
    account=int,
    symbol=str,
    exchange_id=str,
)


def facts_of(child: ChildOrder) -> ChildFacts:
    """Return what the child's row records of its state and its fills, as ``ChildFacts``."""
    return ChildFacts(ChildStatus(child.status), child.quantity, child.reported_filled, child.filled)


def facts_keep(child: ChildOrder, facts: ChildFacts, now: datetime) -> None:
    """Write facts to the child's row.

    Also set ``over_at``, ``is_settled`` and ``ended_at``, which follow from the facts.
    """
    was_live = child.ended_at is None
    child.status = facts.status
    child.reported_filled = facts.reported
    child.filled = facts.filled
    child.is_settled = settled(facts)
    child.over_at = (child.over_at or now) if is_over(facts) else None
    if was_live and child.is_settled:
        child.ended_at = now
    if not child.is_settled:
        child.ended_at = None
    row_save(child)


class _ChildAppeared(Exception):
    """Raised when a trade's child became known while the trade was about to be recorded without a child."""


def fill_record(*, account_pk: int, trade: Trade, now: datetime) -> bool:
    """Record one of our own trades. Return False if it is recorded already.

    A recorded fee or liquidity may change once, from unknown to known. The stream, the answer and the polls all bring
    each trade. So a trade that is recorded completely takes no lock. Any other trade is recorded in one transaction:

    1. The order's row is locked. If the trade's child is not known, the account's row is locked instead. A report that
       later tells a child's exchange id locks the account's row too, and then attaches the child's fills.
    2. If the trade is recorded already, only the values that were unknown are added.
    3. Otherwise the fill is written, and the child, the order and the journal are updated.
    """
    known = known_fill(account_pk, trade)
    if known is not None and _is_complete(known):
        return False
    try:
        return _record(account_pk, trade, now)
    except _ChildAppeared:
        return _record(account_pk, trade, now)


def _is_complete(known: Fill) -> bool:
    has_ids = known.child_id is not None and bool(known.exchange_order_id)
    return has_ids and known.fee is not None and bool(known.liquidity)


@transaction.atomic
def _record(account_pk: int, trade: Trade, now: datetime) -> bool:
    known = known_fill(account_pk, trade)
    # Who has it already, keeps it: the trade may come again without naming its order.
    child = known.child if known is not None else None
    child = child or child_of(account_pk, trade.symbol, trade.exchange_id, trade.client_id)
    order = None
    if child is not None:
        order = order_locked(child.order_id)
        child = CHILD.get(pk=child.pk)
    else:
        account_row_locked(account_pk)
        if child_of(account_pk, trade.symbol, trade.exchange_id, trade.client_id) is not None:
            raise _ChildAppeared
    # Somebody may have recorded it while we waited for the lock.
    known = known_fill(account_pk, trade)
    if known is not None:
        return _complete(known, trade, child, order, now)
    fill_insert(account_pk=account_pk, trade=trade, child=child, order=order, now=now)
    return True


def fill_insert(
    *, account_pk: int, trade: Trade, child: ChildOrder | None, order: Order | None, now: datetime
) -> None:
    """Write a new trade, inside the caller's transaction and under its order's lock.

    ``child`` and ``order`` are None for a trade without a known child.
    """
    fill = fill_of(account_pk=account_pk, trade=trade, child=child, order=order, now=now)
    row_insert(fill)
    if child is not None and order is not None:
        _fold(fill, child, order, now)


def fill_of(
    *, account_pk: int, trade: Trade, child: ChildOrder | None, order: Order | None, now: datetime
) -> Fill:
    """Return a new ``Fill`` for a trade, without saving it."""
    fee_in_quote, rate = _fee_in_quote(trade)
    return Fill(
        account_id=account_pk,
        order=order,
        child=child,
        symbol=trade.symbol,
        trade_id=trade.trade_id,
        side=trade.side,
        exchange_order_id=trade.exchange_id or "",
        price=trade.price,
        quantity=trade.quantity,
        fee=trade.fee,
        fee_currency=trade.fee_currency or "",
        more_fees=_more_fees(trade),
        fee_in_quote=fee_in_quote,
        fee_rate=rate,
        liquidity=trade.liquidity or "",
        executed_at=trade.at,
        recorded_at=now,
    )


def known_fill(account_pk: int, trade: Trade) -> Fill | None:
    """Return the record of a trade, if it is recorded."""
    return _FILL.first(account=account_pk, symbol=trade.symbol, trade_id=trade.trade_id, side=str(trade.side))


def cancel_as_wanted(child: ChildOrder, facts: ChildFacts) -> ChildFacts:
    """Return ``facts``, with the status cancelling if the child is on the book although its cancel was requested."""
    if child.cancel_requested_at is None or facts.status not in {ChildStatus.OPEN, ChildStatus.PARTLY_FILLED}:
        return facts
    return replace(facts, status=child_after(facts.status, ChildEvent.CANCEL))


def child_of(
    account_pk: int, symbol: str, exchange_id: str | None, client_id: str | None
) -> ChildOrder | None:
    """Return the child with the exchange's order id or with our client id.

    ``symbol`` is needed because Binance numbers the orders of each symbol from one.
    """
    of: dict[str, int | str | None] = {"account": account_pk, "symbol": symbol}
    if client_id and (child := _BY_CLIENT_ID.first(client_id=client_id, **of)) is not None:
        return child
    return _BY_EXCHANGE_ID.first(exchange_id=exchange_id, **of) if exchange_id else None


def fills_adopt(*, child: ChildOrder, order: Order, now: datetime) -> None:
    """Attach to a child its fills that were recorded before its exchange id was known.

    Call it inside a transaction.
    """
    if not child.exchange_id:
        return
    for fill in fills_waiting(child):
        _attach(fill, child, order, now)


def fills_waiting(child: ChildOrder) -> list[Fill]:
    """Return the fills that have the child's exchange id and no child yet, oldest first."""
    return _WAITING.all(account=child.account_id, symbol=child.symbol, exchange_id=child.exchange_id)


def _attach(fill: Fill, child: ChildOrder, order: Order, now: datetime) -> None:
    fill.child, fill.order = child, order
    fill.save(update_fields=["child", "order"])
    _fold(fill, child, order, now)


def _fold(fill: Fill, child: ChildOrder, order: Order, now: datetime) -> None:
    merged = merge_fill(facts_of(child), fill.quantity)
    if not child.exchange_id and fill.exchange_order_id:
        child.exchange_id = fill.exchange_order_id
    child.notional += fill.price * fill.quantity
    facts_keep(child, cancel_as_wanted(child, merged.facts), now)
    order.filled += fill.quantity
    order.notional += fill.price * fill.quantity
    _fold_fees(order, fill)
    journal_append(
        order=order,
        kind="fill",
        actor=VENUE,
        reason=f"{plain(fill.quantity)} at {plain(fill.price)}",
        at=now,
        data={
            "child": child.sequence,
            "fill": fill.pk,
            "price": plain(fill.price),
            "quantity": plain(fill.quantity),
            "liquidity": fill.liquidity,
            "child_status": child.status,
        },
    )
    text = merged.alert
    if order.filled > order.quantity:
        text = f"overfilled: {plain(order.filled)} of {plain(order.quantity)}"
    if text:
        raise_alarm(order, child, text, now)


def raise_alarm(order: Order, child: ChildOrder, text: str, now: datetime) -> None:
    """Record that something happened to an order that should be impossible.

    The order is marked as needing a person. If it works, it pauses.
    """
    too_much = order.filled > order.quantity or (child.reported_filled or child.filled) > child.quantity
    kind = AlertKind.OVERFILL if too_much else AlertKind.LATE_FILL
    named = f"{order.side.upper()} {order.symbol} ({order.public_id}), child {child.sequence}: {text}"
    alert_signal(kind=kind, text=named, at=now, order=order, subject=f"{child.client_id} {child.filled}")
    alert(order=order, text=f"child {child.sequence}: {text}", at=now, data={"child": child.sequence})
    pause_for_person(order, reason=text, now=now)


def _fold_fees(order: Order, fill: Fill) -> None:
    for currency, amount in fees_of(fill):
        order.fees = {**order.fees, currency: str(Decimal(order.fees.get(currency, "0")) + amount)}


def _more_fees(trade: Trade) -> list[list[str]]:
    return [[part.currency, plain(part.amount)] for part in trade.more_fees]


def _complete(
    known: Fill, trade: Trade, child: ChildOrder | None, order: Order | None, now: datetime
) -> bool:
    """Add to a recorded fill the values that were unknown. Return False, because the trade itself is not new."""
    changed: list[str] = []
    if known.fee is None and trade.fee is not None:
        known.fee, known.fee_currency = trade.fee, trade.fee_currency or ""
        known.more_fees = _more_fees(trade)
        known.fee_in_quote, known.fee_rate = _fee_in_quote(trade)
        changed += ["fee", "fee_currency", "more_fees", "fee_in_quote", "fee_rate"]
        if order is not None and known.child_id is not None:
            _fold_fees(order, known)
    if not known.liquidity and trade.liquidity is not None:
        known.liquidity = trade.liquidity
        changed.append("liquidity")
    if not known.exchange_order_id and trade.exchange_id:
        known.exchange_order_id = trade.exchange_id
        changed.append("exchange_order_id")
    if changed:
        known.save(update_fields=changed)
    if known.child_id is None and child is not None and order is not None:
        _attach(known, child, order, now)
    elif changed and child is not None and order is not None:
        fee = None if known.fee is None else plain(known.fee)
        data = {"child": child.sequence, "fill": known.pk, "fee": fee, "liquidity": known.liquidity}
        reason = "the exchange added details of a fill"
        journal_append(order=order, kind="fill_detail", actor=VENUE, reason=reason, at=now, data=data)
    return False


def _fee_in_quote(trade: Trade) -> tuple[Decimal | None, Decimal | None]:
    """Return the whole fee in quote units, and the quote units for one unit of ``fee_currency``.

    A value is None if the trade does not give it.
    """
    if trade.fee is None or trade.fee_currency is None:
        return None, None
    main = _rate(trade, trade.fee_currency)
    if main is None:
        return None, None
    total = trade.fee * main
    for part in trade.more_fees:
        rate = _rate(trade, part.currency)
        if rate is None:
            return None, main
        total += part.amount * rate
    return total, main


def _rate(trade: Trade, currency: str) -> Decimal | None:
    """Return the quote units for one unit of ``currency``; None for a currency that is neither base nor quote."""
    base, _, quote = trade.symbol.partition("/")
    return {base: trade.price, quote: Decimal(1)}.get(currency)
