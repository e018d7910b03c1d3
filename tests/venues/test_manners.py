"""Seven exchanges beside binance through their real ccxt classes: what is sent, and what is made of answers.

The bodies are minimal and made up (``tests.venues.answers``); only HTTP is a stand-in.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest
import pytest_asyncio

from execution.core.types import (
    Accepted,
    BalanceAmounts,
    CancelConfirmed,
    CancelFailed,
    CancelGone,
    KeyPermissions,
    Liquidity,
    NotSent,
    OrderRef,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
    Unknown,
    VenueStatus,
)
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.protocol import LookFailed
from tests.venues.answers import AT, CLIENT_ID, Exchange
from tests.venues.answers.first import BYBIT, COINBASE, KRAKEN, OKX
from tests.venues.answers.second import BITGET, GATE, KUCOIN
from tests.venues.conftest import SYMBOL, Stub, limit_order, now, serving

EXCHANGES = [BYBIT, OKX, KRAKEN, COINBASE, KUCOIN, GATE, BITGET]
SINCE = datetime.fromtimestamp(AT / 1000, UTC) - timedelta(days=1)
OURS = OrderRef(CLIENT_ID, SYMBOL)
VALID = timedelta(seconds=1.5)
ORDER = limit_order(quantity=Decimal("0.02"), price=Decimal(50000))

pytestmark = pytest.mark.asyncio(loop_scope="module")


@functools.cache
def addresses_of(exchange_id: str) -> Any:
    return getattr(ccxt.pro, exchange_id)().urls["api"]


def options_of(exchange: Exchange, base: str) -> dict[str, Any]:
    """Every address of the exchange on the stub, with the path that it has in reality."""

    def at_stub(address: Any) -> Any:
        if isinstance(address, Mapping):
            return {name: at_stub(value) for name, value in address.items()}
        path = str(address).split("://", 1)[1].partition("/")[2]
        return f"{base}/{path}" if path else base

    return {"timeout_on_exit": 10, "urls": {"api": at_stub(addresses_of(exchange.id))}}


class Desk:
    """One gateway at one exchange, both kept for all tests of that exchange."""

    def __init__(self, exchange: Exchange, stub: Stub, gateway: CcxtGateway) -> None:
        self.exchange = exchange
        self.stub = stub
        self.gateway = gateway
        self.ref = replace(OURS, exchange_id=exchange.order_id)

    def forget(self) -> None:
        self.stub.answers.clear()
        self.stub.seen.clear()
        self.answers(self.exchange.opening)
        self.gateway.throttle._held_until = 0
        self.gateway.throttle._taken.clear()
        self.gateway.throttle._used = 0

    def answers(self, answers: Mapping[str, Any]) -> None:
        for what, body in answers.items():
            self.stub.answer(what, body)

    @property
    def asked(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.stub.seen]


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=EXCHANGES, ids=lambda exchange: exchange.id
)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    exchange: Exchange = request.param
    async with serving() as stub:
        gateway = open_gateway(
            exchange_id=exchange.id,
            options=options_of(exchange, stub.base),
            api_key="the-api-key",
            secret="dGhlLXNlY3JldDEy",
            passphrase="the-passphrase",
            clock=now,
            timeout=2,
        )
        desk = Desk(exchange, stub, gateway)
        desk.answers(exchange.opening)
        gateway._time._due = float("inf")  # the stub has no clock
        await gateway.open()
        gateway._time._due = float("inf")
        yield desk
        await gateway.close()


@pytest.fixture
def desk(opened: Desk) -> Desk:
    opened.forget()
    return opened


# --- create ---------------------------------------------------------------------------------------


async def test_an_accepted_order_has_the_exchanges_id_and_no_made_up_figure(desk: Desk) -> None:
    what, body = desk.exchange.created
    desk.stub.answer(what, body)
    outcome = await desk.gateway.create(ORDER, valid_for=VALID)
    assert isinstance(outcome, Accepted), outcome
    assert outcome.report.exchange_id == desk.exchange.order_id
    assert outcome.report.client_id == CLIENT_ID
    tells = desk.exchange is GATE  # the only one whose answer holds the order
    assert (outcome.report.status, outcome.report.filled) == (
        (VenueStatus.OPEN, Decimal("0.005")) if tells else (None, None)
    )
    assert desk.asked == [what]
    assert CLIENT_ID in desk.stub.seen[0].body


SENT: dict[str, dict[TimeInForce, str]] = {
    "bybit": {TimeInForce.IOC: '"timeInForce":"IOC"', TimeInForce.POST_ONLY: '"timeInForce":"PostOnly"'},
    "okx": {TimeInForce.IOC: '"ordType":"ioc"', TimeInForce.POST_ONLY: '"ordType":"post_only"'},
    "kraken": {TimeInForce.IOC: "timeinforce=IOC", TimeInForce.POST_ONLY: "oflags=fciq%2Cpost"},
    "coinbase": {TimeInForce.IOC: '"sor_limit_ioc"', TimeInForce.POST_ONLY: '"post_only":true'},
    "kucoin": {TimeInForce.IOC: '"timeInForce":"IOC"', TimeInForce.POST_ONLY: '"postOnly":true'},
    "gate": {TimeInForce.IOC: '"time_in_force":"ioc"', TimeInForce.POST_ONLY: '"time_in_force":"poc"'},
    "bitget": {TimeInForce.IOC: '"force":"ioc"', TimeInForce.POST_ONLY: '"force":"post_only"'},
}


@pytest.mark.parametrize("kind", [TimeInForce.IOC, TimeInForce.POST_ONLY])
async def test_kinds_of_orders_go_by_the_exchanges_names(desk: Desk, kind: TimeInForce) -> None:
    desk.answers(dict([desk.exchange.created]))
    await desk.gateway.create(replace(ORDER, time_in_force=kind), valid_for=VALID)
    assert SENT[desk.exchange.id][kind] in desk.stub.seen[0].body


async def test_our_id_arrives_under_the_exchanges_name(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.created]))
    await desk.gateway.create(ORDER, valid_for=VALID)
    names = {
        "bybit": '"orderLinkId":"{}"', "okx": '"clOrdId":"{}"', "kraken": "cl_ord_id={}",
        "coinbase": '"client_order_id":"{}"', "kucoin": '"clientOid":"{}"', "gate": '"text":"t-{}"',
        "bitget": '"clientOid":"{}"',
    }  # fmt: skip
    assert names[desk.exchange.id].format(CLIENT_ID) in desk.stub.seen[0].body


async def test_the_validity_goes_along_where_the_exchange_knows_one(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.created]))
    await desk.gateway.create(ORDER, valid_for=VALID)
    sent = desk.stub.seen[0]
    headers = {name.lower(): value for name, value in sent.headers.items()}
    said: dict[str, Any] = {
        "bybit": headers.get("x-bapi-recv-window") == "1500",
        "okx": is_soon(headers.get("exptime")),
        "gate": is_soon(headers.get("x-gate-exptime")),
        "bitget": '"receiveWindow":1500' in sent.body,
    }
    if desk.exchange.id in said:
        assert said[desk.exchange.id], sent
    else:
        assert not [name for name in (*headers, sent.body) if "window" in name or "deadline" in name]


def is_soon(header: str | None) -> bool:
    return header is not None and 0 < int(header) - now().timestamp() * 1000 <= 1500


async def test_the_window_of_a_create_does_not_stay_for_what_follows(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.created, desk.exchange.open_orders]))
    await desk.gateway.create(ORDER, valid_for=VALID)
    await desk.gateway.open_orders(SYMBOL)
    headers = {name.lower(): value for name, value in desk.stub.seen[-1].headers.items()}
    assert "exptime" not in headers
    assert "x-gate-exptime" not in headers
    assert headers.get("x-bapi-recv-window") != "1500"


async def test_a_market_buy_is_sized_in_base_or_not_sent(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.created]))
    outcome = await desk.gateway.create(replace(ORDER, type=OrderType.MARKET, price=None), valid_for=VALID)
    if desk.exchange.market_buys == "base":
        assert isinstance(outcome, Accepted)
        assert "0.02" in desk.stub.seen[0].body
    else:
        assert isinstance(outcome, Rejected)
        assert "sizes market buys in quote" in outcome.message
        assert not desk.asked


async def test_refusals_are_rejections_of_their_kind(desk: Desk) -> None:
    for status, body, kind in desk.exchange.refused:
        desk.stub.answer(desk.exchange.created[0], body, status)
        outcome = await desk.gateway.create(ORDER, valid_for=VALID)
        assert isinstance(outcome, Rejected), (body, outcome)
        assert outcome.kind == kind, body


BROKEN: list[tuple[int, Any]] = [
    (500, ""), (502, "<html>Bad Gateway</html>"), (503, "{}"), (504, "<html>Time-out</html>"),
    (200, "<html>maintenance</html>"), (200, '{"code":"0","da'), (200, "null"), (200, "{}"), (200, ""),
]  # fmt: skip


async def test_what_proves_nothing_leaves_the_order_unknown(desk: Desk) -> None:
    for status, body in [*desk.exchange.unknown, *BROKEN]:
        desk.stub.answer(desk.exchange.created[0], body, status)
        outcome = await desk.gateway.create(ORDER, valid_for=VALID)
        assert isinstance(outcome, Unknown), (status, body, outcome)
    assert len(desk.asked) == len(desk.exchange.unknown) + len(BROKEN)  # each was sent once


async def test_what_the_limiter_or_the_clocks_check_turned_away_was_not_sent(desk: Desk) -> None:
    for status, body in desk.exchange.turned_away:
        desk.stub.answer(desk.exchange.created[0], body, status, {"Retry-After": "3"})
        outcome = await desk.gateway.create(ORDER, valid_for=VALID)
        assert isinstance(outcome, NotSent), (body, outcome)
        assert outcome.retry_after == timedelta(seconds=3)
        desk.gateway._time._due = float("inf")


async def test_a_limiter_or_a_wrong_clock_takes_no_key_away(desk: Desk) -> None:
    what, _ = desk.exchange.open_orders
    for status, body in desk.exchange.turned_away:
        desk.stub.answer(what, body, status)
        with pytest.raises(LookFailed) as failure:
            await desk.gateway.open_orders(SYMBOL)
        assert not failure.value.refuses_key, body
        desk.gateway._time._due = float("inf")


# --- looks ----------------------------------------------------------------------------------------


async def test_an_order_is_found_by_its_id_and_by_ours(desk: Desk) -> None:
    for ref, answers in ((desk.ref, desk.exchange.found), (OURS, desk.exchange.found_by_ours)):
        desk.forget()
        if ref is OURS and desk.exchange is GATE:
            desk.stub.answer(f"GET /api/v4/spot/orders/t-{CLIENT_ID}", {"label": "ORDER_NOT_FOUND"}, 404)
        desk.answers(answers)
        report = await desk.gateway.find(ref)
        assert report is not None
        assert (report.exchange_id, report.client_id) == (desk.exchange.order_id, CLIENT_ID)
        assert (report.quantity, report.filled) == (Decimal("0.02"), Decimal("0.005"))
        assert (report.price, report.side) == (Decimal(50000), Side.BUY)


async def test_no_order_is_the_exchanges_own_word(desk: Desk) -> None:
    for what, (status, body) in desk.exchange.not_found.items():
        desk.stub.answer(what, body, status)
    assert await desk.gateway.find(desk.ref) is None
    assert await desk.gateway.find(OURS) is None


async def test_open_orders(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.open_orders]))
    (report,) = await desk.gateway.open_orders(SYMBOL)
    assert (report.status, report.filled) == (VenueStatus.OPEN, Decimal("0.005"))
    assert (report.exchange_id, report.client_id) == (desk.exchange.order_id, CLIENT_ID)


async def test_closed_orders_hold_what_was_cancelled_and_its_fills(desk: Desk) -> None:
    desk.answers(desk.exchange.closed_orders)
    (report,) = await desk.gateway.closed_orders(SYMBOL, SINCE)
    assert (report.status, report.filled) == (VenueStatus.CANCELLED, Decimal("0.005"))
    assert (report.exchange_id, report.client_id) == (desk.exchange.order_id, CLIENT_ID)


async def test_trades_have_the_fee_that_was_charged(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.trades]))
    (trade,) = await desk.gateway.trades(SYMBOL, SINCE)
    assert (trade.trade_id, trade.exchange_id) == (desk.exchange.trade_id, desk.exchange.order_id)
    assert (trade.side, trade.price, trade.quantity) == (Side.BUY, Decimal(50000), Decimal("0.005"))
    assert (trade.fee, trade.fee_currency) == (Decimal(desk.exchange.fee[0]), desk.exchange.fee[1])
    assert trade.liquidity is Liquidity.MAKER


async def test_a_list_that_is_none_is_a_failed_look(desk: Desk) -> None:
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        desk.exchange.open_orders[0]: lambda: desk.gateway.open_orders(SYMBOL),
        desk.exchange.trades[0]: lambda: desk.gateway.trades(SYMBOL, SINCE),
        list(desk.exchange.closed_orders)[-1]: lambda: desk.gateway.closed_orders(SYMBOL, SINCE),
    }
    hollow = {"retCode": 0, "code": "0", "error": [], "result": {}, "data": {}}
    if desk.exchange.id in ("kucoin", "bitget"):
        hollow["code"] = {"kucoin": "200000", "bitget": "00000"}[desk.exchange.id]
    if desk.exchange is COINBASE:
        del hollow["error"]
    for what, call in calls.items():
        for body in (hollow, "<html>maintenance</html>", "{}"):
            desk.forget()
            desk.answers(desk.exchange.closed_orders)
            desk.stub.answer(what, body)
            with pytest.raises(LookFailed):
                await call()


# --- cancel ---------------------------------------------------------------------------------------


async def test_a_cancel_by_our_id_is_confirmed_without_a_made_up_figure(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.cancelled]))
    if not desk.exchange.cancels_by_ours:
        assert isinstance(await desk.gateway.cancel(OURS), CancelFailed)
        assert not desk.asked
        return
    outcome = await desk.gateway.cancel(OURS)
    assert isinstance(outcome, CancelConfirmed), outcome
    assert outcome.report.client_id == CLIENT_ID
    tells = desk.exchange is GATE
    assert (outcome.report.status, outcome.report.filled) == (
        (VenueStatus.CANCELLED, Decimal("0.005")) if tells else (None, None)
    )
    assert CLIENT_ID in desk.stub.seen[0].body + desk.stub.seen[0].path


def cancel_by_id(exchange: Exchange) -> str:
    return (
        exchange.cancelled[0].replace(f"client-order/{CLIENT_ID}", "9001").replace(f"t-{CLIENT_ID}", "9001")
    )


async def test_a_cancel_answer_without_an_id_keeps_the_one_that_is_known(desk: Desk) -> None:
    desk.stub.answer(cancel_by_id(desk.exchange), desk.exchange.cancelled[1])
    outcome = await desk.gateway.cancel(desk.ref)
    assert isinstance(outcome, CancelConfirmed), outcome
    assert outcome.report.exchange_id == desk.exchange.order_id


async def test_an_order_that_is_gone_is_said_to_be_gone(desk: Desk) -> None:
    status, body = desk.exchange.cancel_gone
    desk.stub.answer(cancel_by_id(desk.exchange), body, status)
    assert isinstance(await desk.gateway.cancel(desk.ref), CancelGone)


async def test_a_broken_answer_to_a_cancel_is_a_failed_cancel(desk: Desk) -> None:
    for status, body in [*BROKEN, *desk.exchange.turned_away]:
        desk.stub.answer(cancel_by_id(desk.exchange), body, status)
        outcome = await desk.gateway.cancel(desk.ref)
        assert isinstance(outcome, CancelFailed), (status, body, outcome)
        desk.gateway._time._due = float("inf")


# --- the account ----------------------------------------------------------------------------------


async def test_balances_are_free_and_locked(desk: Desk) -> None:
    desk.answers(dict([desk.exchange.balances]))
    assert await desk.gateway.balances() == {"USDT": BalanceAmounts(Decimal(100), Decimal(5))}


async def test_permissions_are_what_the_exchange_tells(desk: Desk) -> None:
    told = desk.exchange.permissions
    if told is None:
        assert await desk.gateway.permissions() == KeyPermissions()
        return
    if told[1] is not None:
        desk.stub.answer(*told)
    assert await desk.gateway.permissions() == KeyPermissions(read=True, trade=True, withdraw=False)
    desk.stub.answer(told[0], {"retCode": 0, "result": {}, "data": {}, "code": "0"})
    with pytest.raises(LookFailed):
        await desk.gateway.permissions()


async def test_markets_have_exact_steps(desk: Desk) -> None:
    markets = await desk.gateway.markets([SYMBOL])
    market = markets[SYMBOL]
    assert (market.base, market.quote) == ("BTC", "USDT")
    ticks = {"bybit": "0.5", "coinbase": "0.01"}
    assert market.tick == Decimal(ticks.get(desk.exchange.id, "0.1"))
    lots = {"kraken": "0.00000001"}
    assert market.lot == Decimal(lots.get(desk.exchange.id, "0.00001"))
    minimums = {"kraken": "0.0001"}
    assert market.min_quantity == Decimal(minimums.get(desk.exchange.id, "0.00002"))
