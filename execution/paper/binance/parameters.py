"""The reading of request parameters, and the check of orders against the symbol's filters as Binance does it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

from execution.core.market_model.matching import SelfTradePrevention
from execution.core.types import ZERO, Side
from execution.paper.binance.dialect import DEFAULT_PREVENTION, LARGEST_NOTIONAL
from execution.paper.exchange import SymbolMarket
from execution.paper.records import Draft
from execution.paper.refusals import Refusal, filter_failure, missing
from execution.paper.symbols import PRICE_BAND_DOWN, PRICE_BAND_UP

Parameters = Mapping[str, str]
Choice = TypeVar("Choice")

_AMOUNT = re.compile(r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
_CLIENT_ID = re.compile(r"^[a-zA-Z0-9\-_.:/]{1,36}$")
_LARGEST_PRICE = Decimal(1_000_000)


def whole(parameters: Parameters, name: str) -> int | None:
    """Return an integer parameter, or None if it was not sent. Raise Refusal if it is no integer."""
    value = parameters.get(name, "")
    if not value:
        return None
    if not re.fullmatch(r"[0-9]{1,20}", value):
        raise Refusal(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
        )
    return int(value)


def limit(parameters: Parameters, default: int, largest: int) -> int:
    """Return ``limit``, at most ``largest``. Raise Refusal for zero."""
    value = whole(parameters, "limit")
    if value == 0:
        raise Refusal(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(value or default, largest)


def amount(parameters: Parameters, name: str) -> Decimal | None:
    """Return a decimal parameter, or None if it was not sent. Raise Refusal if it is not written as a decimal."""
    value = parameters.get(name, "")
    if not value:
        return None
    if not _AMOUNT.match(value):
        legal = _AMOUNT.pattern
        raise Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")
    if len(value.partition(".")[2].rstrip("0")) > 8:
        raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
    return Decimal(value)


def client_id(parameters: Parameters, name: str) -> str:
    """Return the client id in ``name``. If none was sent, return a random one, as Binance does."""
    value = parameters.get(name, "")
    if not value:
        return secrets.token_urlsafe(16)
    if not _CLIENT_ID.match(value):
        legal = _CLIENT_ID.pattern
        raise Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")
    return value


def draft(parameters: Parameters, symbol: SymbolMarket) -> Draft:
    """Check the parameters of a new order and return them. Raise Refusal with Binance's code and text."""
    side = _choice(parameters, "side", {"BUY": Side.BUY, "SELL": Side.SELL}, -1117, "Invalid side.")
    kinds = {name: name for name in ("LIMIT", "LIMIT_MAKER", "MARKET")}
    kind = _choice(parameters, "type", kinds, -1116, "Invalid orderType.")
    lives = {name: name for name in ("GTC", "IOC", "FOK")}
    life = "GTC"
    if kind == "LIMIT":
        life = _choice(parameters, "timeInForce", lives, -1115, "Invalid timeInForce.")
    elif parameters.get("timeInForce"):
        raise Refusal(-1106, "Parameter 'timeInForce' sent when not required.")
    modes = {str(mode): mode for mode in SelfTradePrevention}
    asked = {"mode": parameters.get("selfTradePreventionMode") or DEFAULT_PREVENTION}
    price, quantity, quote_quantity = _amounts(parameters, kind)
    checked = Draft(
        symbol=symbol.name,
        client_id=client_id(parameters, "newClientOrderId"),
        side=side,
        type=kind,
        time_in_force=life,
        price=price,
        quantity=quantity,
        quote_quantity=quote_quantity,
        prevention=_choice(asked, "mode", modes, -1177, "Invalid selfTradePreventionMode."),
    )
    _check_filters(checked, symbol)
    return checked


def _choice(parameters: Parameters, name: str, choices: Mapping[str, Choice], code: int, text: str) -> Choice:
    value = parameters.get(name, "")
    if not value:
        raise missing(name)
    if value not in choices:
        raise Refusal(code, text)
    return choices[value]


def _amounts(parameters: Parameters, kind: str) -> tuple[Decimal | None, Decimal, Decimal]:
    price = amount(parameters, "price")
    quantity = amount(parameters, "quantity")
    quote_quantity = amount(parameters, "quoteOrderQty")
    if kind == "MARKET":
        if price is not None:
            raise Refusal(-1106, "Parameter 'price' sent when not required.")
        if quantity is None and quote_quantity is None:
            raise missing("quantity")
        if quantity is not None and quote_quantity is not None:
            raise Refusal(-1128, "Combination of optional parameters invalid.")
        return None, quantity or ZERO, quote_quantity or ZERO
    if price is None:
        raise missing("price")
    if quantity is None:
        raise missing("quantity")
    return price, quantity, ZERO


def _check_filters(order: Draft, symbol: SymbolMarket) -> None:
    """Check PRICE_FILTER, PERCENT_PRICE_BY_SIDE, LOT_SIZE, MARKET_LOT_SIZE and NOTIONAL, in Binance's order."""
    market, average = symbol.market, symbol.average_price
    if order.price is not None:
        if not ZERO < order.price <= _LARGEST_PRICE or order.price % market.tick:
            raise filter_failure("PRICE_FILTER")
        if not average * PRICE_BAND_DOWN <= order.price <= average * PRICE_BAND_UP:
            raise filter_failure("PERCENT_PRICE_BY_SIDE")
    notional = order.quote_quantity
    if not notional:
        most = market.max_quantity or Decimal("Infinity")
        if order.quantity < market.min_quantity or order.quantity % market.lot:
            raise filter_failure("LOT_SIZE")
        if order.quantity > most:
            raise filter_failure("LOT_SIZE" if order.price else "MARKET_LOT_SIZE")
        notional = order.quantity * (order.price or average)
    largest = market.max_notional or LARGEST_NOTIONAL
    if notional < market.min_notional or (order.price is not None and notional > largest):
        raise filter_failure("NOTIONAL")
