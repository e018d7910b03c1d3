"""The id of a public trade in each list, as its real ccxt class reads it (docs/reference/exchanges.md, public trades).

A list mends what a stream has missed. So it must give a trade the id that the stream gave it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from execution.core.types import PublicTrade, Side
from execution.venues.convert import public_trade
from execution.venues.gateway import open_gateway
from tests.venues.answers import AT, AT_TEXT
from tests.venues.answers.first import bybit_says, kraken_says
from tests.venues.answers.second import kucoin_says
from tests.venues.stub import SYMBOL, StubbedVenue, exchange_info, now, options_for, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What each exchange answers of a taker who sold 0.005 at 50,000 in trade 7001.
LISTS: dict[str, tuple[str, Any]] = {
    "bybit": (
        "GET /v5/market/recent-trade",
        bybit_says(list=[{"execId": "7001", "symbol": "BTCUSDT", "price": "50000", "size": "0.005",
                          "side": "Sell", "time": str(AT), "isBlockTrade": False}]),
    ),
    "okx": (
        "GET /api/v5/market/trades",
        {"code": "0", "data": [{"instId": "BTC-USDT", "tradeId": "7001", "px": "50000", "sz": "0.005",
                                "side": "sell", "ts": str(AT)}]},
    ),
    "kraken": (
        "GET /0/public/Trades",
        kraken_says({"XBTUSDT": [["50000", "0.005", AT / 1000, "s", "l", "", 7001]], "last": "1"}),
    ),
    "coinbase": (
        "GET /api/v3/brokerage/market/products/BTC-USDT/ticker",
        {"trades": [{"trade_id": "7001", "product_id": "BTC-USDT", "price": "50000", "size": "0.005",
                     "time": AT_TEXT, "side": "SELL"}]},
    ),
    "kucoin": (
        "GET /api/v1/market/histories",
        kucoin_says([{"sequence": "7001", "price": "50000", "size": "0.005", "side": "sell",
                      "time": AT * 1_000_000}]),
    ),
    "gate": (
        "GET /api/v4/spot/trades",
        [{"id": "7001", "create_time": str(AT // 1000), "create_time_ms": str(AT), "side": "sell",
          "amount": "0.005", "price": "50000", "currency_pair": "BTC_USDT"}],
    ),
    "bitget": (
        "GET /api/v2/spot/market/fills-history",
        {"code": "00000", "data": [{"symbol": "BTCUSDT", "tradeId": "7001", "side": "sell", "price": "50000",
                                    "size": "0.005", "ts": str(AT)}]},
    ),
}  # fmt: skip


async def test_a_listed_trade_has_its_id_side_and_time(venue: StubbedVenue) -> None:
    venue.answers(dict([LISTS[venue.exchange.id]]))
    (listed,) = await venue.gateway._client.fetch_trades(SYMBOL)
    found = public_trade(listed, symbol=SYMBOL)
    assert abs(found.at - datetime.fromtimestamp(AT / 1000, UTC)) <= timedelta(milliseconds=1)
    number = None if venue.exchange.id == "kucoin" else "7001"
    assert found == PublicTrade(SYMBOL, Decimal(50000), Decimal("0.005"), found.at, number, Side.SELL)
    if number is None:
        assert listed["info"]["sequence"] == "7001", (
            "kucoin numbers its trades, and ccxt leaves the number out"
        )


@pytest.mark.parametrize(
    ("options", "number"), [({}, "99"), ({"fetchTradesMethod": "publicGetTrades"}, "7001")]
)
async def test_binance_lists_sums_under_ids_of_their_own_unless_it_is_asked_for_the_trades(
    options: dict[str, str], number: str
) -> None:
    async with serving() as stub:
        stub.answer("GET /api/v3/exchangeInfo", exchange_info())
        stub.answer("GET /api/v3/aggTrades", [{"a": 99, "f": 7001, "l": 7001, "p": "50000", "q": "0.005",
                                               "T": AT, "m": True}])  # fmt: skip
        stub.answer("GET /api/v3/trades", [{"id": 7001, "price": "50000", "qty": "0.005", "time": AT,
                                            "isBuyerMaker": True}])  # fmt: skip
        gateway = open_gateway(
            exchange_id="binance", options=options_for(stub.base), api_key="k", secret="s", clock=now
        )
        client = gateway._client
        client.options.update(options)
        await client.load_markets()
        (listed,) = await client.fetch_trades(SYMBOL)
        await gateway.close()
    found = public_trade(listed, symbol=SYMBOL)
    assert (found.trade_id, found.side, found.quantity) == (number, Side.SELL, Decimal("0.005"))
