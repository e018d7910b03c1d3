"""The reading of coinbase's request parameters, and the check of orders against the product as coinbase does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from execution.core.market_model.matching import SelfTradePrevention
from execution.core.types import ZERO, Side
from execution.paper.coinbase import refusals
from execution.paper.exchange import Exchange, SymbolMarket
from execution.paper.records import Draft
from execution.paper.refusals import Refusal
from execution.paper.symbols import PRICE_BAND_DOWN, PRICE_BAND_UP

_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_WHOLE = re.compile(r"[0-9]{1,20}")
#: Our type and time in force of an order, by the name of its configuration in the request.
CONFIGURATIONS = {
    "limit_limit_gtc": ("LIMIT", "GTC"),
    "limit_limit_gtd": ("LIMIT", "GTC"),
    "limit_limit_fok": ("LIMIT", "FOK"),
    "sor_limit_ioc": ("LIMIT", "IOC"),
    "market_market_ioc": ("MARKET", "GTC"),
}


def whole(parameters: Mapping[str, str], name: str) -> int | None:
    """Return an integer parameter, or None if it was not sent. Raise Refusal if it is no integer."""
    value = parameters.get(name, "")
    if not value:
        return None
    if not _WHOLE.fullmatch(value):
        raise refusals.invalid_argument(f"{name} is not a whole number")
    return int(value)


def limit(parameters: Mapping[str, str], default: int, largest: int) -> int:
    """Return the requested number of rows, at most ``largest``."""
    return min(whole(parameters, "limit") or default, largest)


def moment(parameters: Mapping[str, str], name: str) -> int | None:
    """Return a time in ISO 8601 as milliseconds, or None if it was not sent. Raise Refusal for any other text."""
    value = parameters.get(name, "")
    return _milliseconds(value, name) if value else None


def _milliseconds(value: Any, name: str) -> int:
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        raise refusals.invalid_argument(f"{name} is not a time") from None
    if read.tzinfo is None:
        raise refusals.invalid_argument(f"{name} has no time zone")
    return round(read.timestamp() * 1000)


def product(exchange: Exchange, name: str | None) -> SymbolMarket:
    """Return the symbol that a product id names. Raise Refusal, with status 404, if it is not listed."""
    try:
        return exchange.dashed(name)
    except Refusal:
        raise refusals.product_unknown() from None


def listed(parameters: Mapping[str, str], *names: str) -> list[str]:
    """Return all values of a parameter that has several ``names``. Each name may hold several, separated by commas."""
    return [value for name in names for value in parameters.get(name, "").split(",") if value]


def client_id(body: Mapping[str, Any]) -> str:
    value = body.get("client_order_id")
    if not isinstance(value, str) or not _CLIENT_ID.fullmatch(value):
        raise refusals.invalid_argument("client_order_id is missing or wrong")
    return value


def draft(body: Mapping[str, Any], exchange: Exchange) -> Draft:
    """Check the body of a new order and return it as a draft. Raise Refusal in coinbase's words."""
    symbol = exchange.dashed(str(body.get("product_id")))
    side = {"BUY": Side.BUY, "SELL": Side.SELL}.get(str(body.get("side")))
    if side is None:
        raise refusals.CoinbaseRefusal("INVALID_SIDE", "Invalid side")
    named = body.get("order_configuration")
    if not isinstance(named, dict) or len(named) != 1:
        raise refusals.invalid_argument("order_configuration is missing or wrong")
    ((configuration, fields),) = named.items()
    if configuration not in CONFIGURATIONS or not isinstance(fields, dict):
        raise refusals.unsupported(f"{configuration} is not supported")
    if "quote_size" in fields:
        raise refusals.unsupported("orders are sized in base here")
    kind, life = CONFIGURATIONS[configuration]
    ends = fields.get("end_time") if configuration == "limit_limit_gtd" else None
    if configuration == "limit_limit_gtd" and ends is None:
        raise refusals.invalid_argument("end_time is missing")
    checked = Draft(
        symbol=symbol.name,
        client_id=client_id(body),
        side=side,
        type="LIMIT_MAKER" if fields.get("post_only") is True and life == "GTC" else kind,
        time_in_force=life,
        price=None if kind == "MARKET" else _amount(fields, "limit_price"),
        quantity=_amount(fields, "base_size"),
        quote_quantity=ZERO,
        # Nobody says what coinbase does; the incoming order goes, as on Coinbase Exchange.
        prevention=SelfTradePrevention.EXPIRE_TAKER,
        fee_on_top=side is Side.BUY,  # in quote on both sides
        expires=0 if ends is None else _milliseconds(ends, "end_time"),
    )
    _check(checked, symbol)
    return checked


def _amount(fields: Mapping[str, Any], name: str) -> Decimal:
    value = str(fields.get(name, ""))
    if not _AMOUNT.fullmatch(value) or not Decimal(value):
        raise refusals.invalid_argument(f"{name} is not a positive number")
    return Decimal(value)


def _check(order: Draft, symbol: SymbolMarket) -> None:
    """Check the tick, the price band, the lot, and the smallest and largest size in base and in quote."""
    market, average = symbol.market, symbol.average_price
    if order.price is not None:
        if order.price % market.tick:
            raise refusals.CoinbaseRefusal("INVALID_PRICE_PRECISION", "Too many decimals in order price")
        is_wild = not average * PRICE_BAND_DOWN <= order.price <= average * PRICE_BAND_UP
        if is_wild:
            raise refusals.CoinbaseRefusal("INVALID_LIMIT_PRICE", "Invalid limit price")
    if order.quantity % market.lot:
        raise refusals.CoinbaseRefusal("INVALID_SIZE_PRECISION", "Too many decimals in order amount")
    worth = order.quantity * (order.price or average)
    if order.quantity < market.min_quantity:
        raise refusals.size_out_of_bounds("BASE_SIZE_TOO_SMALL")
    if worth < market.min_notional:
        raise refusals.size_out_of_bounds("QUOTE_SIZE_TOO_SMALL")
    if market.max_quantity is not None and order.quantity > market.max_quantity:
        raise refusals.size_out_of_bounds("BASE_SIZE_TOO_LARGE")
    if market.max_notional is not None and worth > market.max_notional:
        raise refusals.size_out_of_bounds("QUOTE_SIZE_TOO_LARGE")
