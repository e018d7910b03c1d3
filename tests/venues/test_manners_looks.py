"""Seven exchanges beside binance through their real ccxt classes: looks and the account.

The bodies are minimal and made up (``tests.venues.answers``); only HTTP is a stand-in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from execution.core.types import BalanceAmounts, KeyPermissions, Liquidity, Side, VenueStatus
from execution.venues.protocol import VenueReadFailed
from tests.venues.answers import AT, CLIENT_ID
from tests.venues.answers.first import COINBASE
from tests.venues.answers.second import GATE
from tests.venues.conftest import OURS, SYMBOL, Desk

SINCE = datetime.fromtimestamp(AT / 1000, UTC) - timedelta(days=1)

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- looks ----------------------------------------------------------------------------------------


async def test_an_order_is_found_by_its_id_and_by_ours(desk: Desk) -> None:
    for ref, answers in ((desk.ref, desk.exchange.found), (OURS, desk.exchange.found_by_ours)):
        desk.forget()
        if ref is OURS and desk.exchange is GATE:
            desk.stub.answer(f"GET /api/v4/spot/orders/t-{CLIENT_ID}", {"label": "ORDER_NOT_FOUND"}, 404)
        desk.answers(answers)
        report = await desk.gateway.find(ref)
        assert report is not None
        assert (report.exchange_id, report.client_id) == (desk.exchange.order_id, CLIENT_ID)
        assert (report.quantity, report.filled) == (Decimal("0.02"), Decimal("0.005"))
        assert (report.price, report.side) == (Decimal(50000), Side.BUY)


async def test_no_order_is_the_exchanges_own_word(desk: Desk) -> None:
    for what, (status, body) in desk.exchange.not_found.items():
        desk.stub.answer(what, body, status)
    assert await desk.gateway.find(desk.ref) is None
    assert await desk.gateway.find(OURS) is None


async def test_open_orders(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.open_orders]))
    (report,) = await desk.gateway.open_orders(SYMBOL)
    assert (report.status, report.filled) == (VenueStatus.OPEN, Decimal("0.005"))
    assert (report.exchange_id, report.client_id) == (desk.exchange.order_id, CLIENT_ID)


async def test_closed_orders_hold_what_was_cancelled_and_its_fills(desk: Desk) -> None:
    desk.answers(desk.exchange.closed_orders)
    (report,) = await desk.gateway.closed_orders(SYMBOL, SINCE)
    assert (report.status, report.filled) == (VenueStatus.CANCELLED, Decimal("0.005"))
    assert (report.exchange_id, report.client_id) == (desk.exchange.order_id, CLIENT_ID)


async def test_trades_have_the_fee_that_was_charged(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.trades]))
    (trade,) = await desk.gateway.trades(SYMBOL, SINCE)
    assert (trade.trade_id, trade.exchange_id) == (desk.exchange.trade_id, desk.exchange.order_id)
    assert (trade.side, trade.price, trade.quantity) == (Side.BUY, Decimal(50000), Decimal("0.005"))
    assert (trade.fee, trade.fee_currency) == (Decimal(desk.exchange.fee[0]), desk.exchange.fee[1])
    assert trade.liquidity is Liquidity.MAKER


async def test_a_list_that_is_none_is_a_failed_look(desk: Desk) -> None:
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        desk.exchange.open_orders[0]: lambda: desk.gateway.open_orders(SYMBOL),
        desk.exchange.trades[0]: lambda: desk.gateway.trades(SYMBOL, SINCE),
        list(desk.exchange.closed_orders)[-1]: lambda: desk.gateway.closed_orders(SYMBOL, SINCE),
    }
    hollow = {"retCode": 0, "code": "0", "error": [], "result": {}, "data": {}}
    if desk.exchange.id in ("kucoin", "bitget"):
        hollow["code"] = {"kucoin": "200000", "bitget": "00000"}[desk.exchange.id]
    if desk.exchange is COINBASE:
        del hollow["error"]
    for what, call in calls.items():
        for body in (hollow, "<html>maintenance</html>", "{}"):
            desk.forget()
            desk.answers(desk.exchange.closed_orders)
            desk.stub.answer(what, body)
            with pytest.raises(VenueReadFailed):
                await call()


# --- the account ----------------------------------------------------------------------------------


async def test_balances_are_free_and_locked(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.balances]))
    assert await desk.gateway.balances() == {"USDT": BalanceAmounts(Decimal(100), Decimal(5))}


async def test_permissions_are_what_the_exchange_tells(desk: Desk) -> None:
    told = desk.exchange.permissions
    if told is None:
        assert await desk.gateway.permissions() == KeyPermissions()
        return
    if told[1] is not None:
        desk.stub.answer(*told)
    assert await desk.gateway.permissions() == KeyPermissions(read=True, trade=True, withdraw=False)
    desk.stub.answer(told[0], {"retCode": 0, "result": {}, "data": {}, "code": "0"})
    with pytest.raises(VenueReadFailed):
        await desk.gateway.permissions()


async def test_markets_have_exact_steps(desk: Desk) -> None:
    markets = await desk.gateway.markets([SYMBOL])
    market = markets[SYMBOL]
    assert (market.base, market.quote) == ("BTC", "USDT")
    ticks = {"bybit": "0.5", "coinbase": "0.01"}
    assert market.tick == Decimal(ticks.get(desk.exchange.id, "0.1"))
    lots = {"kraken": "0.00000001"}
    assert market.lot == Decimal(lots.get(desk.exchange.id, "0.00001"))
    minimums = {"kraken": "0.0001"}
    assert market.min_quantity == Decimal(minimums.get(desk.exchange.id, "0.00002"))
