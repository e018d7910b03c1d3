"""Open orders and trades of all symbols in one request, through ccxt's own class."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from execution.core.types import Accepted, OrderRef, Quote, VenueStatus
from execution.venues.gateway import CcxtGateway
from tests.acceptance.dialects import BINANCE, Dialect
from tests.acceptance.paper_account import VALID, crossing, passive
from tests.venues.stub import SYMBOL, now

ETH = "ETH/USDT"


async def test_orders_and_trades_of_all_symbols_come_in_one_answer(
    paper_gateway: CcxtGateway, frozen_quote: Quote, dialect: Dialect
) -> None:
    begun = now() - timedelta(minutes=1)
    taken, resting = crossing(frozen_quote), passive(frozen_quote, client_id="qtestparent010002")
    eth = await paper_gateway.quote(ETH)
    price = (eth.bid * Decimal("0.9")).quantize(Decimal("0.01"))
    other = replace(resting, client_id="qtestparent010003", symbol=ETH, price=price, quantity=Decimal("0.1"))
    for request in (taken, resting, other):
        assert isinstance(await paper_gateway.create(request, valid_for=VALID), Accepted)
    questions = paper_gateway.account_questions(40)
    assert questions == ({"open_orders"} if dialect is BINANCE else {"open_orders", "trades"})
    listed = await paper_gateway.open_orders(None)
    assert {(one.symbol, one.client_id) for one in listed} == {
        (SYMBOL, resting.client_id),
        (ETH, other.client_id),
    }
    assert await paper_gateway.open_orders(ETH) == [one for one in listed if one.symbol == ETH]
    if "trades" in questions:
        trades = await paper_gateway.trades(None, begun)
        assert trades
        assert trades == await paper_gateway.trades(SYMBOL, begun)
    (part,) = {one.exchange_id for one in await paper_gateway.trades(SYMBOL, begun)}
    if paper_gateway.cheapest_trades([1]) == "order":
        ref = OrderRef(taken.client_id, SYMBOL, part)
        assert await paper_gateway.order_trades(ref) == await paper_gateway.trades(SYMBOL, begun)
    if paper_gateway.orders_at_once > 1:
        ids = [str(part), *(str(one.exchange_id) for one in listed)]
        found = await paper_gateway.find_all(ids)
        assert str(part) in found
        assert set(found) <= set(ids)
        for exchange_id, report in found.items():
            ref = OrderRef(str(report.client_id), report.symbol, exchange_id)
            assert report == await paper_gateway.find(ref)
    for one in listed:
        await paper_gateway.cancel(OrderRef(str(one.client_id), one.symbol, one.exchange_id))


async def test_orders_that_ended_on_several_symbols_are_looked_up_together(
    paper_gateway: CcxtGateway, frozen_quote: Quote, dialect: Dialect
) -> None:
    assert (paper_gateway.orders_at_once == 1) == (dialect is BINANCE)
    if dialect is BINANCE:
        return
    taken, resting = crossing(frozen_quote), passive(frozen_quote, client_id="qtestparent020002")
    ids = []
    for request in (taken, resting):
        created = await paper_gateway.create(request, valid_for=VALID)
        assert isinstance(created, Accepted)
        ids.append(str(created.report.exchange_id))
    await paper_gateway.cancel(OrderRef(resting.client_id, SYMBOL, ids[1]))
    found = await paper_gateway.find_all(ids)
    assert found[ids[0]].status is VenueStatus.FILLED
    for exchange_id, report in found.items():
        assert report == await paper_gateway.find(OrderRef(str(report.client_id), SYMBOL, exchange_id))
