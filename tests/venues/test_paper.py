"""The gateway against the paper exchange, in a process of its own, over HTTP and websockets."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from execution.core.types import (
    Accepted,
    CancelConfirmed,
    CancelFailed,
    CancelGone,
    ChildRequest,
    NotSent,
    OrderRef,
    OrderType,
    Quote,
    Rejected,
    Side,
    TimeInForce,
    Unknown,
    VenueStatus,
)
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.protocol import LookFailed
from tests.venues.conftest import SYMBOL, VALID, limit_order, now, options_for
from tests.venues.test_streams import Reader

READY = "paper exchange ready on "


@dataclass
class Paper:
    base: str
    token: str
    key: str

    async def control(self, method: str, path: str, **body: Any) -> Any:
        headers = {"X-Paper-Control": self.token}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{self.base}/_paper/{path}", json=body) as response,
        ):
            assert response.status == 200, await response.text()
            return await response.json()

    async def fault(self, on: str, kind: str, **fields: Any) -> None:
        await self.control("POST", "faults", on=on, kind=kind, **fields)

    async def orders(self) -> dict[str, dict[str, Any]]:
        ledger = await self.control("GET", "ledger")
        return {order["client_id"]: order for order in ledger[self.key]["orders"]}


@pytest.fixture(scope="module")
def folder() -> Iterator[tuple[str, Path]]:
    """One exchange for all tests of this file; each test has an account of its own."""
    with tempfile.TemporaryDirectory() as name:
        arguments = [sys.executable, "-m", "execution.paper", "--port", "0", "--folder", name]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line.startswith(READY), line
            yield line.removeprefix(READY), Path(name)
            process.terminate()


@pytest.fixture
async def paper(folder: tuple[str, Path]) -> AsyncIterator[Paper]:
    base, path = folder
    accounts = path / "accounts.json"
    known = json.loads(accounts.read_text()) if accounts.exists() else []
    key = f"key-{len(known)}"
    balances = {"BTC": "100", "ETH": "100", "USDT": "10000000"}
    accounts.write_text(json.dumps([*known, {"key": key, "secret": "the-secret", "balances": balances}]))
    paper = Paper(base, (path / "control").read_text().strip(), key)
    yield paper
    await paper.control("DELETE", "faults")


@pytest.fixture
async def gateway(paper: Paper) -> AsyncIterator[CcxtGateway]:
    gateway = open_gateway(
        exchange_id="binance",
        options=options_for(paper.base),
        api_key=paper.key,
        secret="the-secret",
        clock=now,
        timeout=2,
    )
    await gateway.open()
    yield gateway
    for report in await gateway.open_orders(SYMBOL):
        await gateway.cancel(OrderRef(str(report.client_id), SYMBOL, report.exchange_id))
    await gateway.close()


@pytest.fixture
async def quote(paper: Paper, gateway: CcxtGateway) -> AsyncIterator[Quote]:
    """The top of the book, which stands still meanwhile."""
    await paper.control("POST", "market", symbol="BTCUSDT", freeze=True)
    yield await gateway.quote(SYMBOL)
    await paper.control("POST", "market", symbol="BTCUSDT", freeze=False)


def passive(quote: Quote, **changes: Any) -> ChildRequest:
    price = (quote.bid * Decimal("0.98")).quantize(Decimal("0.01"))
    return limit_order(**({"price": price} | changes))


def crossing(quote: Quote, **changes: Any) -> ChildRequest:
    price = (quote.ask * Decimal("1.002")).quantize(Decimal("0.01"))
    return limit_order(**({"price": price, "time_in_force": TimeInForce.IOC} | changes))


def ref_of(request: ChildRequest, exchange_id: str | None = None) -> OrderRef:
    return OrderRef(client_id=request.client_id, symbol=request.symbol, exchange_id=exchange_id)


async def test_what_is_needed_before_trading(gateway: CcxtGateway, quote: Quote) -> None:
    markets = await gateway.markets([SYMBOL, "ETH/USDT", "NOT/LISTED"])
    assert set(markets) == {SYMBOL, "ETH/USDT"}
    assert markets[SYMBOL].tick > 0
    assert markets[SYMBOL].taker_fee == Decimal("0.001")
    assert (await gateway.balances())["BTC"].free == Decimal(100)
    permissions = await gateway.permissions()
    assert (permissions.trade, permissions.withdraw) == (True, False)
    assert quote.is_sane
    assert quote.bid_size is not None


async def test_place_find_cancel(paper: Paper, gateway: CcxtGateway, quote: Quote) -> None:
    request = passive(quote)
    created = await gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    assert (created.report.status, created.report.filled) == (VenueStatus.OPEN, Decimal(0))
    found = await gateway.find(ref_of(request))
    assert found is not None
    assert found.exchange_id == created.report.exchange_id
    assert (found.price, found.quantity) == (request.price, request.quantity)
    assert [report.client_id for report in await gateway.open_orders(SYMBOL)] == [request.client_id]
    cancelled = await gateway.cancel(ref_of(request, created.report.exchange_id))
    assert isinstance(cancelled, CancelConfirmed)
    assert (cancelled.report.status, cancelled.report.filled) == (VenueStatus.CANCELLED, Decimal(0))
    assert await gateway.open_orders(SYMBOL) == []
    closed = await gateway.closed_orders(SYMBOL, now() - timedelta(minutes=1))
    assert [(report.client_id, report.status) for report in closed] == [
        (request.client_id, VenueStatus.CANCELLED)
    ]
    assert isinstance(await gateway.cancel(ref_of(request)), CancelGone)


async def test_a_fill_is_the_same_in_the_answer_the_list_and_the_ledger(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    request = crossing(quote)
    created = await gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    assert created.report.status is VenueStatus.FILLED
    assert sum(trade.quantity for trade in created.trades) == request.quantity
    listed = await gateway.trades(SYMBOL, now() - timedelta(minutes=1))
    assert {t.trade_id: (t.price, t.quantity, t.fee, t.fee_currency) for t in created.trades} == {
        t.trade_id: (t.price, t.quantity, t.fee, t.fee_currency) for t in listed
    }
    ledger = (await paper.control("GET", "ledger"))[paper.key]["trades"]
    assert {str(trade["id"]): Decimal(trade["quantity"]) for trade in ledger} == {
        trade.trade_id: trade.quantity for trade in listed
    }


async def test_a_partial_fill_and_a_cancel_that_says_how_much(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    inside = quote.bid + Decimal("0.01") if quote.ask - quote.bid > Decimal("0.01") else quote.bid
    request = passive(quote, price=inside, quantity=Decimal("0.05"), time_in_force=TimeInForce.POST_ONLY)
    created = await gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    ahead = quote.bid_size if inside == quote.bid and quote.bid_size is not None else Decimal(0)
    taken = str(ahead + Decimal("0.02"))
    await paper.control("POST", "market", symbol="BTCUSDT", side="sell", quantity=taken, price=str(inside))
    cancelled = await gateway.cancel(ref_of(request))
    assert isinstance(cancelled, CancelConfirmed)
    assert cancelled.report.filled == Decimal("0.02")
    (trade,) = await gateway.trades(SYMBOL, now() - timedelta(minutes=1))
    assert (trade.quantity, trade.exchange_id) == (Decimal("0.02"), created.report.exchange_id)


async def test_an_ioc_takes_what_there_is_and_expires(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    assert quote.ask_size is not None
    request = crossing(quote, price=quote.ask, quantity=quote.ask_size + Decimal("0.5"))
    created = await gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    assert (created.report.status, created.report.filled) == (VenueStatus.EXPIRED, quote.ask_size)


async def test_a_cancel_that_loses_the_race_is_gone_and_the_look_tells(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    request = passive(quote, price=quote.bid, quantity=Decimal("0.01"))
    await gateway.create(request, valid_for=VALID)
    await paper.control("POST", "market", symbol="BTCUSDT", side="sell", quantity="50", price=str(quote.bid))
    assert isinstance(await gateway.cancel(ref_of(request)), CancelGone)
    found = await gateway.find(ref_of(request))
    assert found is not None
    assert (found.status, found.filled) == (VenueStatus.FILLED, request.quantity)


async def test_a_post_only_that_would_take_is_rejected(gateway: CcxtGateway, quote: Quote) -> None:
    outcome = await gateway.create(crossing(quote, time_in_force=TimeInForce.POST_ONLY), valid_for=VALID)
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "OrderImmediatelyFillable"


async def test_our_own_resting_order_is_not_traded_with(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    resting = passive(quote, price=quote.ask, side=Side.SELL, quantity=Decimal("0.01"))
    await gateway.create(resting, valid_for=VALID)
    assert quote.ask_size is not None
    taking = crossing(quote, price=quote.ask, client_id="qtaker00000000001", quantity=quote.ask_size + 1)
    created = await gateway.create(taking, valid_for=VALID)
    assert isinstance(created, Accepted)
    found = await gateway.find(ref_of(resting))
    assert found is not None
    assert (found.status, found.filled) == (VenueStatus.OPEN, Decimal(0))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"quantity": Decimal(101), "side": Side.SELL}, "InsufficientFunds"),
        ({"quantity": Decimal("0.00001")}, "BadRequest"),
    ],
)
async def test_refusals(gateway: CcxtGateway, quote: Quote, changes: dict[str, Any], kind: str) -> None:
    outcome = await gateway.create(passive(quote, **changes), valid_for=VALID)
    assert isinstance(outcome, Rejected)
    assert outcome.kind == kind


async def test_a_market_order(gateway: CcxtGateway, quote: Quote) -> None:
    request = limit_order(type=OrderType.MARKET, price=None, time_in_force=TimeInForce.IOC)
    created = await gateway.create(request, valid_for=VALID)
    assert isinstance(created, Accepted)
    assert created.report.filled == request.quantity


@pytest.mark.parametrize(
    "kind",
    [
        "drop_after", "truncate", "html_200", "empty_200", "status_502_after", "status_503_after",
        "status_504_after", "code_1007_after",
    ],
)  # fmt: skip
async def test_a_lost_answer_is_unknown_and_the_order_is_found(
    paper: Paper, gateway: CcxtGateway, quote: Quote, kind: str
) -> None:
    await paper.fault("create", kind)
    request = passive(quote)
    assert isinstance(await gateway.create(request, valid_for=VALID), Unknown)
    found = await gateway.find(ref_of(request))
    assert found is not None
    assert found.status is VenueStatus.OPEN
    assert isinstance(await gateway.create(request, valid_for=VALID), Unknown), "a duplicate"
    assert (await paper.orders())[request.client_id]["times_accepted"] == 1


@pytest.mark.parametrize("kind", ["drop_before", "status_500", "status_503", "status_504"])
async def test_a_lost_request_is_unknown_and_the_order_is_not_found(
    paper: Paper, gateway: CcxtGateway, quote: Quote, kind: str
) -> None:
    await paper.fault("create", kind)
    request = passive(quote)
    assert isinstance(await gateway.create(request, valid_for=VALID), Unknown)
    assert await gateway.find(ref_of(request)) is None


@pytest.mark.parametrize("kind", ["status_429", "status_418", "code_1021"])
async def test_what_was_turned_away_may_be_sent_again(
    paper: Paper, gateway: CcxtGateway, quote: Quote, kind: str
) -> None:
    await paper.fault("create", kind)
    request = passive(quote)
    assert isinstance(await gateway.create(request, valid_for=VALID), NotSent)
    assert isinstance(await gateway.create(request, valid_for=VALID), Accepted)


async def test_an_order_that_arrives_after_its_window_is_refused_by_the_exchange(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    gateway._client.options["timeDifference"] = 1500  # our stamp is a second and a half old on arrival
    request = passive(quote)
    assert isinstance(await gateway.create(request, valid_for=timedelta(seconds=1)), NotSent)
    assert request.client_id not in await paper.orders()


@pytest.mark.parametrize("kind", ["drop_after", "truncate", "html_200", "status_504_after"])
async def test_a_lost_answer_to_a_cancel_is_tried_again(
    paper: Paper, gateway: CcxtGateway, quote: Quote, kind: str
) -> None:
    request = passive(quote)
    await gateway.create(request, valid_for=VALID)
    await paper.fault("cancel", kind)
    first = await gateway.cancel(ref_of(request))
    # aiohttp itself repeats a DELETE whose kept-alive connection broke, and then it is gone already.
    assert isinstance(first, CancelFailed | CancelGone)
    assert isinstance(await gateway.cancel(ref_of(request)), CancelGone)
    found = await gateway.find(ref_of(request))
    assert found is not None
    assert found.status is VenueStatus.CANCELLED


@pytest.mark.parametrize("kind", ["truncate", "html_200", "empty_200", "status_429", "status_503"])
async def test_a_spoilt_look_is_no_evidence(
    paper: Paper, gateway: CcxtGateway, quote: Quote, kind: str
) -> None:
    since: datetime = now() - timedelta(minutes=1)
    await gateway.balances()  # the clock's difference is learned by now
    await paper.fault("any", kind, count=4)
    for look in (
        lambda: gateway.find(ref_of(limit_order())),
        lambda: gateway.open_orders(SYMBOL),
        lambda: gateway.closed_orders(SYMBOL, since),
        lambda: gateway.trades(SYMBOL, since),
    ):
        gateway.throttle._held_until = 0  # it would wait as asked
        with pytest.raises(LookFailed):
            await look()


async def test_the_account_stream_tells_everything_through_a_cut(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    reader = Reader(gateway.watch_account([SYMBOL]))
    await reader.until(lambda r: r.resumed == 1)
    first = crossing(quote)
    created = await gateway.create(first, valid_for=VALID)
    assert isinstance(created, Accepted)
    told = {trade.trade_id for trade in created.trades}
    await reader.until(lambda r: {trade.trade_id for trade in r.trades} == told)
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
