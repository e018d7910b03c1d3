"""The specification of a cost estimate, as JSON values for a task queue, and the estimate made from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Context, Decimal
from math import sqrt
from typing import Any

from execution.core.algorithms.shortfall import daily_volatility, daily_volume
from execution.core.market_rules import market_from_json, market_to_json
from execution.core.numbers import plain
from execution.core.orders.parameters import AlgorithmParameters
from execution.core.orders.terms import parse_parameters
from execution.core.simulation.prediction import MarketNow, Prediction, predict_cost
from execution.core.types import BASIS_POINT, ZERO, Candle, Market, MarketStatus, Quote

DAY_SECONDS = 86_400
#: Rounding of an order's size to three digits. An estimate cannot tell such small differences in size.
SIZE = Context(prec=3)
#: Parameters that do not change the estimated cost, such as those that only say when the order works.
KEY_EXCLUDED_PARAMETERS = frozenset({"seed", "start_at", "end_at", "duration", "i_would_price"})


def market_now(market: Market, quote: Quote, candles: Sequence[Candle]) -> MarketNow:
    """Return what is known of a market now, from its quote and the last day's candles. Unknown facts are None."""
    sizes = [size for size in (quote.bid_size, quote.ask_size) if size is not None and size > 0]
    volatility, volume = daily_volatility(candles), daily_volume(candles)
    return MarketNow(
        # What an order costs is asked for a market that trades.
        market=replace(market, status=MarketStatus.OPEN, status_word=""),
        mid=quote.mid,
        spread=quote.ask - quote.bid,
        touch=float(sum(sizes, ZERO) / len(sizes) * quote.mid) if sizes else None,
        volatility=None if volatility is None else volatility / sqrt(DAY_SECONDS) / float(BASIS_POINT),
        volume_rate=None if volume is None else volume * float(quote.mid) / DAY_SECONDS,
    )


def spec_of(
    now: MarketNow, *, algorithm: str, parameters: AlgorithmParameters, quantity: Decimal, minutes: float
) -> dict[str, Any]:
    """Return the specification of a cost estimate: all that the estimate depends on, as JSON values."""
    return {
        "algorithm": algorithm,
        "parameters": parameters.model_dump(mode="json"),
        "quantity": plain(quantity),
        "minutes": minutes,
        "market": market_to_json(now.market),
        "mid": plain(now.mid),
        "spread": plain(now.spread),
        "touch": now.touch,
        "volatility": now.volatility,
        "volume_rate": now.volume_rate,
    }


def key_of(spec: Mapping[str, Any]) -> str:
    """Return the key under which an estimate is stored.

    Orders share an estimate if they have the same algorithm, parameters, length and market rules, and quantities that
    agree in three digits. The key does not depend on the market's current state. Instead, an estimate that has become
    too old is calculated again.
    """
    parameters = {
        name: value for name, value in spec["parameters"].items() if name not in KEY_EXCLUDED_PARAMETERS
    }
    quantity = plain(SIZE.plus(Decimal(spec["quantity"])))
    kept = [spec["algorithm"], parameters, quantity, round(spec["minutes"], 1), spec["market"]]
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def predict_spec(spec: Mapping[str, Any]) -> Prediction:
    """Return the expected cost of the order in ``spec``. Raise ``Refused`` if no market can be made from its facts."""
    now = MarketNow(
        market=market_from_json(spec["market"]),
        mid=Decimal(spec["mid"]),
        spread=Decimal(spec["spread"]),
        touch=spec["touch"],
        volatility=spec["volatility"],
        volume_rate=spec["volume_rate"],
    )
    return predict_cost(
        now,
        algorithm=spec["algorithm"],
        quantity=Decimal(spec["quantity"]),
        minutes=spec["minutes"],
        parameters=parse_parameters(spec["algorithm"], spec["parameters"]),
    )
