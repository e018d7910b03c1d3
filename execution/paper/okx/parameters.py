"""The reading of okx's request parameters, and the check of orders against the instrument as okx does it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from decimal import Decimal

from execution.core.types import ZERO, Side
from execution.paper.exchange import Exchange, SymbolMarket
from execution.paper.okx import refusals
from execution.paper.okx.dialect import ORDER_TYPES, PREVENTIONS
from execution.paper.records import Draft
from execution.paper.refusals import Refusal
from execution.paper.symbols import PRICE_BAND_DOWN, PRICE_BAND_UP

_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_WHOLE = re.compile(r"[0-9]{1,20}")
MAX_ROWS = 100


def whole(parameters: Mapping[str, str], name: str) -> int | None:
    """Return an integer parameter, or None if it was not sent. Raise Refusal if it is no integer."""
    value = parameters.get(name, "")
    if not value:
        return None
    if not _WHOLE.fullmatch(value):
        raise refusals.wrong(name)
    return int(value)


def limit(parameters: Mapping[str, str], default: int, largest: int, name: str = "limit") -> int:
    """Return the requested number of rows, at most ``largest``. Raise Refusal for zero."""
    value = whole(parameters, name)
    if value == 0:
        raise refusals.wrong(name)
    return min(value or default, largest)


def instrument(parameters: Mapping[str, str], exchange: Exchange) -> SymbolMarket:
    """Return the symbol that ``instId`` names. Raise Refusal for one that is not listed."""
    name = parameters.get("instId", "")
    if not name:
        raise refusals.empty("instId")
    return exchange.dashed(name)


def draft(entry: Mapping[str, str], symbol: SymbolMarket) -> Draft:
    """Check the fields of a new order and return it as a draft. Raise Refusal with okx's code and text."""
    if entry.get("tdMode") != "cash":
        raise refusals.wrong("tdMode")
    client_id = entry.get("clOrdId", "") or secrets.token_hex(12)
    if not _CLIENT_ID.fullmatch(client_id):
        raise refusals.wrong("clOrdId")
    named = entry.get("ordType", "")
    if named not in ORDER_TYPES:
        raise refusals.wrong("ordType")
    if entry.get("side") not in ("buy", "sell"):
        raise refusals.wrong("side")
    prevention = entry.get("stpMode") or "cancel_maker"
    if prevention not in PREVENTIONS or (prevention == "cancel_both" and named == "fok"):
        raise refusals.wrong("stpMode")
    side = Side(entry["side"])
    kind, life = ORDER_TYPES[named]
    price = None if kind == "MARKET" else _amount(entry, "px")
    size = _amount(entry, "sz")
    in_quote = kind == "MARKET" and _is_in_quote(entry, side)
    checked = Draft(
        symbol=symbol.name,
        client_id=client_id,
        side=side,
        type=kind,
        time_in_force=life,
        price=price,
        quantity=ZERO if in_quote else size,
        quote_quantity=size if in_quote else ZERO,
        prevention=PREVENTIONS[prevention],
        refuses_taking=False,
    )
    _check(checked, symbol)
    return checked


def _is_in_quote(entry: Mapping[str, str], side: Side) -> bool:
    """Return whether a market order's size is in quote, as ``tgtCcy`` says.

    Without ``tgtCcy``, a buy's size is in quote and a sell's in base.
    """
    target = entry.get("tgtCcy") or ("quote_ccy" if side is Side.BUY else "base_ccy")
    if target not in ("base_ccy", "quote_ccy"):
        raise refusals.wrong("tgtCcy")
    return target == "quote_ccy"


def _amount(entry: Mapping[str, str], name: str) -> Decimal:
    value = entry.get(name, "")
    if not value:
        raise refusals.empty(name)
    if not _AMOUNT.fullmatch(value) or not Decimal(value):
        raise refusals.wrong(name)
    return Decimal(value)


def _check(order: Draft, symbol: SymbolMarket) -> None:
    """Check tick, price limit, lot, smallest and largest size. Okx has no smallest value in quote."""
    market, average = symbol.market, symbol.average_price
    if order.price is not None:
        if order.price % market.tick:
            raise refusals.wrong("px")
        highest, lowest = average * PRICE_BAND_UP, average * PRICE_BAND_DOWN
        is_wild = order.price > highest if order.side is Side.BUY else order.price < lowest
        if is_wild:
            raise Refusal(
                51006,
                f"Order price is not within the price limit (max buy price: {highest:f},"
                f" min sell price: {lowest:f})",
                status=200,
            )
    if not order.quantity:
        return
    if order.quantity % market.lot:
        raise Refusal(51121, "Order quantity must be a multiple of the lot size.", status=200)
    if order.quantity < market.min_quantity:
        raise Refusal(51020, "Your order should meet or exceed the minimum order amount.", status=200)
    worth = order.quantity * (order.price or average)
    is_too_much = market.max_quantity is not None and order.quantity > market.max_quantity
    if is_too_much or (market.max_notional is not None and worth > market.max_notional):
        raise Refusal(51005, "Your order amount exceeds the max order amount.", status=200)
