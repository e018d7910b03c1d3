"""Coinbase's JSON for an account: its orders, fills and balances. Every number is written as a text."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from execution.core.types import ZERO, Market, Side
from execution.paper.amounts import iso, text
from execution.paper.records import Account, OrderStatus, PaperOrder, PaperTrade
from execution.paper.symbols import dashed_symbol

Json = dict[str, Any]

#: For so many milliseconds after its creation, queries show an order as still on its way to the book. Assumed.
PENDING_FOR = 20
#: For so many milliseconds after its cancel, queries show an order as being cancelled. Assumed.
CANCEL_QUEUED_FOR = 100
_IDS = uuid.UUID("c01bba5e-0000-4000-8000-000000000000").int
_MOST_ORDERS = 1 << 48


def order_uuid(order_id: int) -> str:
    """Return the id by which clients know an order: a UUID that contains the exchange's number."""
    return str(uuid.UUID(int=_IDS + order_id))


def order_number(order_id: str) -> int | None:
    """Return the exchange's number of an order, or None if the text is no order id of this exchange."""
    try:
        number = uuid.UUID(order_id).int - _IDS
    except ValueError:
        return None
    return number if 0 < number < _MOST_ORDERS else None


def status(order: PaperOrder, at: int) -> str:
    """Return coinbase's word for an order's state at the time ``at`` (milliseconds)."""
    if order.status is OrderStatus.CANCELED:
        return "CANCEL_QUEUED" if at - order.updated < CANCEL_QUEUED_FOR else "CANCELLED"
    if order.status is OrderStatus.NEW:
        return "PENDING" if at - order.created < PENDING_FOR else "OPEN"
    return final_status(order)


def final_status(order: PaperOrder) -> str:
    """Return coinbase's word for an order's state, without the passing states PENDING and CANCEL_QUEUED."""
    if order.status.is_open:
        return "OPEN"
    if order.status is OrderStatus.FILLED:
        return "FILLED"
    if order.status is OrderStatus.EXPIRED and order.expires:
        return "EXPIRED"
    if order.status is OrderStatus.EXPIRED and order.time_in_force == "FOK":
        return "FAILED"
    return "CANCELLED"


def configuration(order: PaperOrder) -> Json:
    """Return an order's configuration as it was requested."""
    size, price = text(order.quantity), text(order.price)
    limit = {"base_size": size, "limit_price": price}
    post_only = order.type == "LIMIT_MAKER"
    if order.price is None:
        return {"market_market_ioc": {"base_size": size}}
    if order.expires:
        return {"limit_limit_gtd": {**limit, "end_time": iso(order.expires), "post_only": post_only}}
    if order.time_in_force == "GTC":
        return {"limit_limit_gtc": {**limit, "post_only": post_only}}
    return {"sor_limit_ioc" if order.time_in_force == "IOC" else "limit_limit_fok": limit}


def time_in_force(order: PaperOrder) -> str:
    if order.expires:
        return "GOOD_UNTIL_DATE_TIME"
    if order.price is None:
        return "IMMEDIATE_OR_CANCEL"
    words = {"GTC": "GOOD_UNTIL_CANCELLED", "IOC": "IMMEDIATE_OR_CANCEL", "FOK": "FILL_OR_KILL"}
    return words[order.time_in_force]


def commission(trade: PaperTrade, market: Market) -> Decimal:
    """Return a trade's fee in quote. If the order came through another dialect and paid in base, convert the fee."""
    return trade.fee if trade.fee_asset == market.quote else trade.fee * trade.price


def average(order: PaperOrder) -> str:
    if not order.executed:
        return "0"
    return text((order.quote_executed / order.executed).quantize(Decimal("0.0000000001")))


def hold(order: PaperOrder) -> str:
    """Return the amount that an open order still locks: quote for a buy, base for a sell."""
    if not order.status.is_open:
        return "0"
    buys = order.side is Side.BUY and order.price is not None
    return text((order.price or ZERO) * order.remaining * (1 + order.held_rate) if buys else order.remaining)


def order_state(order: PaperOrder, market: Market, trades: Sequence[PaperTrade], word: str) -> Json:
    """Return an order as queries show it. ``word`` is its state, and ``trades`` give its fees and number of fills."""
    fees = text(sum((commission(trade, market) for trade in trades), ZERO))
    value = text(order.quote_executed)
    return {
        "order_id": order_uuid(order.id),
        "product_id": dashed_symbol(market),
        "user_id": "paper",
        "order_configuration": configuration(order),
        "side": order.side.upper(),
        "client_order_id": order.client_id,
        "status": word,
        "time_in_force": time_in_force(order),
        "created_time": iso(order.created),
        "completion_percentage": text((order.executed / order.quantity * 100).quantize(Decimal("0.01"))),
        "filled_size": text(order.executed),
        "average_filled_price": average(order),
        "fee": "",
        "number_of_fills": str(len(trades)),
        "filled_value": value,
        "pending_cancel": word == "CANCEL_QUEUED",
        "size_in_quote": False,
        "total_fees": fees,
        "size_inclusive_of_fees": False,
        "total_value_after_fees": value,
        "trigger_status": "INVALID_ORDER_TYPE",
        "order_type": "MARKET" if order.price is None else "LIMIT",
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": order.status is OrderStatus.FILLED,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": "User requested cancel" if order.status is OrderStatus.CANCELED else "",
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": hold(order),
        "is_liquidation": False,
        "last_fill_time": iso(trades[-1].time) if trades else None,
        **dict.fromkeys(("leverage", "margin_type", "retail_portfolio_id"), ""),
    }


def streamed_order(order: PaperOrder, market: Market, trades: Sequence[PaperTrade], word: str) -> Json:
    """Return an order as the channel ``user`` sends it.

    Its figures are cumulative, and single trades are not listed.
    """
    is_open = word in ("PENDING", "OPEN", "CANCEL_QUEUED")
    return {
        "order_id": order_uuid(order.id),
        "client_order_id": order.client_id,
        "product_id": dashed_symbol(market),
        "product_type": "SPOT",
        "order_side": order.side.upper(),
        "order_type": "Market" if order.price is None else "Limit",
        "status": word,
        "time_in_force": time_in_force(order),
        "limit_price": text(order.price),
        "stop_price": "",
        "avg_price": average(order),
        "cumulative_quantity": text(order.executed),
        "leaves_quantity": text(order.remaining) if is_open else "0",
        "filled_value": text(order.quote_executed),
        "total_fees": text(sum((commission(trade, market) for trade in trades), ZERO)),
        "total_value_after_fees": text(order.quote_executed),
        "number_of_fills": str(len(trades)),
        "completion_percentage": text((order.executed / order.quantity * 100).quantize(Decimal("0.01"))),
        "outstanding_hold_amount": hold(order) if is_open else "0",
        "post_only": "true" if order.type == "LIMIT_MAKER" else "false",
        "cancel_reason": "User requested cancel" if order.status is OrderStatus.CANCELED else "",
        "reject_Reason": "",
        "trigger_status": "INVALID_ORDER_TYPE",
        "creation_time": iso(order.created),
        "end_time": iso(order.expires) if order.expires else "0001-01-01T00:00:00Z",
    }


def fill(trade: PaperTrade, market: Market) -> Json:
    return {
        "entry_id": str(uuid.uuid5(uuid.UUID(int=_IDS), f"{trade.symbol} {trade.number}")),
        "trade_id": str(trade.id),
        "order_id": order_uuid(trade.order_id),
        "trade_time": iso(trade.time),
        "trade_type": "FILL",
        "price": text(trade.price),
        "size": text(trade.quantity),
        "commission": text(commission(trade, market)),
        "product_id": dashed_symbol(market),
        "sequence_timestamp": iso(trade.time),
        "liquidity_indicator": "MAKER" if trade.is_maker else "TAKER",
        "size_in_quote": False,
        "user_id": "paper",
        "side": trade.side.upper(),
        "retail_portfolio_id": "",
    }


def currency_account(account: Account, currency: str) -> Json:
    """Return an account's balance of one currency: the free part, and the part that open orders lock."""
    held = account.balances[currency]
    return {
        "uuid": str(uuid.uuid5(uuid.UUID(int=_IDS), f"{account.key} {currency}")),
        "name": f"{currency} Wallet",
        "currency": currency,
        "available_balance": {"value": text(held.free), "currency": currency},
        "hold": {"value": text(held.locked), "currency": currency},
        "default": True,
        "active": True,
        "ready": True,
        "type": "ACCOUNT_TYPE_CRYPTO",
    }


def key_permissions(account: Account) -> Json:
    return {
        "can_view": True,
        "can_trade": account.may_trade,
        "can_transfer": account.may_withdraw,
        "portfolio_uuid": str(uuid.uuid5(uuid.UUID(int=_IDS), account.key)),
        "portfolio_type": "DEFAULT",
    }


def fee_tier(maker: Decimal, taker: Decimal) -> Json:
    tier = {"pricing_tier": "Paper", "maker_fee_rate": text(maker), "taker_fee_rate": text(taker)}
    return {"total_volume": 0, "total_fees": 0, "fee_tier": tier}
