"""Ten minutes of ten live orders and a child of unknown fate: no call counter of kraken or coinbase is ever exceeded.

The gateway, ccxt's class and the paper exchange with its counters are the real ones. They run in one process and in
virtual time: ccxt's requests are handed to the paper exchange's application without a socket.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from execution.core.quantities import ceil_to, floor_to, minimum_quantity
from execution.core.states import ChildStatus
from execution.core.types import ChildRequest, Market, OrderRef, OrderType, Side, TimeInForce
from execution.engine.account_balances import AccountBalances
from execution.engine.ended_fills import EndedFills
from execution.models import ChildOrder, Venue
from execution.paper.app import SERVER, create_app
from execution.paper.coinbase.signing import private_pem
from execution.paper.server import Server
from execution.venues import rate_limit, timekeeping
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.in_turn import note_sent
from execution.verification.chaos.dialects import OPTIONS
from execution.verification.faults.virtual import BEGINNING
from tests.engine.desk import LoopDesk
from tests.engine.test_symbols import in_doubt, reconciler_of
from tests.factories import D, Rows
from tests.paper.keys import secret_of

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
KEY, ORDERS, MINUTES = "first", 10, 10
#: Each order rests a child for so long, then moves it, all at the same moment; streams are cut so often.
RESTS, CUT_EVERY = 15.0, 20.0


@dataclass
class Handed:
    """ccxt's session: each request is answered by the paper exchange's application, a moment later."""

    application: web.Application
    asked: list[str] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda url, **given: _Answer(self, method.upper(), url, given)

    async def close(self) -> None: ...


@dataclass
class _Answer:
    session: Handed
    method: str
    url: URL
    given: dict[str, Any]

    async def __aenter__(self) -> Any:
        self.session.asked.append(f"{self.method} {self.url.path}")
        # Timers of one moment go off in any order, and kraken's nonces have to come in theirs.
        travel = 0.02 + len(self.session.asked) * 1e-9
        note_sent()
        await asyncio.sleep(travel)
        body = StreamReader(Mock(), 2**16, loop=asyncio.get_running_loop())
        body.feed_data(self.given.get("data") or b"")
        body.feed_eof()
        headers = {**(self.given.get("headers") or {}), "Host": self.url.authority}
        path = self.url.raw_path_qs
        request = make_mocked_request(self.method, path, headers, payload=body, app=self.session.application)
        answer: Any = await self.session.application._handle(request)
        await asyncio.sleep(0.02)

        async def text(**_: Any) -> str:
            return str(answer.text)

        return SimpleNamespace(status=answer.status, reason="", headers=answer.headers, text=text)

    async def __aexit__(self, *_: object) -> None: ...


@dataclass
class Day:
    """Everything of one run; ``work`` is done in virtual time."""

    loop: LoopDesk
    gateway: CcxtGateway
    server: Server
    session: Handed
    creates: int = 0
    markets: dict[str, Market] = field(default_factory=dict)
    #: Far enough from each market that nothing fills.
    prices: dict[str, Decimal] = field(default_factory=dict)

    async def open(self) -> None:
        await self.gateway.open()
        self.markets = await self.gateway.markets(SYMBOLS)
        for symbol, market in self.markets.items():
            bid = (await self.gateway.quote(symbol)).bid
            self.prices[symbol] = floor_to(bid * D("0.99"), market.tick)

    async def order(self, number: int) -> None:
        """Rest a child far from the market, move it, and so on, as a live order does."""
        symbol = SYMBOLS[number % len(SYMBOLS)]
        market, price = self.markets[symbol], self.prices[symbol]
        quantity = ceil_to(2 * minimum_quantity(market, price), market.lot)
        for turn in range(int(MINUTES * 60 / RESTS)):
            client_id = f"other{number:02}x{turn:04}"
            await self.gateway.ready("create", symbol)
            request = ChildRequest(
                client_id, symbol, Side.BUY, OrderType.LIMIT, quantity, price, TimeInForce.POST_ONLY
            )
            outcome: Any = await self.gateway.create(request, valid_for=timedelta(seconds=5))
            assert type(outcome).__name__ == "Accepted", outcome
            self.creates += 1
            sent = self.loop.clock.now()
            await asyncio.sleep(RESTS)
            await self.gateway.ready("cancel", symbol, self.loop.clock.now() - sent)
            ref = OrderRef(client_id, symbol, outcome.report.exchange_id)
            await self.gateway.cancel(ref)
            await self.gateway.find(ref)

    async def cut_streams(self, reconciler: Any) -> None:
        while True:
            await asyncio.sleep(CUT_EVERY)
            in_doubt(self.loop, reconciler)
            await self.gateway.budget.stream()
            if self.gateway._client.id == "kraken":
                await self.gateway._client.privatePostGetWebSocketsToken()

    async def stay_unknown(self, child: ChildOrder) -> None:
        """Keep a child unknown: when it is proven absent, another one is."""
        while True:
            ChildOrder.objects.filter(pk=child.pk).update(
                status=ChildStatus.UNKNOWN, evidence={}, is_settled=False, over_at=None, ended_at=None,
                reported_filled=None, intended_at=self.loop.clock.now(),
                last_possible_send_at=self.loop.clock.now(),
            )  # fmt: skip
            await asyncio.sleep(150)


def open_day(rows: Rows, folder: Path, dialect: str, monkeypatch: pytest.MonkeyPatch) -> Day:
    loop = LoopDesk(rows)

    def seconds() -> float:
        return BEGINNING.timestamp() + loop.loop.time()

    folder.mkdir()
    account = {
        "key": KEY, "secret": secret_of(KEY), "passphrase": "p", "balances": {"USDT": "100000000"},
    }  # fmt: skip
    (folder / "accounts.json").write_text(json.dumps([account]))
    application = create_app(folder, seed=7, clock=seconds, frozen=True, history_minutes=10)
    application.freeze()
    clock = SimpleNamespace(monotonic=loop.loop.time)
    for module in (rate_limit, timekeeping):
        monkeypatch.setattr(module, "time", clock)
    secret = private_pem(secret_of(KEY)) if dialect == "coinbase" else secret_of(KEY)
    gateway = open_gateway(
        exchange_id=dialect,
        options=OPTIONS[dialect](9),
        api_key=KEY,
        secret=secret,
        clock=loop.clock.now,
    )
    client: Any = gateway._client
    session = Handed(application)
    client.session, client.open = session, lambda lazy=False: None
    client.milliseconds = lambda: int(seconds() * 1000)
    client.seconds = lambda: int(seconds())
    client.microseconds = lambda: int(seconds() * 1_000_000)
    return Day(loop, gateway, application[SERVER], session)


@pytest.mark.parametrize("dialect", ["kraken", "coinbase"])
def test_no_counter_is_exceeded_in_ten_minutes(
    virtual: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialect: str
) -> None:
    Venue.objects.update(exchange=dialect)
    child = virtual.resting()
    day = open_day(virtual, tmp_path / "paper", dialect, monkeypatch)
    day.loop.desk.exchange = day.gateway  # type: ignore[assignment]

    async def work() -> None:
        await day.open()
        reconciler = reconciler_of(day.loop, *SYMBOLS)
        parts = day.loop.desk.parts
        ended = EndedFills(
            parts, day.gateway, reconciler.missing_fills, account_pk=virtual.account.pk, fence=1
        )
        balances = AccountBalances(parts, day.gateway, virtual.account.pk, _nothing, asyncio.Event())
        background = [
            asyncio.ensure_future(one)
            for one in (
                reconciler.run(), ended.run(), balances.run(), day.cut_streams(reconciler), day.stay_unknown(child),
            )
        ]  # fmt: skip
        await asyncio.gather(*(day.order(number) for number in range(ORDERS)))
        assert not [task for task in background if task.done() and task.exception()]
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await day.gateway.close()

    day.loop.run(work, seconds=3600)
    assert day.creates == ORDERS * MINUTES * 60 / RESTS
    lists = sum(path.endswith(LISTS[dialect]) for path in day.session.asked)
    assert lists > MINUTES * 60 / LONGEST[dialect], "the unknown child is sought all the time"
    for limit, peak, refused in used(day.server, dialect):
        assert peak <= limit
        assert not refused


#: The list in which a child of unknown fate is sought, and the longest time between two looks.
LISTS = {"kraken": "/ClosedOrders", "coinbase": "/orders/historical/batch"}
LONGEST = {"kraken": 20.0, "coinbase": 3.0}


def used(server: Server, dialect: str) -> list[tuple[float, float, int]]:
    """Return limit, peak and refusals of each counter, as the paper exchange kept them."""
    if dialect == "coinbase":
        return [(one.limit, one.peak, one.refused) for one in server.limits.usage.values()]
    shown = server.kraken.counters.shown(server.accounts.find(KEY), server.exchange.clock())
    assert shown["refused"] == {}
    counters = [shown["calls"], *shown["trading"].values()]
    return [(one["limit"], one["peak"], one["refused"]) for one in counters]


async def _nothing(_: str) -> None: ...
