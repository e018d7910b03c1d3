"""The streams of a real paper exchange, in each dialect: everything told once, also through a cut."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from execution.core.types import Accepted, Quote, TimeInForce, VenueStatus
from execution.venues.gateway import CcxtGateway
from tests.acceptance.dialects import Dialect
from tests.acceptance.paper_account import VALID, PaperAccount, cancel, crossing, passive
from tests.venues.stub import SYMBOL, now
from tests.venues.test_streams import Reader


async def test_the_account_stream_tells_everything_through_a_cut(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote
) -> None:
    reader = Reader(paper_gateway.watch_account([SYMBOL]))
    await reader.until(lambda r: r.resumed == 1)
    first = crossing(frozen_quote)
    assert isinstance(await paper_gateway.create(first, valid_for=VALID), Accepted)
    listed = await paper_gateway.trades(SYMBOL, now().replace(year=2020))
    told = {(t.trade_id, t.price, t.quantity, t.fee, t.fee_currency, t.liquidity) for t in listed}
    if dialect.streams_trades:
        await reader.until(lambda r: len(r.trades) >= len(listed))
        assert {
            (t.trade_id, t.price, t.quantity, t.fee, t.fee_currency, t.liquidity) for t in reader.trades
        } == told
        assert {trade.client_id for trade in reader.trades} == {first.client_id}
    await reader.until(lambda r: any(x.status is VenueStatus.FILLED for x in r.reports))

    await paper_account.control("POST", "streams/cut")
    await reader.until(lambda r: r.resumed == 2)
    resting = passive(frozen_quote, client_id="qtestparent010002")
    await paper_gateway.create(resting, valid_for=VALID)
    await reader.until(lambda r: any(x.client_id == resting.client_id for x in r.reports))
    await cancel(paper_gateway, dialect, resting)
    await reader.until(lambda r: any(x.status is VenueStatus.CANCELLED for x in r.reports))
    assert {x.client_id for x in reader.reports} == {first.client_id, resting.client_id}
    await reader.stop()


async def test_the_account_stream_tells_a_makers_fills_one_by_one(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote
) -> None:
    reader = Reader(paper_gateway.watch_account([SYMBOL]))
    await reader.until(lambda r: r.resumed == 1)
    inside = frozen_quote.bid + Decimal("0.01")
    request = passive(
        frozen_quote, price=inside, quantity=Decimal("0.03"), time_in_force=TimeInForce.POST_ONLY
    )
    await paper_gateway.create(request, valid_for=VALID)
    for quantity in ("0.01", "0.02"):
        await paper_account.taker("sell", quantity, str(inside))
    await reader.until(lambda r: any(x.status is VenueStatus.FILLED for x in r.reports))
    charged = Decimal("0.001") if dialect.charges_base else Decimal("0.001") * inside
    parts = [Decimal("0.01"), Decimal("0.02")] if dialect.streams_trades else []
    assert [(t.quantity, t.fee) for t in reader.trades] == [(part, part * charged) for part in parts]
    filled = {report.filled for report in reader.reports}
    assert (Decimal("0.01") in filled) == dialect.tells_partial_fills
    assert Decimal("0.03") in filled
    await reader.stop()


async def test_the_market_stream_shows_quotes_and_trades_through_a_cut(
    paper_account: PaperAccount, paper_gateway: CcxtGateway
) -> None:
    reader = Reader(paper_gateway.watch_market([SYMBOL, "ETH/USDT"]).events())

    def symbols(r: Reader) -> set[str]:
        return {event.symbol for event in r.events if event.quote is not None}

    await reader.until(lambda r: symbols(r) == {SYMBOL, "ETH/USDT"}, seconds=20)
    await reader.until(lambda r: len(r.trades) > 0, seconds=20)
    await paper_account.control("POST", "streams/cut")
    reader.events.clear()
    await reader.until(lambda r: symbols(r) == {SYMBOL, "ETH/USDT"} and len(r.trades) > 0, seconds=20)
    assert all(event.quote.is_sane for event in reader.events if event.quote)
    await reader.stop()


async def test_a_book_that_is_wanted_later_streams_beside_the_quotes_and_again_when_wanted_again(
    paper_account: PaperAccount, paper_gateway: CcxtGateway
) -> None:
    """With quotes from the book's own stream, a snapshot is sent only once."""
    stream = paper_gateway.watch_market([SYMBOL])
    reader = Reader(stream.events())
    await reader.until(lambda r: any(event.quote for event in r.events), seconds=20)
    for _ in range(2):
        reader.events.clear()
        stream.want_books([SYMBOL])
        await reader.until(lambda r: any(event.book for event in r.events), seconds=20)
        reader.events.clear()
        await reader.until(lambda r: any(event.quote for event in r.events), seconds=20)
        stream.want_books([])
        await asyncio.sleep(0.5)
    await reader.stop()
