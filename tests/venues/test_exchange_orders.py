"""Seven exchanges beside binance through their real ccxt classes: orders and cancels.

The bodies are minimal and made up (``tests.venues.answers``); only HTTP is a stand-in.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from execution.core.types import (
    Accepted,
    CancelConfirmed,
    CancelFailed,
    CancelGone,
    NotSent,
    OrderType,
    Rejected,
    TimeInForce,
    Unknown,
    VenueStatus,
)
from execution.venues.protocol import VenueReadFailed
from tests.venues.answers import CLIENT_ID, Exchange
from tests.venues.answers.first import BYBIT
from tests.venues.answers.second import GATE
from tests.venues.stub import OURS, SYMBOL, StubbedVenue, limit_order, now
from tests.venues.test_orders import drop

VALID = timedelta(seconds=1.5)
ORDER = limit_order(quantity=Decimal("0.02"), price=Decimal(50000))

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- create ---------------------------------------------------------------------------------------


async def test_an_accepted_order_has_the_exchanges_id_and_no_made_up_figure(venue: StubbedVenue) -> None:
    what, body = venue.exchange.created
    venue.stub.answer(what, body)
    outcome = await venue.gateway.create(ORDER, valid_for=VALID)
    assert isinstance(outcome, Accepted), outcome
    assert outcome.report.exchange_id == venue.exchange.order_id
    assert outcome.report.client_id == CLIENT_ID
    tells = venue.exchange is GATE  # the only one whose answer holds the order
    assert (outcome.report.status, outcome.report.filled) == (
        (VenueStatus.OPEN, Decimal("0.005")) if tells else (None, None)
    )
    assert venue.asked == [what]
    assert CLIENT_ID in venue.stub.seen[0].body


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
async def test_kinds_of_orders_go_by_the_exchanges_names(venue: StubbedVenue, kind: TimeInForce) -> None:
    venue.answers(dict([venue.exchange.created]))
    await venue.gateway.create(replace(ORDER, time_in_force=kind), valid_for=VALID)
    assert SENT[venue.exchange.id][kind] in venue.stub.seen[0].body


async def test_our_id_arrives_under_the_exchanges_name(venue: StubbedVenue) -> None:
    venue.answers(dict([venue.exchange.created]))
    await venue.gateway.create(ORDER, valid_for=VALID)
    names = {
        "bybit": '"orderLinkId":"{}"', "okx": '"clOrdId":"{}"', "kraken": "cl_ord_id={}",
        "coinbase": '"client_order_id":"{}"', "kucoin": '"clientOid":"{}"', "gate": '"text":"t-{}"',
        "bitget": '"clientOid":"{}"',
    }  # fmt: skip
    assert names[venue.exchange.id].format(CLIENT_ID) in venue.stub.seen[0].body


async def test_the_validity_goes_along_where_the_exchange_knows_one(venue: StubbedVenue) -> None:
    venue.answers(dict([venue.exchange.created]))
    await venue.gateway.create(ORDER, valid_for=VALID)
    sent = venue.stub.seen[0]
    headers = {name.lower(): value for name, value in sent.headers.items()}
    said: dict[str, Any] = {
        "bybit": headers.get("x-bapi-recv-window") == "1500",
        "okx": is_soon(headers.get("exptime")),
        "gate": is_soon(headers.get("x-gate-exptime")),
        "bitget": '"receiveWindow":1500' in sent.body
        and f'"requestTime":{headers.get("access-timestamp")}' in sent.body,
        "kucoin": '"allowMaxTimeWindow":1500' in sent.body
        and f'"clientTimestamp":{headers.get("kc-api-timestamp")}' in sent.body,
        "kraken": is_soon_in_words(sent.body),
    }
    if venue.exchange.id in said:
        assert said[venue.exchange.id], sent
    else:
        assert not [name for name in (*headers, sent.body) if "window" in name or "deadline" in name]


def is_soon_in_words(body: str) -> bool:
    deadlines = parse_qs(body).get("deadline", [])
    return [
        timedelta(0) < datetime.fromisoformat(at) - now() <= timedelta(seconds=2.5) for at in deadlines
    ] == [True]


def is_soon(header: str | None) -> bool:
    return header is not None and 0 < int(header) - now().timestamp() * 1000 <= 1500


async def test_the_window_of_a_create_does_not_stay_for_what_follows(venue: StubbedVenue) -> None:
    venue.answers(dict([venue.exchange.created, venue.exchange.open_orders]))
    await venue.gateway.create(ORDER, valid_for=VALID)
    await venue.gateway.open_orders(SYMBOL)
    headers = {name.lower(): value for name, value in venue.stub.seen[-1].headers.items()}
    assert "exptime" not in headers
    assert "x-gate-exptime" not in headers
    assert headers.get("x-bapi-recv-window") != "1500"


async def test_creates_at_the_same_time_have_windows_of_their_own(venue: StubbedVenue) -> None:
    venue.answers(dict([venue.exchange.created]))
    windows = {"qtestparent010001": 500, "qtestparent010002": 1700}
    await asyncio.gather(
        *(
            venue.gateway.create(replace(ORDER, client_id=name), valid_for=timedelta(milliseconds=window))
            for name, window in windows.items()
        )
    )
    if venue.exchange is BYBIT:
        sent = {
            name: seen.headers["X-BAPI-RECV-WINDOW"]
            for seen in venue.stub.seen
            for name in windows
            if name in seen.body
        }
        assert sent == {name: str(window) for name, window in windows.items()}
    if venue.exchange is GATE:
        early, late = sorted(int(seen.headers["x-gate-exptime"]) for seen in venue.stub.seen)
        assert late - early > 1000


async def test_a_market_buy_is_sized_in_base_or_not_sent(venue: StubbedVenue) -> None:
    venue.answers(dict([venue.exchange.created]))
    outcome = await venue.gateway.create(replace(ORDER, type=OrderType.MARKET, price=None), valid_for=VALID)
    if venue.exchange.market_buys == "base":
        assert isinstance(outcome, Accepted)
        assert "0.02" in venue.stub.seen[0].body
    else:
        assert isinstance(outcome, Rejected)
        assert "sizes market buys in quote" in outcome.message
        assert not venue.asked


async def test_refusals_are_rejections_of_their_kind(venue: StubbedVenue) -> None:
    for status, body, kind in venue.exchange.refused:
        venue.stub.answer(venue.exchange.created[0], body, status)
        outcome = await venue.gateway.create(ORDER, valid_for=VALID)
        assert isinstance(outcome, Rejected), (body, outcome)
        assert outcome.kind == kind, body


BROKEN: list[tuple[int, Any]] = [
    (500, ""), (502, "<html>Bad Gateway</html>"), (503, "{}"), (504, "<html>Time-out</html>"),
    (200, "<html>maintenance</html>"), (200, '{"code":"0","da'), (200, "null"), (200, "{}"), (200, ""),
]  # fmt: skip


async def test_what_proves_nothing_leaves_the_order_unknown(venue: StubbedVenue) -> None:
    for status, body in [*venue.exchange.unknown, *BROKEN]:
        venue.stub.answer(venue.exchange.created[0], body, status)
        outcome = await venue.gateway.create(ORDER, valid_for=VALID)
        assert isinstance(outcome, Unknown), (status, body, outcome)
    assert len(venue.asked) == len(venue.exchange.unknown) + len(BROKEN)  # each was sent once


async def test_what_the_limiter_or_the_clocks_check_turned_away_was_not_sent(venue: StubbedVenue) -> None:
    for status, body in venue.exchange.turned_away:
        venue.stub.answer(venue.exchange.created[0], body, status, {"Retry-After": "3"})
        outcome = await venue.gateway.create(ORDER, valid_for=VALID)
        assert isinstance(outcome, NotSent), (body, outcome)
        assert outcome.retry_after == timedelta(seconds=3)
        venue.without_clock()


async def test_a_limiter_or_a_wrong_clock_takes_no_key_away(venue: StubbedVenue) -> None:
    what, _ = venue.exchange.open_orders
    for status, body in venue.exchange.turned_away:
        venue.stub.answer(what, body, status)
        with pytest.raises(VenueReadFailed) as failure:
            await venue.gateway.open_orders(SYMBOL)
        assert not failure.value.refuses_key, body
        venue.without_clock()


# --- cancel ---------------------------------------------------------------------------------------


async def test_a_cancel_by_our_id_is_confirmed_without_a_made_up_figure(venue: StubbedVenue) -> None:
    venue.answers(dict([venue.exchange.cancelled]))
    if not venue.exchange.cancels_by_ours:
        assert isinstance(await venue.gateway.cancel(OURS), CancelFailed)
        assert not venue.asked
        return
    outcome = await venue.gateway.cancel(OURS)
    assert isinstance(outcome, CancelConfirmed), outcome
    assert outcome.report.client_id == CLIENT_ID
    tells = venue.exchange is GATE
    assert (outcome.report.status, outcome.report.filled) == (
        (VenueStatus.CANCELLED, Decimal("0.005")) if tells else (None, None)
    )
    assert CLIENT_ID in venue.stub.seen[0].body + venue.stub.seen[0].path


def cancel_by_id(exchange: Exchange) -> str:
    return (
        exchange.cancelled[0].replace(f"client-order/{CLIENT_ID}", "9001").replace(f"t-{CLIENT_ID}", "9001")
    )


async def test_a_cancel_answer_without_an_id_keeps_the_one_that_is_known(venue: StubbedVenue) -> None:
    venue.stub.answer(cancel_by_id(venue.exchange), venue.exchange.cancelled[1])
    outcome = await venue.gateway.cancel(venue.ref)
    assert isinstance(outcome, CancelConfirmed), outcome
    assert outcome.report.exchange_id == venue.exchange.order_id


async def test_an_order_that_is_gone_is_said_to_be_gone(venue: StubbedVenue) -> None:
    status, body = venue.exchange.cancel_gone
    venue.stub.answer(cancel_by_id(venue.exchange), body, status)
    assert isinstance(await venue.gateway.cancel(venue.ref), CancelGone)


async def test_a_broken_answer_to_a_cancel_is_a_failed_cancel(venue: StubbedVenue) -> None:
    for status, body in [*BROKEN, *venue.exchange.turned_away]:
        venue.stub.answer(cancel_by_id(venue.exchange), body, status)
        outcome = await venue.gateway.cancel(venue.ref)
        assert isinstance(outcome, CancelFailed), (status, body, outcome)
        venue.without_clock()


async def test_another_orders_answer_is_not_this_ones(venue: StubbedVenue) -> None:
    status, body = venue.exchange.cancel_gone
    what = cancel_by_id(venue.exchange)
    venue.stub.answer(what, body, status)
    assert isinstance(await venue.gateway.cancel(venue.ref), CancelGone)
    venue.stub.answers[what] = drop
    assert isinstance(await venue.gateway.cancel(venue.ref), CancelFailed)
