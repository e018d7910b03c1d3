"""The lists of markets of the canned exchanges, with their one market changed."""

from __future__ import annotations

import copy
from typing import Any

from tests.venues.answers import Exchange

#: Where each exchange lists its markets.
LISTS = {
    "bybit": "GET /v5/market/instruments-info",
    "okx": "GET /api/v5/public/instruments",
    "kraken": "GET /0/public/AssetPairs",
    "coinbase": "GET /api/v3/brokerage/market/products",
    "kucoin": "GET /api/v2/symbols",
    "gate": "GET /api/v4/spot/currency_pairs",
    "bitget": "GET /api/v2/spot/public/symbols",
}


def listing(exchange: Exchange, **changes: Any) -> Any:
    """Return the exchange's list of markets with its one market changed; a field that is None is left out."""
    answer = copy.deepcopy(exchange.opening[LISTS[exchange.id]])
    market = _only(answer)
    market |= changes
    for name in [name for name, value in changes.items() if value is None]:
        del market[name]
    return answer


def _only(answer: Any) -> dict[str, Any]:
    """Return the innermost raw market of an answer: the first mapping below its lists."""
    for value in answer if isinstance(answer, list) else answer.values():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return value[0]
        if isinstance(value, dict):
            return value if "altname" in value or "id" in value else _only(value)
    raise AssertionError("no market in it")
