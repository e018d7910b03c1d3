"""The reading of kraken's request parameters, and the check of orders against the pair as kraken does it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from execution.core.types import ZERO, Side
from execution.paper.exchange import Exchange, SymbolMarket
from execution.paper.kraken import refusals
from execution.paper.kraken.dialect import DRAWN, PREVENTIONS, decimals, price_text
from execution.paper.kraken.names import pair_named
from execution.paper.records import Draft
from execution.paper.symbols import PRICE_BAND_DOWN, PRICE_BAND_UP

Parameters = Mapping[str, str]

_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_WHOLE = re.compile(r"[0-9]{1,20}")
#: The allowed client ids: a UUID, 32 hexadecimal digits, or up to 18 characters of text (documented).
_CLIENT_ID = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[!-}]{1,18}", re.ASCII
)
_FLAGS = frozenset({"post", "fciq", "fcib", "nompp", "viqc"})
#: How far ahead a deadline may lie over REST, in seconds (documented).
DEADLINE_FROM, DEADLINE_TO = 2, 60


def whole(parameters: Parameters, name: str) -> int | None:
    """Return an integer parameter, or None if it was not sent. Raise Refusal if it is no integer."""
    value = parameters.get(name, "")
    if not value:
        return None
    if not _WHOLE.fullmatch(value):
        raise refusals.wrong(name)
    return int(value)


def seconds(parameters: Parameters, name: str) -> float | None:
    """Return a time that was sent in seconds as milliseconds, or None if it was not sent. Raise Refusal if it is no
    number.
    """
    value = parameters.get(name, "")
    if not value:
        return None
    if not _AMOUNT.fullmatch(value):
        raise refusals.wrong(name)
    return float(value) * 1000


def is_true(parameters: Parameters, name: str) -> bool:
    return parameters.get(name, "").lower() in ("true", "1")


def pair(parameters: Parameters, exchange: Exchange) -> SymbolMarket:
    """Return the symbol of ``pair``. Raise Refusal for one that is not listed."""
    name = parameters.get("pair", "")
    if not name:
        raise refusals.wrong("pair")
    found = pair_named(name, exchange)
    if found is None:
        raise refusals.unknown_pair()
    return found


def pairs(parameters: Parameters, exchange: Exchange) -> list[SymbolMarket]:
    """Return the symbols that ``pair`` lists, or all symbols if ``pair`` is missing."""
    if not parameters.get("pair"):
        return exchange.listed
    return [pair({"pair": name}, exchange) for name in parameters["pair"].split(",")]


def check_deadline(parameters: Parameters, now: int) -> None:
    """Check that ``deadline`` (RFC 3339), if sent, is two to sixty seconds ahead. Raise Refusal if not."""
    value = parameters.get("deadline", "")
    if not value:
        return
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise refusals.wrong("deadline") from None
    if moment.tzinfo is None:
        raise refusals.wrong("deadline")
    ahead = moment.timestamp() - now / 1000
    if ahead < 0:
        raise refusals.deadline_elapsed()
    if not DEADLINE_FROM <= ahead <= DEADLINE_TO:
        raise refusals.wrong("deadline")


def draft(parameters: Parameters, symbol: SymbolMarket) -> Draft:
    """Check the parameters of a new order and return it as a draft. Raise Refusal in kraken's words."""
    if parameters.get("type") not in ("buy", "sell"):
        raise refusals.wrong("type")
    side, given = Side(parameters["type"]), set(filter(None, parameters.get("oflags", "").split(",")))
    if given - _FLAGS or {"fciq", "fcib"} <= given:
        raise refusals.wrong("oflags")
    kind, life = _kind(parameters, given)
    prevention = parameters.get("stptype") or "cancel-newest"
    if prevention not in PREVENTIONS:
        raise refusals.wrong("stptype")
    price = None if kind == "MARKET" else _amount(parameters, "price")
    size, in_quote = _amount(parameters, "volume"), "viqc" in given
    if in_quote and kind != "MARKET":
        raise refusals.wrong("viqc")
    checked = Draft(
        symbol=symbol.name,
        client_id=_client_id(parameters),
        side=side,
        type=kind,
        time_in_force=life,
        price=price,
        quantity=ZERO if in_quote else size,
        quote_quantity=size if in_quote else ZERO,
        prevention=PREVENTIONS[prevention],
        # By default what is charged is quote for buys and base for sells (documented): what is paid.
        fee_on_top=("fcib" if side is Side.BUY else "fciq") not in given,
    )
    _check(checked, symbol)
    return checked


def _kind(parameters: Parameters, given: set[str]) -> tuple[str, str]:
    life = (parameters.get("timeinforce") or "GTC").upper()
    if life not in ("GTC", "IOC", "FOK"):
        raise refusals.wrong("timeinforce")
    named = parameters.get("ordertype")
    if named == "market":
        return "MARKET", "GTC"
    if named != "limit":
        raise refusals.wrong("ordertype")
    if "post" not in given:
        return "LIMIT", life
    if life != "GTC":
        raise refusals.wrong("oflags")
    return "LIMIT_MAKER", "GTC"


def _client_id(parameters: Parameters) -> str:
    """Return the client's id, or a random one if none was sent.

    Raise Refusal for a malformed id, or, as kraken documents, for an id together with ``userref``.
    """
    value = parameters.get("cl_ord_id", "")
    if not value:
        return DRAWN + secrets.token_hex(12)
    if not _CLIENT_ID.fullmatch(value) or parameters.get("userref"):
        raise refusals.wrong("cl_ord_id")
    return value


def _amount(parameters: Parameters, name: str) -> Decimal:
    value = parameters.get(name, "")
    if not _AMOUNT.fullmatch(value) or not Decimal(value):
        raise refusals.wrong(name)
    return Decimal(value)


def _check(order: Draft, symbol: SymbolMarket) -> None:
    """Check decimals, tick, price band, least quantity and least value. Raise Refusal in kraken's words.

    The price band is Binance's, because kraken documents none.
    """
    market, average = symbol.market, symbol.average_price
    if order.price is not None:
        if order.price != Decimal(price_text(order.price, market)):
            allowed = decimals(market.tick)
            raise refusals.said(
                f"EOrder:Invalid price:{market.symbol} price can only be specified up to {allowed} decimals."
            )
        if order.price % market.tick:
            raise refusals.said("EOrder:Tick size check failed")
        if not average * PRICE_BAND_DOWN <= order.price <= average * PRICE_BAND_UP:
            raise refusals.wrong("price")
    worth = order.quote_quantity
    if not worth:
        if order.quantity % market.lot:
            raise refusals.wrong("volume")
        if order.quantity < market.min_quantity:
            raise refusals.said("EOrder:Order minimum not met")
        worth = order.quantity * (order.price or average)
    if worth < market.min_notional:
        raise refusals.said("EOrder:Cost minimum not met")
