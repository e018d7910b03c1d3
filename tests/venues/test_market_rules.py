"""The rules of markets, from the exchanges' own market lists through ccxt's own classes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from execution.core.market_rules import market_block
from execution.core.types import Market, MarketStatus, Rejected, Side
from execution.venues.errors import hints_at_rules
from execution.venues.gateway import CcxtGateway
from execution.venues.protocol import VenueReadFailed
from tests.venues.market_lists import LISTS, listing
from tests.venues.stub import EXCHANGES, SYMBOL, VALID, Stub, StubbedVenue, exchange_info, limit_order

D = Decimal
#: One gateway for all tests of an exchange.
of_all = pytest.mark.asyncio(loop_scope="module")
#: Fields of a raw market, and what they say: status and shown word.
SAID: list[tuple[str, dict[str, Any], MarketStatus, str]] = [
    ("bybit", {"status": "Trading"}, MarketStatus.OPEN, "Trading"),
    ("bybit", {"status": "PreLaunch"}, MarketStatus.HALTED, "PreLaunch"),
    ("okx", {"state": "live"}, MarketStatus.OPEN, "live"),
    ("okx", {"state": "suspend"}, MarketStatus.HALTED, "suspend"),
    ("okx", {"state": "preopen"}, MarketStatus.HALTED, "preopen"),
    ("okx", {"state": "rebase"}, MarketStatus.HALTED, "rebase"),
    ("kraken", {"status": "online"}, MarketStatus.OPEN, "online"),
    ("kraken", {"status": "limit_only"}, MarketStatus.OPEN, "limit_only"),
    ("kraken", {"status": "cancel_only"}, MarketStatus.CANCEL_ONLY, "cancel_only"),
    ("kraken", {"status": "post_only"}, MarketStatus.POST_ONLY, "post_only"),
    ("kraken", {"status": "reduce_only"}, MarketStatus.CANCEL_ONLY, "reduce_only"),
    ("kraken", {"status": "maintenance"}, MarketStatus.HALTED, "maintenance"),
    ("kraken", {"status": "delisted"}, MarketStatus.NOT_LISTED, "delisted"),
    ("coinbase", {}, MarketStatus.OPEN, "online"),
    ("coinbase", {"trading_disabled": True}, MarketStatus.HALTED, "trading_disabled"),
    ("coinbase", {"cancel_only": True, "post_only": False}, MarketStatus.CANCEL_ONLY, "cancel_only"),
    ("coinbase", {"cancel_only": True, "post_only": True}, MarketStatus.CANCEL_ONLY, "cancel_only"),
    ("coinbase", {"post_only": True}, MarketStatus.POST_ONLY, "post_only"),
    ("coinbase", {"limit_only": True}, MarketStatus.OPEN, "online"),
    ("coinbase", {"view_only": True}, MarketStatus.HALTED, "view_only"),
    ("coinbase", {"auction_mode": True}, MarketStatus.HALTED, "auction_mode"),
    ("coinbase", {"status": "delisted"}, MarketStatus.NOT_LISTED, "delisted"),
    ("kucoin", {"enableTrading": True}, MarketStatus.OPEN, ""),
    ("kucoin", {"enableTrading": False}, MarketStatus.HALTED, "enableTrading: false"),
    ("kucoin", {"enableTrading": None}, MarketStatus.HALTED, "nothing of its status"),
    ("gate", {"trade_status": "tradable"}, MarketStatus.OPEN, "tradable"),
    ("gate", {"trade_status": "buyable"}, MarketStatus.BUY_ONLY, "buyable"),
    ("gate", {"trade_status": "sellable"}, MarketStatus.SELL_ONLY, "sellable"),
    ("gate", {"trade_status": "untradable"}, MarketStatus.HALTED, "untradable"),
    ("gate", {"trade_status": None}, MarketStatus.HALTED, "inactive"),
    ("bitget", {"status": "online"}, MarketStatus.OPEN, "online"),
    ("bitget", {"status": "gray"}, MarketStatus.HALTED, "gray"),
    ("bitget", {"status": "offline"}, MarketStatus.HALTED, "offline"),
    ("bitget", {"status": "halt"}, MarketStatus.HALTED, "halt"),
]
OF_BINANCE = [
    ("TRADING", MarketStatus.OPEN),
    ("CANCEL_ONLY", MarketStatus.CANCEL_ONLY),
    ("BREAK", MarketStatus.HALTED),
    ("HALT", MarketStatus.HALTED),
    ("END_OF_DAY", MarketStatus.HALTED),
    ("SOMETHING_NEW", MarketStatus.HALTED),
]


async def the_market(venue: StubbedVenue, **changes: Any) -> Market:
    venue.stub.answer(LISTS[venue.exchange.id], listing(venue.exchange, **changes))
    return (await venue.gateway.markets([venue.exchange.symbol]))[venue.exchange.symbol]


@of_all
async def test_every_word_of_an_exchange_says_what_its_market_takes(venue: StubbedVenue) -> None:
    mine = [(fields, status, word) for name, fields, status, word in SAID if name == venue.exchange.id]
    assert len(mine) >= 2
    for fields, status, word in mine:
        market = await the_market(venue, **fields)
        assert (market.status, market.status_word) == (status, word), fields


@pytest.mark.parametrize(("word", "status"), OF_BINANCE)
async def test_binance_says_it_in_its_status(
    stub: Stub, gateway: CcxtGateway, word: str, status: MarketStatus
) -> None:
    stub.answer("GET exchangeInfo", exchange_info(status=word))
    market = (await gateway.markets([SYMBOL]))[SYMBOL]
    assert (market.status, market.status_word) == (status, word)


async def test_a_binance_market_without_spot_trading_is_halted(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET exchangeInfo", exchange_info(isSpotTradingAllowed=False))
    market = (await gateway.markets([SYMBOL]))[SYMBOL]
    assert (market.status, market.status_word) == (MarketStatus.HALTED, "isSpotTradingAllowed: false")


@of_all
async def test_a_symbol_that_vanished_is_left_out(venue: StubbedVenue) -> None:
    assert await venue.gateway.markets(["GONE/USDT", SYMBOL]) == {
        SYMBOL: (await venue.gateway.markets([SYMBOL]))[SYMBOL]
    }


@of_all
async def test_a_closed_market_without_limits_is_as_good_as_none(venue: StubbedVenue) -> None:
    """okx lists markets that are to open with empty limits; an open one without is a failed read."""
    if venue.exchange.id != "okx":
        return
    before = venue.exchange.opening[LISTS["okx"]]["data"][0]
    empty = before | {"tickSz": "", "lotSz": "", "minSz": ""}
    for state, expected in (("preopen", {}), ("live", None)):
        answer = {**venue.exchange.opening[LISTS["okx"]], "data": [empty | {"state": state}]}
        venue.stub.answer(LISTS["okx"], answer)
        if expected is None:
            with pytest.raises(VenueReadFailed, match="limits"):
                await venue.gateway.markets([SYMBOL])
        else:
            assert await venue.gateway.markets([SYMBOL]) == expected


BANDS: list[tuple[str, dict[str, Any], str | None, str | None]] = [
    ("bybit", {"riskParameters": {"priceLimitRatioX": "0.005", "priceLimitRatioY": "0.01"}}, "1.01", "0.99"),
    ("kucoin", {"priceLimitRate": "0.1"}, "1.1", "0.9"),
    ("bitget", {"buyLimitPriceRatio": "0.05", "sellLimitPriceRatio": "0.04"}, "1.05", "0.96"),
    ("bitget", {"buyLimitPriceRatio": "0", "sellLimitPriceRatio": ""}, None, None),
    ("kucoin", {"priceLimitRate": "1.5"}, "2.5", None),
    ("okx", {}, None, None),
    ("kraken", {}, None, None),
    ("coinbase", {}, None, None),
    ("gate", {}, None, None),
]


@of_all
async def test_ratios_are_the_band_of_a_buy_and_of_a_sell(venue: StubbedVenue) -> None:
    for name, fields, high, low in BANDS:
        if name == venue.exchange.id:
            market = await the_market(venue, **fields)
            assert market.buy_band_high == (None if high is None else D(high))
            assert market.sell_band_low == (None if low is None else D(low))
            assert (market.buy_band_low, market.sell_band_high) == (None, None)


@pytest.mark.parametrize(
    ("name", "multipliers", "band"),
    [
        (
            "PERCENT_PRICE_BY_SIDE",
            {
                "bidMultiplierUp": "1.2",
                "bidMultiplierDown": "0.2",
                "askMultiplierUp": "5",
                "askMultiplierDown": "0.8",
            },
            ("0.2", "1.2", "0.8", "5"),
        ),
        ("PERCENT_PRICE", {"multiplierUp": "1.3", "multiplierDown": "0.7"}, ("0.7", "1.3", "0.7", "1.3")),
        ("SOMETHING_ELSE", {"multiplierUp": "1.3"}, (None, None, None, None)),
    ],
)
async def test_binance_tells_its_band_in_a_filter(
    stub: Stub, gateway: CcxtGateway, name: str, multipliers: dict[str, str], band: tuple[str | None, ...]
) -> None:
    info = exchange_info()
    info["symbols"][0]["filters"].append({"filterType": name, **multipliers, "avgPriceMins": 5})
    stub.answer("GET exchangeInfo", info)
    market = (await gateway.markets([SYMBOL]))[SYMBOL]
    found = (market.buy_band_low, market.buy_band_high, market.sell_band_low, market.sell_band_high)
    assert found == tuple(None if edge is None else D(edge) for edge in band)


MAXIMUMS: list[tuple[str, dict[str, Any], str | None, str | None]] = [
    ("bybit", {"lotSizeFilter": {"basePrecision": "0.00001", "maxOrderQty": "50", "maxOrderAmt": "900000",
                                 "maxLimitOrderQty": "40", "postOnlyMaxLimitOrderSize": "30"}}, "30", "900000"),
    ("bybit", {}, "50", None),
    # The most of a market order, in quote, is what ccxt takes for the most of any.
    ("okx", {"maxLmtAmt": "20000000", "maxMktSz": "1000000"}, "50", "20000000"),
    ("kraken", {}, None, None),
    ("coinbase", {}, "50", "1000000"),
    ("kucoin", {}, "50", "1000000"),
    ("gate", {"max_quote_amount": "50000", "max_base_amount": "7"}, "7", "50000"),
    ("bitget", {}, "50", None),
    ("bitget", {"maxTradeAmount": "0"}, None, None),
]  # fmt: skip


@of_all
async def test_the_most_of_one_order(venue: StubbedVenue) -> None:
    for name, fields, quantity, notional in MAXIMUMS:
        if name == venue.exchange.id:
            market = await the_market(venue, **fields)
            assert market.max_quantity == (None if quantity is None else D(quantity)), fields
            assert market.max_notional == (None if notional is None else D(notional)), fields


async def test_a_symbol_that_is_listed_later_is_found_and_one_that_vanished_cannot_be_traded(
    stub: Stub, gateway: CcxtGateway
) -> None:
    info = exchange_info()
    (bitcoin,) = info["symbols"]
    ether = bitcoin | {"symbol": "ETHUSDT", "baseAsset": "ETH"}
    both = ["BTC/USDT", "ETH/USDT"]
    assert sorted(await gateway.markets(both)) == ["BTC/USDT"]
    stub.answer("GET exchangeInfo", info | {"symbols": [bitcoin, ether]})
    assert sorted(await gateway.markets(both)) == both
    stub.answer("GET exchangeInfo", info | {"symbols": [ether]})
    assert sorted(await gateway.markets(both)) == ["ETH/USDT"]
    refused = await gateway.create(limit_order(), valid_for=VALID)
    assert refused == Rejected("BadSymbol", "BTC/USDT is not listed")
    assert hints_at_rules(refused)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (-1013, "Market is closed.", "MarketClosed"),
        (-2010, "Market is closed.", "MarketClosed"),
        (-1013, "Filter failure: LOT_SIZE", "InvalidOrder"),
        (-1013, "Filter failure: PRICE_FILTER", "InvalidOrder"),
        (-1013, "Filter failure: NOTIONAL", "BadRequest"),
        (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE", "InvalidOrder"),
        (-1013, "Filter failure: SOMETHING_NEW", "BadRequest"),
    ],
)
async def test_refusals_that_hint_at_other_rules(
    stub: Stub, gateway: CcxtGateway, code: int, message: str, kind: str
) -> None:
    stub.answer("POST order", {"code": code, "msg": message}, status=400)
    refused = await gateway.create(limit_order(), valid_for=VALID)
    assert isinstance(refused, Rejected)
    assert refused.kind == kind
    assert hints_at_rules(refused)


async def test_refusals_that_do_not(stub: Stub, gateway: CcxtGateway) -> None:
    for message in (
        "Account has insufficient balance for requested action.",
        "Order would immediately match and take.",
    ):
        stub.answer("POST order", {"code": -2010, "msg": message}, status=400)
        refused = await gateway.create(limit_order(), valid_for=VALID)
        assert isinstance(refused, Rejected)
        assert not hints_at_rules(refused)


async def test_binance_bounds_the_value_of_an_order(stub: Stub, gateway: CcxtGateway) -> None:
    info = exchange_info()
    info["symbols"][0]["filters"][2] |= {"maxNotional": "9000000.00000000"}
    stub.answer("GET exchangeInfo", info)
    assert (await gateway.markets([SYMBOL]))[SYMBOL].max_notional == D(9_000_000)


def test_what_is_closed_to_a_side_says_why() -> None:
    assert set(LISTS) == set(EXCHANGES)
    market = Market("BTC/USDT", "BTC", "USDT", D("0.01"), D("0.001"), D("0.001"), D(5))
    taken = {
        MarketStatus.OPEN: (True, True),
        MarketStatus.POST_ONLY: (True, True),
        MarketStatus.BUY_ONLY: (True, False),
        MarketStatus.SELL_ONLY: (False, True),
        MarketStatus.CANCEL_ONLY: (False, False),
        MarketStatus.HALTED: (False, False),
        MarketStatus.NOT_LISTED: (False, False),
    }
    assert set(taken) == set(MarketStatus)
    for status, expected in taken.items():
        closed = replace(market, status=status, status_word="WORD")
        blocks = [market_block(closed, side) for side in (Side.BUY, Side.SELL)]
        assert tuple(not block for block in blocks) == expected
        assert all("WORD" in block for block in blocks if block)
