"""Books over REST through the real ccxt classes: levels of size 0 (T21), empty sides, and symbols that are gone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from execution.core.market_data.feeds import FeedState
from execution.venues.gateway import CcxtGateway
from execution.venues.protocol import VenueReadFailed
from tests.venues.answers import AT, AT_TEXT
from tests.venues.answers.first import bybit_says, kraken_says, okx_says
from tests.venues.answers.second import kucoin_says
from tests.venues.stub import SYMBOL, Stub, StubbedVenue

pytestmark = pytest.mark.asyncio(loop_scope="module")

Rows = list[tuple[str, str]]
BIDS: Rows = [("100", "1"), ("99", "0"), ("98", "1")]
ASKS: Rows = [("101", "0"), ("102", "2"), ("103", "0.000")]
#: The paths of the exchanges' books.
PATHS = {
    "bybit": "GET /v5/market/orderbook",
    "okx": "GET /api/v5/market/books",
    "kraken": "GET /0/public/Depth",
    "coinbase": "GET /api/v3/brokerage/market/product_book",
    "kucoin": "GET /api/v1/market/orderbook/level2_20",
    "gate": "GET /api/v4/spot/order_book",
    "bitget": "GET /api/v2/spot/market/orderbook",
}


def answer_of(exchange_id: str, bids: Rows, asks: Rows) -> Any:
    """Return the exchange's answer with these prices and sizes."""
    sides = {"bids": [list(row) for row in bids], "asks": [list(row) for row in asks]}
    if exchange_id == "bybit":
        return bybit_says(s="BTCUSDT", b=sides["bids"], a=sides["asks"], ts=AT, u=1)
    if exchange_id == "okx":
        four = {name: [[*row, "0", "1"] for row in rows] for name, rows in sides.items()}
        return okx_says(four | {"ts": str(AT)})
    if exchange_id == "kraken":
        return kraken_says({"XBTUSDT": {name: [[*row, 1] for row in rows] for name, rows in sides.items()}})
    if exchange_id == "coinbase":
        named = {
            name: [dict(zip(("price", "size"), row, strict=True)) for row in rows]
            for name, rows in sides.items()
        }
        return {"pricebook": named | {"product_id": "BTC-USDT", "time": AT_TEXT}}
    if exchange_id == "kucoin":
        return kucoin_says(sides | {"sequence": "1", "time": AT})
    if exchange_id == "bitget":
        return {"code": "00000", "data": sides | {"ts": str(AT)}}
    return sides | {"id": 1, "current": AT, "update": AT}


async def test_a_level_of_size_0_is_left_out_and_the_book_is_kept(venue: StubbedVenue) -> None:
    venue.stub.answer(PATHS[venue.exchange.id], answer_of(venue.exchange.id, BIDS, ASKS))
    book = await venue.gateway.book(SYMBOL)
    assert book.bids == ((Decimal(100), Decimal(1)), (Decimal(98), Decimal(1)))
    assert book.asks == ((Decimal(102), Decimal(2)),)


@pytest.mark.parametrize("asks", [[], [("101", "0")]], ids=["none", "size 0"])
async def test_a_book_without_asks_shows_that_it_has_one_side(venue: StubbedVenue, asks: Rows) -> None:
    venue.stub.answer(PATHS[venue.exchange.id], answer_of(venue.exchange.id, BIDS, asks))
    with pytest.raises(VenueReadFailed, match="there are no asks") as failed:
        await venue.gateway.book(SYMBOL)
    assert failed.value.shows is FeedState.ONE_SIDED


async def test_a_symbol_that_ccxt_does_not_know_is_not_listed(venue: StubbedVenue) -> None:
    with pytest.raises(VenueReadFailed) as failed:
        await venue.gateway.book("NOPE/USDT")
    assert failed.value.shows is FeedState.NOT_LISTED


#: The word of exchanges that a symbol was delisted since the markets were read: HTTP status and body.
GONE: dict[str, tuple[int, Any]] = {
    "okx": (200, {"code": "51001", "msg": "Instrument ID doesn't exist.", "data": []}),
    "kraken": (200, {"error": ["EQuery:Unknown asset pair"]}),
    "gate": (400, {"label": "INVALID_CURRENCY_PAIR", "message": "Invalid currency pair BTC_USDT"}),
    "kucoin": (200, {"code": "900001", "msg": "symbol not exists"}),
}


async def test_a_symbol_that_was_delisted_since_is_not_listed(venue: StubbedVenue) -> None:
    status, body = GONE.get(venue.exchange.id, (0, None))
    if not status:
        return
    venue.stub.answer(PATHS[venue.exchange.id], body, status=status)
    with pytest.raises(VenueReadFailed) as failed:
        await venue.gateway.book(SYMBOL)
    assert failed.value.shows is FeedState.NOT_LISTED


async def test_a_failure_that_proves_nothing_shows_nothing(venue: StubbedVenue) -> None:
    venue.stub.answer(PATHS[venue.exchange.id], "<html>not found</html>", status=503)
    with pytest.raises(VenueReadFailed) as failed:
        await venue.gateway.book(SYMBOL)
    assert failed.value.shows is None
    text = str(failed.value)
    assert text.endswith("503 Service Unavailable"), "neither the page nor the address with its parameters"
    assert "://" not in text


# --- binance ---------------------------------------------------------------------------------------


@pytest.mark.asyncio(loop_scope="function")
async def test_binance_alike(stub: Stub, gateway: CcxtGateway) -> None:
    def rows(side: Rows) -> list[list[str]]:
        return [list(row) for row in side]

    stub.answer("GET depth", {"lastUpdateId": 1, "bids": rows(BIDS), "asks": rows(ASKS)})
    book = await gateway.book(SYMBOL)
    assert (len(book.bids), book.asks) == (2, ((Decimal(102), Decimal(2)),))
    found = {
        FeedState.ONE_SIDED: ({"lastUpdateId": 1, "bids": rows(BIDS), "asks": []}, 200),
        FeedState.NOT_LISTED: ({"code": -1121, "msg": "Invalid symbol."}, 400),
    }
    for state, (body, status) in found.items():
        stub.answer("GET depth", body, status=status)
        with pytest.raises(VenueReadFailed) as failed:
            await gateway.book(SYMBOL)
        assert failed.value.shows is state
