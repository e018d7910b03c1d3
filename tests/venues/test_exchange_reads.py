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
from tests.venues.stub import OURS, SYMBOL, StubbedVenue

SINCE = datetime.fromtimestamp(AT / 1000, UTC) - timedelta(days=1)

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- looks ----------------------------------------------------------------------------------------


async def test_an_order_is_found_by_its_id_and_by_ours(venue: StubbedVenue) -> None:
    for ref, answers in ((venue.ref, venue.exchange.found), (OURS, venue.exchange.found_by_ours)):
        venue.forget()
        if ref is OURS and venue.exchange is GATE:
            venue.stub.answer(f"GET /api/v4/spot/orders/t-{CLIENT_ID}", {"label": "ORDER_NOT_FOUND"}, 404)
        venue.answers(answers)
        report = await venue.gateway.find(ref)
        assert report is not None
        assert (report.exchange_id, report.client_id) == (venue.exchange.order_id, CLIENT_ID)
        assert (report.quantity, report.filled) == (Decimal("0.02"), Decimal("0.005"))
        assert (report.price, report.side) == (Decimal(50000), Side.BUY)


async def test_no_order_is_the_exchanges_own_word(venue: StubbedVenue) -> None:
    for what, (status, body) in venue.exchange.not_found.items():
        venue.stub.answer(what, body, status)
    assert await venue.gateway.find(venue.ref) is None
    assert await venue.gateway.find(OURS) is None


async def test_open_orders(venue: StubbedVenue) -> None:
    venue.answers(dict([venue.exchange.open_orders]))
    (report,) = await venue.gateway.open_orders(SYMBOL)
    assert (report.status, report.filled) == (VenueStatus.OPEN, Decimal("0.005"))
    assert (report.exchange_id, report.client_id) == (venue.exchange.order_id, CLIENT_ID)


async def test_closed_orders_hold_what_was_cancelled_and_its_fills(venue: StubbedVenue) -> None:
    venue.answers(venue.exchange.closed_orders)
    (report,) = await venue.gateway.closed_orders(SYMBOL, SINCE)
    assert (report.status, report.filled) == (VenueStatus.CANCELLED, Decimal("0.005"))
    assert (report.exchange_id, report.client_id) == (venue.exchange.order_id, CLIENT_ID)


async def test_trades_have_the_fee_that_was_charged(venue: StubbedVenue) -> None:
    venue.answers(dict([venue.exchange.trades]))
    (trade,) = await venue.gateway.trades(SYMBOL, SINCE)
    assert (trade.trade_id, trade.exchange_id) == (venue.exchange.trade_id, venue.exchange.order_id)
    assert (trade.side, trade.price, trade.quantity) == (Side.BUY, Decimal(50000), Decimal("0.005"))
    assert (trade.fee, trade.fee_currency) == (Decimal(venue.exchange.fee[0]), venue.exchange.fee[1])
    assert trade.liquidity is Liquidity.MAKER


async def test_lists_of_all_symbols_are_read_alike_where_the_exchange_takes_them(venue: StubbedVenue) -> None:
    questions = venue.gateway.account_questions(40)
    assert questions == (
        {"open_orders", "trades"} if venue.exchange.id in ("okx", "bybit", "kraken", "coinbase") else set()
    )
    if not questions:
        return
    venue.answers(dict([venue.exchange.open_orders, venue.exchange.trades]))
    assert await venue.gateway.open_orders(None) == await venue.gateway.open_orders(SYMBOL)
    assert await venue.gateway.trades(None, SINCE) == await venue.gateway.trades(SYMBOL, SINCE)
    (report,) = await venue.gateway.open_orders(None)
    assert (report.symbol, report.client_id) == (SYMBOL, CLIENT_ID)


async def test_a_list_that_is_none_is_a_failed_read(venue: StubbedVenue) -> None:
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        venue.exchange.open_orders[0]: lambda: venue.gateway.open_orders(SYMBOL),
        venue.exchange.trades[0]: lambda: venue.gateway.trades(SYMBOL, SINCE),
        list(venue.exchange.closed_orders)[-1]: lambda: venue.gateway.closed_orders(SYMBOL, SINCE),
    }
    hollow = {"retCode": 0, "code": "0", "error": [], "result": {}, "data": {}}
    if venue.exchange.id in ("kucoin", "bitget"):
        hollow["code"] = {"kucoin": "200000", "bitget": "00000"}[venue.exchange.id]
    if venue.exchange is COINBASE:
        del hollow["error"]
    for what, call in calls.items():
        for body in (hollow, "<html>maintenance</html>", "{}"):
            venue.forget()
            venue.answers(venue.exchange.closed_orders)
            venue.stub.answer(what, body)
            with pytest.raises(VenueReadFailed):
                await call()


# --- the account ----------------------------------------------------------------------------------


async def test_balances_are_free_and_locked(venue: StubbedVenue) -> None:
    venue.answers(dict([venue.exchange.balances]))
    assert await venue.gateway.balances() == {"USDT": BalanceAmounts(Decimal(100), Decimal(5))}


async def test_permissions_are_what_the_exchange_tells(venue: StubbedVenue) -> None:
    told = venue.exchange.permissions
    if told is None:
        assert await venue.gateway.permissions() == KeyPermissions()
        return
    if told[1] is not None:
        venue.stub.answer(*told)
    assert await venue.gateway.permissions() == KeyPermissions(read=True, trade=True, withdraw=False)
    venue.stub.answer(told[0], {"retCode": 0, "result": {}, "data": {}, "code": "0"})
    with pytest.raises(VenueReadFailed):
        await venue.gateway.permissions()


async def test_markets_have_exact_steps(venue: StubbedVenue) -> None:
    markets = await venue.gateway.markets([SYMBOL])
    market = markets[SYMBOL]
    assert (market.base, market.quote) == ("BTC", "USDT")
    ticks = {"bybit": "0.5", "coinbase": "0.01"}
    assert market.tick == Decimal(ticks.get(venue.exchange.id, "0.1"))
    lots = {"kraken": "0.00000001"}
    assert market.lot == Decimal(lots.get(venue.exchange.id, "0.00001"))
    minimums = {"kraken": "0.0001"}
    assert market.min_quantity == Decimal(minimums.get(venue.exchange.id, "0.00002"))
