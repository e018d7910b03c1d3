"""What is sent: exact digits, parameters by exchange, and what we refuse to send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ccxt.base import errors as ccxt_errors

from execution.core.types import (
    ChildRequest,
    Market,
    OrderRef,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
)
from execution.venues import convert
from execution.venues.client import exact_digits
from execution.venues.quirks import ExchangeSpec, Limits

DEFAULT_WINDOW = 2.0


def limits_of(client: Any) -> Limits:
    """A limit from ccxt's ``rateLimit`` (milliseconds a call), a fifth of it kept for cancels."""
    budget = max(5.0, DEFAULT_WINDOW * 1000 / float(client.rateLimit))
    return Limits(budget=budget, window=DEFAULT_WINDOW, reserve=max(1.0, budget / 5))


def digits(number: Decimal) -> str:
    return str(exact_digits(number))


def refusal(request: ChildRequest, *, market: Market | None, quirks: ExchangeSpec) -> Rejected | None:
    """Why this request cannot be sent as it is, with the value and the limit; None when it can."""
    if market is None:
        return Rejected(kind="BadSymbol", message=f"{request.symbol} is not listed")
    if not (rule := quirks.client_id_rule).fullmatch(request.client_id):
        message = f"the exchange takes no client id {request.client_id!r}, only {rule.pattern}"
        return Rejected(kind="InvalidOrder", message=message)
    if problem := _off_step("quantity", request.quantity, "lot", market.lot):
        return Rejected(kind="InvalidOrder", message=problem)
    if (request.type is OrderType.LIMIT) != (request.price is not None):
        return Rejected(kind="InvalidOrder", message=f"a {request.type} order with price {request.price}")
    if request.price is not None and (problem := _off_step("price", request.price, "tick", market.tick)):
        return Rejected(kind="InvalidOrder", message=problem)
    return None


def create_params(request: ChildRequest, *, valid_for: timedelta, quirks: ExchangeSpec) -> dict[str, Any]:
    """ccxt's parameters of a create; validity in whole milliseconds, rounded down but at least one."""
    params: dict[str, Any] = {quirks.client_id_param or "clientOrderId": request.client_id}
    params |= quirks.create_params
    if quirks.validity_param is not None:
        params[quirks.validity_param] = whole_milliseconds(valid_for)
    if request.time_in_force is TimeInForce.IOC and request.type is OrderType.LIMIT:
        params |= quirks.ioc_params
    if request.time_in_force is TimeInForce.POST_ONLY:
        params["postOnly"] = True
    return params


def whole_milliseconds(valid_for: timedelta) -> int:
    return max(1, valid_for // timedelta(milliseconds=1))


def refuse_quote_sized(client: Any, request: ChildRequest, quirks: ExchangeSpec) -> None:
    """``NotSupported`` where a market buy is sized in quote: our quantity would be read as money."""
    if request.type is not OrderType.MARKET or request.side is not Side.BUY:
        return
    if (quirks.market_buys or _declared_market_buys(client)) == "quote":
        raise ccxt_errors.NotSupported(f"{client.id} sizes market buys in quote currency")


def _declared_market_buys(client: Any) -> str:
    own = client.options.get("createMarketBuyOrderRequiresPrice")
    nested = (client.options.get("createOrder") or {}).get("createMarketBuyOrderRequiresPrice")
    declared = ((client.features or {}).get("spot") or {}).get("createOrder") or {}
    return "quote" if own or nested or declared.get("marketBuyRequiresPrice") else "base"


def cancel_address(ref: OrderRef, quirks: ExchangeSpec) -> tuple[str | None, str, dict[str, str]] | None:
    """The arguments by which ccxt cancels an order: the exchange's id if known, else ours; None where the
    exchange does not know ours."""
    if ref.exchange_id is not None:
        return ref.exchange_id, ref.symbol, {}
    if quirks.client_id_as_id:
        return quirks.client_id_prefix + ref.client_id, ref.symbol, {}
    named = quirks.cancel_param or ("clientOrderId" if quirks.by_client_id else None)
    return None if named is None else (None, ref.symbol, {named: ref.client_id})


#: Without these nothing that became of an order could be learnt.
NEEDED = ("createOrder", "cancelOrder", "fetchOpenOrders", "fetchMyTrades", "fetchBalance", "fetchOrderBook")


def refuse_unfit(client: Any, quirks: ExchangeSpec) -> None:
    """``ValueError`` for an exchange on which an order could be lost from sight, with what it lacks."""
    lacks = [name for name in NEEDED if not client.has.get(name)]
    if not any(client.has.get(name) for name in ("fetchOrders", "fetchClosedOrders")):
        lacks.append("fetchOrders or fetchClosedOrders")
    if lacks:
        raise ValueError(f"{client.id} cannot be traded: ccxt declares no {', '.join(lacks)}")
    if quirks.client_id_param is None:
        raise ValueError(
            f"{client.id} cannot be traded: no way is known to look an order up by our client id, "
            "so that nothing would prove the absence of one whose answer was lost"
        )


def commission_rates(answer: Any) -> tuple[Decimal | None, Decimal | None] | None:
    """binance's (maker, taker) of the account, as fractions; None where the answer has none."""
    rates = (answer.get("info") or {}).get("commissionRates")
    if not isinstance(rates, Mapping):
        return None
    maker, taker = (convert.decimal_or_none(rates.get(name)) for name in ("maker", "taker"))
    return None if maker is None or taker is None else (maker, taker)


def negated_rates(answer: Any) -> tuple[Decimal | None, Decimal | None] | None:
    """okx's (maker, taker) of the account, as fractions that are charged; None where the answer has none."""
    listed = answer.get("data")
    first = listed[0] if isinstance(listed, list) and listed else {}
    maker, taker = (convert.decimal_or_none(first.get(name)) for name in ("maker", "taker"))
    return None if maker is None or taker is None else (-maker, -taker)


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
