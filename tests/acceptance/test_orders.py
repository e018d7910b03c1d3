"""Orders through the real gateway and ccxt's own classes, in both dialects of a real paper exchange."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from execution.core.types import (
    Accepted,
    CancelConfirmed,
    CancelGone,
    OrderType,
    Quote,
    Rejected,
    Side,
    TimeInForce,
    VenueStatus,
)
from execution.venues.gateway import CcxtGateway
from execution.venues.protocol import VenueReadFailed
from tests.acceptance.conftest import Paper, add_account, crossing, found, gateway_to, passive, ref_of
from tests.acceptance.dialects import Dialect
from tests.venues.conftest import SYMBOL, VALID, limit_order, now

ENDED = (VenueStatus.CANCELLED, VenueStatus.EXPIRED)


async def test_what_is_needed_before_trading(gateway: CcxtGateway, quote: Quote) -> None:
    markets = await gateway.markets([SYMBOL, "ETH/USDT", "NOT/LISTED"])
    assert set(markets) == {SYMBOL, "ETH/USDT"}
    assert (markets[SYMBOL].tick, markets[SYMBOL].lot) == (Decimal("0.01"), Decimal("0.00001"))
    assert (markets[SYMBOL].maker_fee, markets[SYMBOL].taker_fee) == (Decimal("0.001"), Decimal("0.001"))
    assert (await gateway.balances())["BTC"].free == Decimal(100)
    assert quote.is_sane
    assert quote.bid_size is not None


async def test_what_a_key_may_do_is_told(
    folder: Any, paper: Paper, dialect: Dialect, gateway: CcxtGateway
) -> None:
    may = await gateway.permissions()
    assert (may.read, may.trade, may.withdraw) == (True, True, False)
    other = gateway_to(paper, dialect, key=add_account(folder[1], trading=False, withdrawals=True))
    await other.open()
    may = await other.permissions()
    assert (may.read, may.trade, may.withdraw) == (True, False, True)
    refused = await other.create(limit_order(), valid_for=VALID)
    await other.close()
    assert isinstance(refused, Rejected)
    assert refused.kind == "PermissionDenied"


@pytest.mark.parametrize("wrong", [{"key": "nobody's"}, {"secret": "another"}])
async def test_a_key_that_the_exchange_does_not_take_is_refused(
    paper: Paper, dialect: Dialect, wrong: dict[str, str]
) -> None:
    gateway = gateway_to(paper, dialect, **wrong)
    await gateway.open()
    with pytest.raises(VenueReadFailed) as failed:
        await gateway.balances()
    await gateway.close()
    assert failed.value.refuses_key


async def test_place_find_cancel(gateway: CcxtGateway, dialect: Dialect, quote: Quote) -> None:
    request = passive(quote)
    created = await gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    told = (VenueStatus.OPEN, Decimal(0)) if dialect.tells_state else (None, None)
    assert (created.report.status, created.report.filled) == told
    report = await found(gateway, request)
    assert (report.status, report.filled) == (VenueStatus.OPEN, Decimal(0))
    assert report.exchange_id == created.report.exchange_id
    assert (report.price, report.quantity) == (request.price, request.quantity)
    assert [each.client_id for each in await gateway.open_orders(SYMBOL)] == [request.client_id]
    locked = (await gateway.balances())["USDT"].locked
    assert request.price is not None
    assert locked == request.price * request.quantity

    cancelled = await gateway.cancel(ref_of(request, created.report.exchange_id))
    assert isinstance(cancelled, CancelConfirmed)
    told = (VenueStatus.CANCELLED, Decimal(0)) if dialect.tells_state else (None, None)
    assert (cancelled.report.status, cancelled.report.filled) == told
    assert await gateway.open_orders(SYMBOL) == []
    closed = await gateway.closed_orders(SYMBOL, now() - timedelta(minutes=1))
    assert [(each.client_id, each.status, each.filled) for each in closed] == [
        (request.client_id, VenueStatus.CANCELLED, Decimal(0))
    ]
    assert isinstance(await gateway.cancel(ref_of(request)), CancelGone)


async def test_a_fill_is_the_same_in_the_answer_the_list_and_the_ledger(
    paper: Paper, gateway: CcxtGateway, dialect: Dialect, quote: Quote
) -> None:
    request = crossing(quote)
    created = await gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    assert (await found(gateway, request)).status is VenueStatus.FILLED
    listed = await gateway.trades(SYMBOL, now() - timedelta(minutes=1))
    if dialect.tells_state:
        assert created.report.status is VenueStatus.FILLED
        assert {t.trade_id: (t.price, t.quantity, t.fee, t.fee_currency) for t in created.trades} == {
            t.trade_id: (t.price, t.quantity, t.fee, t.fee_currency) for t in listed
        }
    ledger = (await paper.books())["trades"]
    theirs = {
        str(trade["id"]): (
            *(Decimal(trade[name]) for name in ("price", "quantity", "fee")),
            trade["fee_asset"],
        )
        for trade in ledger
    }
    assert theirs == {
        trade.trade_id: (trade.price, trade.quantity, trade.fee, trade.fee_currency) for trade in listed
    }


async def test_a_buys_fee_is_charged_in_base_and_all_that_came_can_be_sold(
    gateway: CcxtGateway, quote: Quote
) -> None:
    before = (await gateway.balances())["BTC"].free
    request = crossing(quote)
    await gateway.create(request, valid_for=VALID)
    assert (await found(gateway, request)).filled == request.quantity, "filled is gross"
    (trade,) = await gateway.trades(SYMBOL, now() - timedelta(minutes=1))
    assert (trade.fee, trade.fee_currency) == (request.quantity * Decimal("0.001"), "BTC")
    assert trade.fee is not None
    held = (await gateway.balances())["BTC"].free
    assert held == before + request.quantity - trade.fee
    lot = Decimal("0.00001")
    rest = held // lot * lot
    assert rest < before + request.quantity
    above = (quote.ask * Decimal("1.02")).quantize(Decimal("0.01"))
    sale = passive(quote, side=Side.SELL, price=above, quantity=rest, client_id="qtestsale00000001")
    assert isinstance(await gateway.create(sale, valid_for=VALID), Accepted)
    refused = await gateway.create(
        passive(quote, side=Side.SELL, price=above, quantity=lot * 10, client_id="qtestsale00000002"),
        valid_for=VALID,
    )
    assert isinstance(refused, Rejected), "the fee cannot be sold"


async def test_a_partial_fill_and_a_cancel_after_it(
    paper: Paper, gateway: CcxtGateway, dialect: Dialect, quote: Quote
) -> None:
    inside = quote.bid + Decimal("0.01") if quote.ask - quote.bid > Decimal("0.01") else quote.bid
    request = passive(quote, price=inside, quantity=Decimal("0.05"), time_in_force=TimeInForce.POST_ONLY)
    created = await gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    ahead = quote.bid_size if inside == quote.bid and quote.bid_size is not None else Decimal(0)
    await paper.taker("sell", str(ahead + Decimal("0.02")), str(inside))
    part = await found(gateway, request)
    assert (part.status, part.filled, part.average) == (VenueStatus.OPEN, Decimal("0.02"), inside)
    cancelled = await gateway.cancel(ref_of(request))
    assert isinstance(cancelled, CancelConfirmed)
    assert cancelled.report.filled == (Decimal("0.02") if dialect.tells_state else None)
    ended = await found(gateway, request)
    assert (ended.status, ended.filled) == (VenueStatus.CANCELLED, Decimal("0.02"))
    (trade,) = await gateway.trades(SYMBOL, now() - timedelta(minutes=1))
    assert (trade.quantity, trade.exchange_id) == (Decimal("0.02"), created.report.exchange_id)


async def test_an_ioc_takes_what_there_is_and_ends(gateway: CcxtGateway, quote: Quote) -> None:
    assert quote.ask_size is not None
    request = crossing(quote, price=quote.ask, quantity=quote.ask_size + Decimal("0.5"))
    assert isinstance(await gateway.create(request, valid_for=VALID), Accepted)
    ended = await found(gateway, request)
    assert ended.status in ENDED
    assert ended.filled == quote.ask_size


async def test_a_cancel_that_loses_the_race_is_gone_and_the_look_tells(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    request = passive(quote, price=quote.bid, quantity=Decimal("0.01"))
    await gateway.create(request, valid_for=VALID)
    await paper.taker("sell", "50", str(quote.bid))
    assert isinstance(await gateway.cancel(ref_of(request)), CancelGone)
    report = await found(gateway, request)
    assert (report.status, report.filled) == (VenueStatus.FILLED, request.quantity)


async def test_a_post_only_that_would_take_takes_nothing(
    gateway: CcxtGateway, dialect: Dialect, quote: Quote
) -> None:
    request = crossing(quote, time_in_force=TimeInForce.POST_ONLY)
    outcome = await gateway.create(request, valid_for=VALID)
    if dialect.refuses_taking:
        assert isinstance(outcome, Rejected)
        assert outcome.kind == "OrderImmediatelyFillable"
    else:
        assert isinstance(outcome, Accepted)
        ended = await found(gateway, request)
        assert (ended.status, ended.filled) == (VenueStatus.CANCELLED, Decimal(0))
    assert await gateway.open_orders(SYMBOL) == []
    assert await gateway.trades(SYMBOL, now() - timedelta(minutes=1)) == []


async def test_our_own_resting_order_is_not_traded_with(gateway: CcxtGateway, quote: Quote) -> None:
    resting = passive(quote, price=quote.ask, side=Side.SELL, quantity=Decimal("0.01"))
    await gateway.create(resting, valid_for=VALID)
    assert quote.ask_size is not None
    taking = crossing(quote, price=quote.ask, client_id="qtaker00000000001", quantity=quote.ask_size + 1)
    assert isinstance(await gateway.create(taking, valid_for=VALID), Accepted)
    report = await found(gateway, resting)
    assert (report.status, report.filled) == (VenueStatus.OPEN, Decimal(0))
    assert (await found(gateway, taking)).status in ENDED


async def test_what_the_account_cannot_pay_is_refused(gateway: CcxtGateway, quote: Quote) -> None:
    outcome = await gateway.create(passive(quote, quantity=Decimal(101), side=Side.SELL), valid_for=VALID)
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "InsufficientFunds"


async def test_a_price_far_from_the_market_is_refused(gateway: CcxtGateway, quote: Quote) -> None:
    outcome = await gateway.create(passive(quote, price=quote.ask.quantize(Decimal(1)) * 6), valid_for=VALID)
    assert isinstance(outcome, Rejected)


async def test_a_market_order_is_sized_in_base(gateway: CcxtGateway, quote: Quote) -> None:
    request = limit_order(type=OrderType.MARKET, price=None, time_in_force=TimeInForce.IOC)
    assert isinstance(await gateway.create(request, valid_for=VALID), Accepted)
    assert (await found(gateway, request)).filled == request.quantity


async def test_trades_and_closed_orders_come_in_pages_and_none_is_left_out(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    """A full page is a hundred on okx; more orders than that in ten seconds are refused by both."""
    begun = now() - timedelta(minutes=1)
    assert quote.ask_size is not None
    for number in range(100):
        quantity = quote.ask_size + 1 if number == 0 else Decimal("0.0001")
        request = crossing(quote, quantity=quantity, client_id=f"qtestpage00000{number:03}")
        assert isinstance(await gateway.create(request, valid_for=VALID), Accepted)
    trades = await gateway.trades(SYMBOL, begun)
    assert len({trade.trade_id for trade in trades}) == len(trades) == len((await paper.books())["trades"])
    assert len(trades) > 100
    assert len(await gateway.closed_orders(SYMBOL, begun)) == 100


async def test_five_minutes_candles_of_six_hours(gateway: CcxtGateway) -> None:
    until = now()
    candles = await gateway.candles(SYMBOL, until - timedelta(hours=6), until)
    assert 70 <= len(candles) <= 72
    assert all(candle.volume > 0 for candle in candles)
