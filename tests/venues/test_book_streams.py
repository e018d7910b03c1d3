"""Books through the unmodified classes of ccxt: binance, coinbase and kraken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from execution.core.market_data.feeds import Feed, FeedState
from execution.core.types import Book
from execution.paper.binance.rest_market import depth_weight
from tests.venues.stub import EXCHANGES, now, options_for, options_of
from tests.venues.test_market_streams import BTC, PublicExchange, binance, serving, states, watching
from tests.venues.test_streams import Reader


def unconfirmed(exchange_id: str) -> PublicExchange:
    """Return an exchange whose class in ccxt waits for no confirmation of a subscription."""

    async def react(_: web.WebSocketResponse, asked: dict[str, Any]) -> None: ...

    opening = EXCHANGES[exchange_id].opening
    return PublicExchange({path.split()[1]: body for path, body in opening.items()}, react)


def touches(reader: Reader) -> list[tuple[Decimal, Decimal]]:
    return [(event.quote.bid, event.quote.ask) for event in reader.events if event.quote is not None]


def books(reader: Reader) -> list[Book]:
    return [event.book for event in reader.events if event.book is not None]


# --- coinbase ----------------------------------------------------------------------------------------


def level2(kind: str, bid: str, ask: str) -> dict[str, Any]:
    sides = {"bid": bid, "offer": ask}
    updates = [
        {"side": side, "price_level": price, "new_quantity": "1", "event_time": now().isoformat()}
        for side, price in sides.items()
    ]
    event = {"type": kind, "product_id": "BTC-USDT", "updates": updates}
    return {"channel": "l2_data", "timestamp": now().isoformat(), "sequence_num": 0, "events": [event]}


async def test_where_quotes_come_from_the_book_it_is_watched_once() -> None:
    """ccxt has no watchBidsAsks for coinbase."""
    async with (
        serving(unconfirmed("coinbase")) as exchange,
        watching("coinbase", options_of(EXCHANGES["coinbase"], exchange.base), [BTC]) as (_, reader, stream),
    ):
        await reader.until(lambda _: any(asked["channel"] == "level2" for asked in exchange.sent))
        await exchange.publish("level2", level2("snapshot", "49999", "50001"))
        await reader.until(touches)
        assert not books(reader), "the book is not wanted yet"
        stream.want_books({BTC})
        await exchange.publish("level2", level2("update", "49999.5", "50000.5"))
        await reader.until(books)
        assert [price for price, _ in books(reader)[-1].bids] == [Decimal("49999.5"), Decimal(49999)]
        assert touches(reader)[-1] == (Decimal("49999.5"), Decimal("50000.5"))
        assert [asked["channel"] for asked in exchange.sent].count("level2") == 1
        stream.want_books(set())
        kept = len(books(reader))
        await exchange.publish("level2", level2("update", "49999.6", "50000.4"))
        await reader.until(lambda r: touches(r)[-1] == (Decimal("49999.6"), Decimal("50000.4")))
        assert len(books(reader)) == kept, "quotes go on, the book does not"


# --- kraken ------------------------------------------------------------------------------------------


async def test_a_book_whose_levels_ccxt_reads_as_text_is_kept() -> None:
    level = {"bids": [{"price": 49999.5, "qty": 1.0}], "asks": [{"price": 50000.5, "qty": 2.0}]}
    snapshot = {"channel": "book", "type": "snapshot", "data": [{"symbol": BTC, "checksum": 1} | level]}
    async with (
        serving(unconfirmed("kraken")) as exchange,
        watching("kraken", options_of(EXCHANGES["kraken"], exchange.base), [BTC]) as (
            gateway,
            reader,
            stream,
        ),
    ):
        calls = gateway.budget.calls
        before = calls._count.used(calls._clock())
        stream.want_books({BTC})
        await reader.until(lambda _: any("book" in text for text, _ in exchange.subscribed))
        await exchange.publish("book", snapshot)
        await reader.until(books)
        assert books(reader)[-1].bids == ((Decimal("49999.5"), Decimal(1)),)
        assert calls._count.used(calls._clock()) == before, "the snapshot came over the stream"


# --- binance -----------------------------------------------------------------------------------------


async def test_the_snapshot_that_ccxt_reads_for_a_book_costs_what_is_charged() -> None:
    """With ccxt's own 1,000 levels it cost ten times as much, and forty books a third of binance's limit a minute."""
    snapshot = {"lastUpdateId": 10, "bids": [["49999", "1"]], "asks": [["50001", "2"]]}
    async with (
        serving(binance(**{"/api/v3/depth": snapshot})) as exchange,
        watching("binance", options_for(exchange.base), [BTC]) as (gateway, reader, stream),
    ):
        calls = gateway.budget.calls
        before = calls._count.used(calls._clock())
        stream.want_books({BTC})
        await reader.until(lambda _: any("depth?" in path for path in exchange.asked))
        asked = next(path for path in exchange.asked if "depth?" in path)
        weight = depth_weight(dict(parse_qsl(asked.partition("?")[2])))
        assert calls._count.used(calls._clock()) - before == weight == 25


async def test_the_book_of_a_symbol_that_was_delisted_since_is_not_listed() -> None:
    """ccxt reads a snapshot for it, which the exchange refuses."""
    refused = {"code": -1121, "msg": "Invalid symbol."}
    async with (
        serving(binance(**{"/api/v3/depth": refused})) as exchange,
        watching("binance", options_for(exchange.base), [BTC]) as (_, reader, stream),
    ):
        stream.want_books({BTC})
        await reader.until(lambda r: states(r, BTC, Feed.BOOK))
        assert states(reader, BTC, Feed.BOOK) == [FeedState.NOT_LISTED]
