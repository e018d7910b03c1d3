"""The trades of one order on binance, where they cost a quarter of what those of its symbol do."""

from __future__ import annotations

import pytest
from aiohttp import web

from execution.core.types import OrderRef
from execution.venues.gateway import CcxtGateway
from execution.venues.protocol import VenueReadFailed
from tests.venues.stub import SYMBOL, Stub
from tests.venues.test_reads import TRADE


async def test_the_trades_of_an_order_are_asked_for_by_its_id_from_the_first(
    stub: Stub, gateway: CcxtGateway
) -> None:
    stub.answer("GET myTrades", [TRADE])
    (trade,) = await gateway.order_trades(OrderRef("qtestparent010001", SYMBOL, "28"))
    assert (trade.trade_id, trade.exchange_id) == ("1", "28")
    asked = stub.last("GET myTrades")
    assert (asked["orderId"], asked["fromId"], asked["symbol"]) == ("28", "0", "BTCUSDT")
    with pytest.raises(VenueReadFailed, match="lists no trades of order"):
        await gateway.order_trades(OrderRef("qtestparent010001", SYMBOL))


async def test_an_order_of_more_trades_than_a_page_holds_is_read_to_its_end(
    stub: Stub, gateway: CcxtGateway
) -> None:
    async def page(_: web.Request, params: dict[str, str]) -> web.StreamResponse:
        first = int(params["fromId"])
        ids = [number for number in range(1, 1205) if number >= first][: int(params["limit"])]
        return web.json_response([TRADE | {"id": number} for number in ids])

    stub.answers["GET myTrades"] = page
    trades = await gateway.order_trades(OrderRef("", SYMBOL, "28"))
    assert [int(one.trade_id) for one in trades] == list(range(1, 1205))


@pytest.mark.parametrize(
    ("orders", "question"),
    [
        ([1], "order"),
        ([3], "order"),
        ([4], "symbol"),
        ([5], "symbol"),
        ([1] * 40, "order"),
        ([9, 1], "symbol"),
    ],
)
async def test_trades_are_asked_for_in_the_way_that_costs_least(
    gateway: CcxtGateway, orders: list[int], question: str
) -> None:
    """20 of weight for a symbol, five for an order; never for the whole account."""
    assert gateway.cheapest_trades(orders) == question
