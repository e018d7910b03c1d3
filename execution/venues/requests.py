"""What is sent: exact digits, parameters by exchange, and what we refuse to send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ccxt.base import errors as ccxt_errors

from execution.core.types import (
    ChildRequest,
    KeyPermissions,
    Market,
    OrderRef,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
)
from execution.venues import convert
from execution.venues.client import exact_digits
from execution.venues.quirks import Limits, Quirks

DEFAULT_WINDOW = 2.0


def limits_of(client: Any) -> Limits:
    """A limit from ccxt's ``rateLimit`` (milliseconds a call), a fifth of it kept for cancels."""
    budget = max(5.0, DEFAULT_WINDOW * 1000 / float(client.rateLimit))
    return Limits(budget=budget, window=DEFAULT_WINDOW, reserve=max(1.0, budget / 5))


def digits(number: Decimal) -> str:
    return str(exact_digits(number))


def refusal(request: ChildRequest, *, market: Market | None) -> Rejected | None:
    """Why this request cannot be sent as it is, with the value and the limit; None when it can."""
    if market is None:
        return Rejected(kind="BadSymbol", message=f"{request.symbol} is not listed")
    if problem := _off_step("quantity", request.quantity, "lot", market.lot):
        return Rejected(kind="InvalidOrder", message=problem)
    if (request.type is OrderType.LIMIT) != (request.price is not None):
        return Rejected(kind="InvalidOrder", message=f"a {request.type} order with price {request.price}")
    if request.price is not None and (problem := _off_step("price", request.price, "tick", market.tick)):
        return Rejected(kind="InvalidOrder", message=problem)
    return None


def create_params(request: ChildRequest, *, valid_for: timedelta, quirks: Quirks) -> dict[str, Any]:
    """ccxt's parameters of a create; validity in whole milliseconds, rounded down but at least one."""
    params: dict[str, Any] = {"clientOrderId": request.client_id, **quirks.create_params}
    if quirks.validity_param is not None:
        params[quirks.validity_param] = max(1, valid_for // timedelta(milliseconds=1))
    if request.time_in_force is TimeInForce.IOC and request.type is OrderType.LIMIT:
        params["timeInForce"] = "IOC"
    if request.time_in_force is TimeInForce.POST_ONLY:
        params["postOnly"] = True
    return params


def refuse_quote_sized(client: Any, request: ChildRequest) -> None:
    """``NotSupported`` where a market buy is sized in quote: our quantity would be read as money."""
    is_market_buy = request.type is OrderType.MARKET and request.side is Side.BUY
    own = client.options.get("createMarketBuyOrderRequiresPrice")
    nested = (client.options.get("createOrder") or {}).get("createMarketBuyOrderRequiresPrice")
    if is_market_buy and (own or nested):
        raise ccxt_errors.NotSupported(f"{client.id} sizes market buys in quote currency")


def address(ref: OrderRef) -> tuple[str | None, str, dict[str, str]]:
    """The arguments by which ccxt finds an order: the exchange's id if known, else ours."""
    if ref.exchange_id is not None:
        return ref.exchange_id, ref.symbol, {}
    return None, ref.symbol, {"clientOrderId": ref.client_id}


def key_permissions(answer: Any) -> KeyPermissions:
    """binance's apiRestrictions."""
    if not isinstance(answer, Mapping) or "enableReading" not in answer:
        raise convert.AnswerError("an answer without permissions")

    def said(name: str) -> bool | None:
        value = answer.get(name)
        return value if isinstance(value, bool) else None

    return KeyPermissions(
        read=said("enableReading"),
        trade=said("enableSpotAndMarginTrading"),
        withdraw=said("enableWithdrawals"),
    )


def commission_rates(answer: Any) -> tuple[Decimal | None, Decimal | None] | None:
    """binance's (maker, taker) of the account, as fractions; None where the answer has none."""
    rates = (answer.get("info") or {}).get("commissionRates")
    if not isinstance(rates, Mapping):
        return None
    maker, taker = (convert.decimal_or_none(rates.get(name)) for name in ("maker", "taker"))
    return None if maker is None or taker is None else (maker, taker)


def spot_markets(client: Any, fees: tuple[Decimal | None, Decimal | None] | None = None) -> dict[str, Market]:
    """All spot markets whose limits can be read. One that cannot is not traded, and asking for it fails."""
    markets: dict[str, Market] = {}
    for symbol, market in client.markets.items():
        if not market.get("spot"):
            continue
        try:
            markets[symbol] = convert.market_limits(market, precision_mode=client.precisionMode, fees=fees)
        except convert.AnswerError:
            continue
    return markets


def _off_step(what: str, value: Decimal, step_name: str, step: Decimal) -> str | None:
    if not value.is_finite() or value <= 0:
        return f"{what} {value} is not a positive number"
    if value % step != 0:
        return f"{what} {value} is not a multiple of the {step_name} {step}"
    return None
