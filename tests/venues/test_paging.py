"""Lists in pages and stretches by each exchange's manner, and who is refused when an account is opened."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from execution.core.addresses import Network
from execution.venues.client import client_class
from execution.venues.exchanges import spec_of
from execution.venues.gateway import open_gateway
from execution.venues.pages import stretches
from execution.venues.protocol import VenueReadFailed
from execution.venues.requests import refuse_unfit
from tests.venues.answers import AT, Exchange
from tests.venues.answers.first import BYBIT, COINBASE, KRAKEN, OKX, bybit_says
from tests.venues.answers.second import BITGET, GATE, KUCOIN, kucoin_says
from tests.venues.stub import SYMBOL, Stub, StubbedVenue, now, options_of, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
SINCE = now() - timedelta(hours=1)
Params = dict[str, str]


def first_entry(tree: Any) -> Any:
    """Return the only trade in an exchange's answer."""
    while isinstance(tree, dict) and not {"tradeId", "execId", "trade_id", "ordertxid", "id"} & tree.keys():
        tree = next(value for value in tree.values() if isinstance(value, dict | list) and value)
    return tree[0] if isinstance(tree, list) else tree


def trades_of(exchange: Exchange, count: int, name: str) -> list[Any]:
    """Return so many trades, newest first."""
    entry = first_entry(exchange.trades[1])
    return [entry | {name: str(number)} for number in range(count, 0, -1)]


def by_cursor(wrap: Callable[[list[Any], str], Any], param: str, size: int) -> Callable[..., Any]:
    def page(trades: list[Any], params: Params) -> Any:
        start = int(params.get(param) or 0)
        end = start + size
        return wrap(trades[start:end], str(end) if end < len(trades) else "")

    return page


def below(wrap: Callable[[list[Any]], Any], param: str, name: str) -> Callable[..., Any]:
    def page(trades: list[Any], params: Params) -> Any:
        under = int(params.get(param) or 1_000_000)
        return wrap([trade for trade in trades if int(trade[name]) < under][:100])

    return page


def kraken_page(trades: list[Any], params: Params) -> Any:
    start = int(params.get("ofs") or 0)
    page = {trade["number"]: trade for trade in trades[start : start + 50]}
    return {"error": [], "result": {"count": len(trades), "trades": page}}


def gate_page(trades: list[Any], params: Params) -> Any:
    start = (int(params.get("page") or 1) - 1) * int(params["limit"])
    return trades[start : start + int(params["limit"])]


PAGED: list[tuple[Exchange, str, int, Callable[..., Any]]] = [
    (BYBIT, "execId", 250,
     by_cursor(lambda page, after: bybit_says(list=page, nextPageCursor=after), "cursor", 100)),
    (COINBASE, "trade_id", 250, by_cursor(lambda page, after: {"fills": page, "cursor": after}, "cursor", 100)),
    (KUCOIN, "tradeId", 250,
     by_cursor(lambda page, after: kucoin_says({"items": page, "lastId": after}), "lastId", 100)),
    (BITGET, "tradeId", 200, below(lambda page: {"code": "00000", "data": page}, "idLessThan", "tradeId")),
    (OKX, "billId", 201, below(lambda page: {"code": "0", "data": page}, "after", "billId")),
    (GATE, "id", 1001, gate_page),
    (KRAKEN, "number", 120, kraken_page),
]  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stub() -> AsyncIterator[Stub]:
    async with serving() as stub:
        yield stub


async def desk_at(exchange: Exchange, stub: Stub) -> StubbedVenue:
    gateway = open_gateway(
        exchange_id=exchange.id,
        options=options_of(exchange, stub.base),
        api_key="k",
        secret="dGhlLXNlY3JldDEy",
        passphrase="p",
        clock=now,
    )
    desk = StubbedVenue(exchange, stub, gateway)
    desk.forget()
    return desk


def serve(stub: Stub, what: str, page: Callable[[Params], Any]) -> list[Params]:
    """Answer by the request's parameters; what was asked."""
    asked: list[Params] = []

    async def handler(request: web.Request, params: Params) -> web.StreamResponse:
        asked.append(params)
        return web.json_response(page(params))

    stub.answers[what] = handler
    return asked


@pytest.mark.parametrize(("exchange", "name", "count", "page"), PAGED, ids=[entry[0].id for entry in PAGED])
async def test_every_page_of_trades_is_read(
    stub: Stub, exchange: Exchange, name: str, count: int, page: Callable[..., Any]
) -> None:
    desk = await desk_at(exchange, stub)
    await desk.gateway.open()
    trades = trades_of(exchange, count, name)
    if exchange is OKX:
        trades = [trade | {"tradeId": trade["billId"]} for trade in trades]
    asked = serve(stub, exchange.trades[0], lambda params: page(trades, params))
    listed = await desk.gateway.trades(SYMBOL, SINCE)
    assert sorted(int(trade.trade_id) for trade in listed) == list(range(1, count + 1))
    assert len(asked) > 1
    await desk.gateway.close()


async def test_a_page_full_of_other_symbols_is_not_the_last(stub: Stub) -> None:
    desk = await desk_at(KRAKEN, stub)
    await desk.gateway.open()
    ours, others = trades_of(KRAKEN, 1, "number"), trades_of(KRAKEN, 51, "number")[:50]
    listed = [trade | {"pair": "ETHUSDT"} for trade in others] + ours
    serve(stub, KRAKEN.trades[0], lambda params: kraken_page(listed, params))
    assert [trade.trade_id for trade in await desk.gateway.trades(SYMBOL, SINCE)] == ["1"]
    await desk.gateway.close()


async def test_an_empty_last_page_that_names_a_cursor_ends_the_list(stub: Stub) -> None:
    desk = await desk_at(COINBASE, stub)
    await desk.gateway.open()
    trade = first_entry(COINBASE.trades[1])
    pages = {"": {"fills": [trade], "cursor": "c"}, "c": {"fills": [], "cursor": "d"}}
    serve(stub, COINBASE.trades[0], lambda params: json.loads(json.dumps(pages[params.get("cursor", "")])))
    assert len(await desk.gateway.trades(SYMBOL, SINCE)) == 1
    await desk.gateway.close()


async def test_a_list_without_a_known_way_on_fails_when_its_page_is_full(stub: Stub) -> None:
    desk = await desk_at(GATE, stub)
    await desk.gateway.open()
    what, (group,) = GATE.open_orders
    orders = [group["orders"][0] | {"id": str(number)} for number in range(100)]
    stub.answer(what, [group | {"orders": orders}])
    with pytest.raises(VenueReadFailed, match="one page of more"):
        await desk.gateway.open_orders(SYMBOL)
    await desk.gateway.close()


async def test_a_long_time_is_asked_for_in_the_stretches_that_the_exchange_takes(stub: Stub) -> None:
    desk = await desk_at(BYBIT, stub)
    await desk.gateway.open()
    asked = serve(stub, BYBIT.trades[0], lambda params: bybit_says(list=[], nextPageCursor=""))
    since = now() - timedelta(days=16)
    await desk.gateway.trades(SYMBOL, since)
    bounds = [(int(params["startTime"]), int(params["endTime"])) for params in asked]
    assert len(bounds) == 3
    assert bounds[0][0] == int(since.timestamp() * 1000)
    assert all(later[0] == earlier[1] for earlier, later in itertools.pairwise(bounds))
    assert all(end - start <= 7 * 86_400_000 for start, end in bounds)
    assert bounds[-1][1] >= now().timestamp() * 1000
    await desk.gateway.close()


async def test_stretches_leave_no_gap_and_an_open_end_where_there_is_no_limit() -> None:
    assert list(stretches(None, 10, timedelta(days=7))) == [(None, None)]
    assert list(stretches(5, 10, None)) == [(5, None)]
    assert next(iter(stretches(AT + 9_000, AT, timedelta(days=7))))[0] == AT + 9_000
    pieces = list(stretches(0, 12_000, timedelta(seconds=5)))
    assert [start for start, _ in pieces] == [0, 5_000, 10_000, 15_000]


# --- who is refused -------------------------------------------------------------------------------


async def test_an_exchange_on_which_an_order_could_be_lost_from_sight_is_refused() -> None:
    with pytest.raises(ValueError, match="no way is known to look an order up by our client id"):
        open_gateway(
            exchange_id="bitfinex", options={}, api_key="k", secret="s", clock=now, network=Network("live")
        )
    client = client_class("gate")({"has": {"fetchMyTrades": False, "fetchOpenOrders": False}})
    with pytest.raises(ValueError, match="ccxt declares no fetchOpenOrders, fetchMyTrades"):
        refuse_unfit(client, spec_of("gate"))


WRONG_MODES: list[tuple[Exchange, str, Any, str]] = [
    (BYBIT, "GET /v5/user/query-api", bybit_says(uta=0), "not a unified trading account"),
    (KUCOIN, "GET /api/v1/hf/accounts/opened", kucoin_says(data=False), "no high-frequency spot account"),
]


@pytest.mark.parametrize(("exchange", "what", "body", "words"), WRONG_MODES, ids=["bybit", "kucoin"])
async def test_an_account_in_a_mode_that_is_not_traded_is_refused_when_it_is_opened(
    stub: Stub, exchange: Exchange, what: str, body: Any, words: str
) -> None:
    desk = await desk_at(exchange, stub)
    stub.answer(what, body)
    with pytest.raises(VenueReadFailed, match=words) as failure:
        await desk.gateway.open()
    assert failure.value.refuses_key
    stub.answer(what, bybit_says() if exchange is BYBIT else kucoin_says({}))
    with pytest.raises(VenueReadFailed) as failure:
        await desk.gateway.open()
    assert not failure.value.refuses_key  # an answer that does not tell takes no key away
    await desk.gateway.close()
