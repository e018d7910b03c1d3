"""The streams of a real paper exchange, in both dialects: everything told once, also through a cut."""

from __future__ import annotations

from decimal import Decimal

from execution.core.types import Accepted, Quote, TimeInForce, VenueStatus
from execution.venues.gateway import CcxtGateway
from tests.acceptance.conftest import Paper, crossing, passive, ref_of
from tests.venues.conftest import SYMBOL, VALID, now
from tests.venues.test_streams import Reader


async def test_the_account_stream_tells_everything_through_a_cut(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    reader = Reader(gateway.watch_account([SYMBOL]))
    await reader.until(lambda r: r.resumed == 1)
    first = crossing(quote)
    assert isinstance(await gateway.create(first, valid_for=VALID), Accepted)
    listed = await gateway.trades(SYMBOL, now().replace(year=2020))
    told = {(t.trade_id, t.price, t.quantity, t.fee, t.fee_currency, t.liquidity) for t in listed}
    await reader.until(lambda r: len(r.trades) >= len(listed))
    assert {
        (t.trade_id, t.price, t.quantity, t.fee, t.fee_currency, t.liquidity) for t in reader.trades
    } == told
    assert {trade.client_id for trade in reader.trades} == {first.client_id}
    await reader.until(lambda r: any(x.status is VenueStatus.FILLED for x in r.reports))

    await paper.control("POST", "streams/cut")
    await reader.until(lambda r: r.resumed == 2)
    resting = passive(quote, client_id="qtestparent010002")
    await gateway.create(resting, valid_for=VALID)
    await reader.until(lambda r: any(x.client_id == resting.client_id for x in r.reports))
    await gateway.cancel(ref_of(resting))
    await reader.until(lambda r: any(x.status is VenueStatus.CANCELLED for x in r.reports))
    assert {x.client_id for x in reader.reports} == {first.client_id, resting.client_id}
    await reader.stop()


async def test_the_account_stream_tells_a_makers_fills_one_by_one(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    reader = Reader(gateway.watch_account([SYMBOL]))
    await reader.until(lambda r: r.resumed == 1)
    inside = quote.bid + Decimal("0.01")
    request = passive(quote, price=inside, quantity=Decimal("0.03"), time_in_force=TimeInForce.POST_ONLY)
    await gateway.create(request, valid_for=VALID)
    for quantity in ("0.01", "0.02"):
        await paper.taker("sell", quantity, str(inside))
    await reader.until(lambda r: any(x.status is VenueStatus.FILLED for x in r.reports))
    assert [(t.quantity, t.fee) for t in reader.trades] == [
        (Decimal("0.01"), Decimal("0.00001")),
        (Decimal("0.02"), Decimal("0.00002")),
    ]
    assert Decimal("0.01") in {report.filled for report in reader.reports}
    await reader.stop()


async def test_the_market_stream_shows_quotes_and_trades_through_a_cut(
    paper: Paper, gateway: CcxtGateway
) -> None:
    reader = Reader(gateway.watch_market([SYMBOL, "ETH/USDT"]))

    def symbols(r: Reader) -> set[str]:
        return {event.symbol for event in r.events if event.quote is not None}

    await reader.until(lambda r: symbols(r) == {SYMBOL, "ETH/USDT"}, seconds=20)
    await reader.until(lambda r: len(r.trades) > 0, seconds=20)
    await paper.control("POST", "streams/cut")
    reader.events.clear()
    await reader.until(lambda r: symbols(r) == {SYMBOL, "ETH/USDT"} and len(r.trades) > 0, seconds=20)
    assert all(event.quote.is_sane for event in reader.events if event.quote)
    await reader.stop()
