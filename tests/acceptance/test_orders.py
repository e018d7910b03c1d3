"""Orders through the real gateway and ccxt's own classes, in each dialect of a real paper exchange."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
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
from tests.acceptance.dialects import Dialect
from tests.acceptance.paper_account import (
    VALID,
    PaperAccount,
    add_account,
    cancel,
    crossing,
    ended,
    found,
    gateway_to,
    passive,
    ref_of,
)
from tests.venues.stub import SYMBOL, limit_order, now

ENDED = (VenueStatus.CANCELLED, VenueStatus.EXPIRED)


async def test_what_is_needed_before_trading(paper_gateway: CcxtGateway, frozen_quote: Quote) -> None:
    markets = await paper_gateway.markets([SYMBOL, "ETH/USDT", "NOT/LISTED"])
    assert set(markets) == {SYMBOL, "ETH/USDT"}
    assert (markets[SYMBOL].tick, markets[SYMBOL].lot) == (Decimal("0.01"), Decimal("0.00001"))
    assert (markets[SYMBOL].maker_fee, markets[SYMBOL].taker_fee) == (Decimal("0.001"), Decimal("0.001"))
    assert (await paper_gateway.balances())["BTC"].free == Decimal(100)
    assert frozen_quote.is_sane
    assert frozen_quote.bid_size is not None


async def test_what_a_key_may_do_is_told(
    paper_server: Any, paper_account: PaperAccount, dialect: Dialect, paper_gateway: CcxtGateway
) -> None:
    may = await paper_gateway.permissions()
    told = dialect.tells_permissions
    assert (may.read, may.trade, may.withdraw) == ((True, True, False) if told else (None, None, None))
    other = gateway_to(
        paper_account, dialect, key=add_account(paper_server[1], trading=False, withdrawals=True)
    )
    await other.open()
    may = await other.permissions()
    assert (may.read, may.trade, may.withdraw) == ((True, False, True) if told else (None, None, None))
    refused = await other.create(limit_order(), valid_for=VALID)
    await other.close()
    assert isinstance(refused, Rejected)
    assert refused.kind == "PermissionDenied"


@pytest.mark.parametrize("wrong", [{"key": "nobody's"}, {"secret": "another0"}])
async def test_a_key_that_the_exchange_does_not_take_is_refused(
    paper_account: PaperAccount, dialect: Dialect, wrong: dict[str, str]
) -> None:
    """coinbase's own list of markets needs the key already."""
    gateway = gateway_to(paper_account, dialect, **wrong)

    async def ask() -> None:
        await gateway.open()
        await gateway.balances()

    with pytest.raises(VenueReadFailed) as failed:
        await ask()
    await gateway.close()
    assert failed.value.refuses_key


async def test_place_find_cancel(paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote) -> None:
    request = passive(frozen_quote)
    created = await paper_gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    told = (VenueStatus.OPEN, Decimal(0)) if dialect.tells_state else (None, None)
    assert (created.report.status, created.report.filled) == told
    report = await found(paper_gateway, request)
    assert (report.status, report.filled) == (VenueStatus.OPEN, Decimal(0))
    assert report.exchange_id == created.report.exchange_id
    assert (report.price, report.quantity) == (request.price, request.quantity)
    assert [each.client_id for each in await paper_gateway.open_orders(SYMBOL)] == [request.client_id]
    locked = (await paper_gateway.balances())["USDT"].locked
    assert request.price is not None
    held_rate = Decimal(0) if dialect.charges_base else Decimal("0.001")
    assert locked == request.price * request.quantity * (1 + held_rate)

    cancelled = await paper_gateway.cancel(ref_of(request, created.report.exchange_id))
    assert isinstance(cancelled, CancelConfirmed)
    told = (VenueStatus.CANCELLED, Decimal(0)) if dialect.tells_state else (None, None)
    assert (cancelled.report.status, cancelled.report.filled) == told
    await ended(paper_gateway, request)
    assert await paper_gateway.open_orders(SYMBOL) == []
    closed = await paper_gateway.closed_orders(SYMBOL, now() - timedelta(minutes=1))
    assert [(each.client_id, each.status, each.filled) for each in closed] == [
        (request.client_id, VenueStatus.CANCELLED, Decimal(0))
    ]
    assert isinstance(await cancel(paper_gateway, dialect, request), CancelGone)


async def test_a_fill_is_the_same_in_the_answer_the_list_and_the_ledger(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote
) -> None:
    request = crossing(frozen_quote)
    created = await paper_gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    assert (await found(paper_gateway, request)).status is VenueStatus.FILLED
    listed = await paper_gateway.trades(SYMBOL, now() - timedelta(minutes=1))
    if dialect.tells_state:
        assert created.report.status is VenueStatus.FILLED
        assert {t.trade_id: (t.price, t.quantity, t.fee, t.fee_currency) for t in created.trades} == {
            t.trade_id: (t.price, t.quantity, t.fee, t.fee_currency) for t in listed
        }
    ledger = (await paper_account.books())["trades"]
    theirs = {
        dialect.trade_id(trade): (
            *(Decimal(trade[name]) for name in ("price", "quantity", "fee")),
            trade["fee_asset"],
        )
        for trade in ledger
    }
    assert theirs == {
        trade.trade_id: (trade.price, trade.quantity, trade.fee, trade.fee_currency) for trade in listed
    }


async def test_a_buys_fee_is_charged_as_told_and_all_that_came_can_be_sold(
    paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote
) -> None:
    before = (await paper_gateway.balances())["BTC"].free
    assert before is not None
    request = crossing(frozen_quote)
    await paper_gateway.create(request, valid_for=VALID)
    assert (await found(paper_gateway, request)).filled == request.quantity, "filled is gross"
    fees = Decimal(0)
    for trade in await paper_gateway.trades(SYMBOL, now() - timedelta(minutes=1)):
        value = trade.quantity * (1 if dialect.charges_base else trade.price)
        assert trade.fee == (value * Decimal("0.001")).quantize(Decimal("0.00000001"), ROUND_DOWN)
        assert trade.fee_currency == ("BTC" if dialect.charges_base else "USDT")
        fees += trade.fee
    assert fees > 0
    held = (await paper_gateway.balances())["BTC"].free
    assert held is not None
    assert held == before + request.quantity - (fees if dialect.charges_base else 0)
    lot = Decimal("0.00001")
    rest = held // lot * lot
    assert (rest < before + request.quantity) == dialect.charges_base
    above = (frozen_quote.ask * Decimal("1.02")).quantize(Decimal("0.01"))
    sale = passive(frozen_quote, side=Side.SELL, price=above, quantity=rest, client_id="qtestsale00000001")
    assert isinstance(await paper_gateway.create(sale, valid_for=VALID), Accepted)
    refused = await paper_gateway.create(
        passive(frozen_quote, side=Side.SELL, price=above, quantity=lot * 10, client_id="qtestsale00000002"),
        valid_for=VALID,
    )
    assert isinstance(refused, Rejected), "more than there is cannot be sold"


async def test_a_partial_fill_and_a_cancel_after_it(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote
) -> None:
    inside = (
        frozen_quote.bid + Decimal("0.01")
        if frozen_quote.ask - frozen_quote.bid > Decimal("0.01")
        else frozen_quote.bid
    )
    request = passive(
        frozen_quote, price=inside, quantity=Decimal("0.05"), time_in_force=TimeInForce.POST_ONLY
    )
    created = await paper_gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    ahead = (
        frozen_quote.bid_size
        if inside == frozen_quote.bid and frozen_quote.bid_size is not None
        else Decimal(0)
    )
    await paper_account.taker("sell", str(ahead + Decimal("0.02")), str(inside))
    part = await found(paper_gateway, request)
    assert (part.status, part.filled, part.average) == (VenueStatus.OPEN, Decimal("0.02"), inside)
    cancelled = await cancel(paper_gateway, dialect, request)
    assert isinstance(cancelled, CancelConfirmed)
    assert cancelled.report.filled == (Decimal("0.02") if dialect.tells_state else None)
    report = await ended(paper_gateway, request)
    assert (report.status, report.filled) == (VenueStatus.CANCELLED, Decimal("0.02"))
    (trade,) = await paper_gateway.trades(SYMBOL, now() - timedelta(minutes=1))
    assert (trade.quantity, trade.exchange_id) == (Decimal("0.02"), created.report.exchange_id)


async def test_an_ioc_takes_what_there_is_and_ends(paper_gateway: CcxtGateway, frozen_quote: Quote) -> None:
    assert frozen_quote.ask_size is not None
    request = crossing(frozen_quote, price=frozen_quote.ask, quantity=frozen_quote.ask_size + Decimal("0.5"))
    assert isinstance(await paper_gateway.create(request, valid_for=VALID), Accepted)
    report = await ended(paper_gateway, request)
    assert report.status in ENDED
    assert report.filled == frozen_quote.ask_size


async def test_one_request_cancels_all_open_orders_where_the_exchange_has_it(
    paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote
) -> None:
    scope = paper_gateway.cancels_all
    assert scope == {"binance": "symbol", "kraken": "account"}.get(dialect.exchange)
    if scope is None:
        return
    requests = [passive(frozen_quote) for _ in range(3)]
    created = [await paper_gateway.create(request, valid_for=VALID) for request in requests]
    told = await paper_gateway.cancel_all(SYMBOL if scope == "symbol" else None)
    assert isinstance(told, dict)
    ids = {outcome.report.exchange_id for outcome in created if isinstance(outcome, Accepted)}
    assert set(told) == (ids if dialect.tells_state else set())
    assert {(one.status, one.filled) for one in told.values()} <= {(VenueStatus.CANCELLED, Decimal(0))}
    for request in requests:
        await ended(paper_gateway, request)
    assert await paper_gateway.cancel_all(SYMBOL if scope == "symbol" else None) == {}, "nothing was open"


async def test_a_cancel_that_loses_the_race_is_gone_and_the_poll_tells(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote
) -> None:
    request = passive(frozen_quote, price=frozen_quote.bid, quantity=Decimal("0.01"))
    await paper_gateway.create(request, valid_for=VALID)
    await paper_account.taker("sell", "50", str(frozen_quote.bid))
    assert isinstance(await cancel(paper_gateway, dialect, request), CancelGone)
    report = await found(paper_gateway, request)
    assert (report.status, report.filled) == (VenueStatus.FILLED, request.quantity)


async def test_a_post_only_that_would_take_takes_nothing(
    paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote
) -> None:
    request = crossing(frozen_quote, time_in_force=TimeInForce.POST_ONLY)
    outcome = await paper_gateway.create(request, valid_for=VALID)
    if dialect.refuses_taking:
        assert isinstance(outcome, Rejected)
        assert outcome.kind == "OrderImmediatelyFillable"
    else:
        assert isinstance(outcome, Accepted)
        report = await found(paper_gateway, request)
        assert (report.status, report.filled) == (VenueStatus.CANCELLED, Decimal(0))
    assert await paper_gateway.open_orders(SYMBOL) == []
    assert await paper_gateway.trades(SYMBOL, now() - timedelta(minutes=1)) == []


async def test_our_own_resting_order_is_not_traded_with(
    paper_gateway: CcxtGateway, frozen_quote: Quote
) -> None:
    resting = passive(frozen_quote, price=frozen_quote.ask, side=Side.SELL, quantity=Decimal("0.01"))
    await paper_gateway.create(resting, valid_for=VALID)
    assert frozen_quote.ask_size is not None
    taking = crossing(
        frozen_quote,
        price=frozen_quote.ask,
        client_id="qtaker00000000001",
        quantity=frozen_quote.ask_size + 1,
    )
    assert isinstance(await paper_gateway.create(taking, valid_for=VALID), Accepted)
    report = await found(paper_gateway, resting)
    assert (report.status, report.filled) == (VenueStatus.OPEN, Decimal(0))
    assert (await found(paper_gateway, taking)).status in ENDED


async def test_what_the_account_cannot_pay_is_refused(
    paper_gateway: CcxtGateway, frozen_quote: Quote
) -> None:
    outcome = await paper_gateway.create(
        passive(frozen_quote, quantity=Decimal(101), side=Side.SELL), valid_for=VALID
    )
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "InsufficientFunds"


async def test_a_price_far_from_the_market_is_refused(
    paper_gateway: CcxtGateway, frozen_quote: Quote
) -> None:
    outcome = await paper_gateway.create(
        passive(frozen_quote, price=frozen_quote.ask.quantize(Decimal(1)) * 6), valid_for=VALID
    )
    assert isinstance(outcome, Rejected)


async def test_a_market_order_is_sized_in_base_or_not_sent(
    paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote
) -> None:
    request = limit_order(type=OrderType.MARKET, price=None, time_in_force=TimeInForce.IOC)
    outcome = await paper_gateway.create(request, valid_for=VALID)
    if not dialect.sizes_market_buys_in_base:
        assert isinstance(outcome, Rejected)
        request = replace(request, side=Side.SELL)
        outcome = await paper_gateway.create(request, valid_for=VALID)
    assert isinstance(outcome, Accepted)
    assert (await found(paper_gateway, request)).filled == request.quantity


async def test_trades_and_closed_orders_come_in_pages_and_none_is_left_out(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, frozen_quote: Quote
) -> None:
    """A full page is a hundred; more orders than that in ten seconds are refused by binance and okx."""
    begun = now() - timedelta(minutes=1)
    assert frozen_quote.ask_size is not None
    for number in range(100):
        quantity = frozen_quote.ask_size + 1 if number == 0 else Decimal("0.0001")
        request = crossing(frozen_quote, quantity=quantity, client_id=f"qtestpage00000{number:03}")
        assert isinstance(await paper_gateway.create(request, valid_for=VALID), Accepted)
    trades = await paper_gateway.trades(SYMBOL, begun)
    assert (
        len({trade.trade_id for trade in trades})
        == len(trades)
        == len((await paper_account.books())["trades"])
    )
    assert len(trades) > 100
    assert len(await paper_gateway.closed_orders(SYMBOL, begun)) == 100


async def test_five_minutes_candles_of_six_hours(paper_gateway: CcxtGateway) -> None:
    until = now()
    history = await paper_gateway.candles(SYMBOL, until - timedelta(hours=6), until)
    assert 70 <= len(history.candles) <= 72
    assert all(candle.volume > 0 for candle in history.candles)
    assert history.unknown == ()
