"""The parameters of requests to an exchange, with exact digits, and the checks before sending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from execution.venues import values
from execution.venues.client import exact_digits
from execution.venues.market_limits import Fees, is_closed, market_limits
from execution.venues.spec import ExchangeSpec, Limits

DEFAULT_WINDOW = 2.0


def limits_of(client: Any) -> Limits:
    """Return a rate limit made from ccxt's ``rateLimit`` (milliseconds per call), with a fifth of it for cancels
    only.
    """
    budget = max(5.0, DEFAULT_WINDOW * 1000 / float(client.rateLimit))
    return Limits(budget=budget, window=DEFAULT_WINDOW, reserve=max(1.0, budget / 5))


def digits(number: Decimal) -> str:
    return str(exact_digits(number))


def refusal(request: ChildRequest, *, market: Market | None, spec: ExchangeSpec) -> Rejected | None:
    """Return the reason why this request cannot be sent, with the value and the limit; None if it can be sent."""
    if market is None:
        return Rejected(kind="BadSymbol", message=f"{request.symbol} is not listed")
    if not (rule := spec.client_id_rule).fullmatch(request.client_id):
        message = f"the exchange takes no client id {request.client_id!r}, only {rule.pattern}"
        return Rejected(kind="InvalidOrder", message=message)
    if problem := _off_step("quantity", request.quantity, "lot", market.lot):
        return Rejected(kind="InvalidOrder", message=problem)
    if (request.type is OrderType.LIMIT) != (request.price is not None):
        return Rejected(kind="InvalidOrder", message=f"a {request.type} order with price {request.price}")
    if request.price is not None and (problem := _off_step("price", request.price, "tick", market.tick)):
        return Rejected(kind="InvalidOrder", message=problem)
    return None


def create_params(request: ChildRequest, *, valid_for: timedelta, spec: ExchangeSpec) -> dict[str, Any]:
    """Return ccxt's parameters for a create.

    The validity is written in whole milliseconds, rounded down but at least 1.
    """
    params: dict[str, Any] = {spec.client_id_param or "clientOrderId": request.client_id}
    params |= spec.create_params
    if spec.validity_param is not None:
        params[spec.validity_param] = whole_milliseconds(valid_for)
    if request.time_in_force is TimeInForce.IOC and request.type is OrderType.LIMIT:
        params |= spec.ioc_params
    if request.time_in_force is TimeInForce.POST_ONLY:
        params["postOnly"] = True
    return params


def whole_milliseconds(valid_for: timedelta) -> int:
    return max(1, valid_for // timedelta(milliseconds=1))


def refuse_quote_sized(client: Any, request: ChildRequest, spec: ExchangeSpec) -> None:
    """Raise ``NotSupported`` for a market buy if the exchange would read its quantity as an amount of money."""
    if request.type is not OrderType.MARKET or request.side is not Side.BUY:
        return
    if (spec.market_buys or _declared_market_buys(client)) == "quote":
        raise ccxt_errors.NotSupported(f"{client.id} sizes market buys in quote currency")


def _declared_market_buys(client: Any) -> str:
    own = client.options.get("createMarketBuyOrderRequiresPrice")
    nested = (client.options.get("createOrder") or {}).get("createMarketBuyOrderRequiresPrice")
    declared = ((client.features or {}).get("spot") or {}).get("createOrder") or {}
    return "quote" if own or nested or declared.get("marketBuyRequiresPrice") else "base"


def cancel_address(ref: OrderRef, spec: ExchangeSpec) -> tuple[str | None, str, dict[str, str]] | None:
    """Return ccxt's arguments for a cancel: with the exchange's id if known, else with the client id.

    None if the exchange's id is unknown and the exchange does not cancel by client id.
    """
    if ref.exchange_id is not None:
        return ref.exchange_id, ref.symbol, {}
    if spec.client_id_as_id:
        return spec.client_id_prefix + ref.client_id, ref.symbol, {}
    named = spec.cancel_param or ("clientOrderId" if spec.by_client_id else None)
    return None if named is None else (None, ref.symbol, {named: ref.client_id})


#: ccxt's methods without which the desk could not learn the outcome of an order.
NEEDED = ("createOrder", "cancelOrder", "fetchOpenOrders", "fetchMyTrades", "fetchBalance", "fetchOrderBook")


def refuse_unfit(client: Any, spec: ExchangeSpec) -> None:
    """Raise ``ValueError`` for an exchange where the desk could lose track of an order.

    The message names every feature that the exchange lacks.
    """
    lacks = [name for name in NEEDED if not client.has.get(name)]
    if not any(client.has.get(name) for name in ("fetchOrders", "fetchClosedOrders")):
        lacks.append("fetchOrders or fetchClosedOrders")
    if lacks:
        raise ValueError(f"{client.id} cannot be traded: ccxt declares no {', '.join(lacks)}")
    if spec.client_id_param is None:
        raise ValueError(
            f"{client.id} cannot be traded: no way is known to look an order up by our client id, "
            "so that nothing would prove the absence of one whose answer was lost"
        )


def commission_rates(answer: Any) -> tuple[Decimal | None, Decimal | None] | None:
    """Return the account's (maker, taker) rates from binance's answer, as fractions; None if the answer has none."""
    rates = (answer.get("info") or {}).get("commissionRates")
    if not isinstance(rates, Mapping):
        return None
    maker, taker = (values.decimal_or_none(rates.get(name)) for name in ("maker", "taker"))
    return None if maker is None or taker is None else (maker, taker)


def negated_rates(answer: Any) -> tuple[Decimal | None, Decimal | None] | None:
    """Return the account's (maker, taker) rates from okx's answer, as fractions; None if the answer has none.

    okx writes a charge as a negative rate; the result is positive for a charge.
    """
    listed = answer.get("data")
    first = listed[0] if isinstance(listed, list) and listed else {}
    maker, taker = (values.decimal_or_none(first.get(name)) for name in ("maker", "taker"))
    return None if maker is None or taker is None else (-maker, -taker)


def spot_markets(client: Any) -> dict[str, Market]:
    """Return all spot markets whose limits can be read. A request for any other market is refused."""
    found = {symbol: _limits(client, market, None) for symbol, market in client.markets.items()}
    return {symbol: market for symbol, market in found.items() if market is not None}


def spot_symbols(fresh: Sequence[Any]) -> frozenset[str]:
    """Return the symbols of the spot markets in a list of the exchange, without those that it calls inactive."""
    return frozenset(
        str(market["symbol"]) for market in fresh if market.get("spot") and market.get("active") is not False
    )


def renewed_markets(
    client: Any, fresh: Sequence[Any], symbols: Iterable[str], fees: Fees | None
) -> dict[str, Market]:
    """Return the rules of ``symbols`` from a fresh list of markets, and put the list into ccxt in place of the old
    one.

    Unlisted symbols are left out, and so is a closed market without readable limits. Raise ``AnswerError`` for an open
    market without readable limits.
    """
    listed = {market["symbol"]: market for market in fresh}
    asked = [symbol for symbol in symbols if symbol in listed]
    if all(symbol in client.markets for symbol in asked):
        # ccxt's way to take over thousands of markets would hold the loop up for a quarter of a second.
        for symbol in asked:
            client.markets[symbol] = _merged(client.markets[symbol], listed[symbol])
    else:
        client.set_markets(fresh, client.currencies)
    found = {symbol: _limits(client, client.markets[symbol], fees) for symbol in asked}
    missing = [symbol for symbol, limits in found.items() if limits is None]
    if bad := [symbol for symbol in missing if not is_closed(client.markets[symbol], client.spec.market)]:
        raise values.AnswerError(f"the limits of {', '.join(bad)} cannot be used")
    return {symbol: limits for symbol, limits in found.items() if limits is not None}


def _merged(known: Any, fresh: Mapping[str, Any]) -> dict[str, Any]:
    """Return a market with its fresh values. If its fees are missing, those of ccxt's first load stay."""
    told = {
        name: value for name, value in fresh.items() if value is not None or name not in ("maker", "taker")
    }
    return {**known, **told}


def _limits(client: Any, market: Any, fees: Fees | None) -> Market | None:
    """Return a spot market's rules; None for a market that is not spot or whose limits cannot be read."""
    if not market.get("spot"):
        return None
    try:
        return market_limits(market, precision_mode=client.precisionMode, fees=fees, said=client.spec.market)
    except values.AnswerError:
        return None


def _off_step(what: str, value: Decimal, step_name: str, step: Decimal) -> str | None:
    if not value.is_finite() or value <= 0:
        return f"{what} {value} is not a positive number"
    if value % step != 0:
        return f"{what} {value} is not a multiple of the {step_name} {step}"
    return None
