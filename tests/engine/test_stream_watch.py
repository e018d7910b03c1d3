"""A private stream that does not tell what it should is suspect: polls find it out (R9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from execution.core.types import OrderReport, StreamEvent, Trade, VenueStatus
from execution.engine.account_reconciler import CALM, AccountReconciler
from execution.engine.account_session import AccountSession
from execution.engine.stream_watch import SETTLES_WITHIN, TOLD_WITHIN, StreamWatch
from execution.models import Account, ChildOrder
from execution.selectors.accounts import account_facts
from execution.selectors.decisions.sessions import account_details
from execution.services.children.children import child_report
from tests.engine.desk import LoopDesk
from tests.factories import NOW, D, Rows, report_of, trade_of

SECOND = timedelta(seconds=1)
BTC = "BTC/USDT"
REPORT = OrderReport(BTC, "qtestparent010001", "9", VenueStatus.OPEN, D("0.2"))


def watch(*, read: bool = True) -> StreamWatch:
    """Return a watch whose stream is connected since NOW, and whose symbol was polled when everything of before
    was listed.
    """
    found = StreamWatch()
    found.began(NOW)
    if read:
        found.read(BTC, NOW + SETTLES_WITHIN)
    return found


def late(found: StreamWatch) -> str:
    return found.silence(NOW + SETTLES_WITHIN + SECOND + TOLD_WITHIN)


AT = NOW + SETTLES_WITHIN + SECOND


def trade(**changes: object) -> Trade:
    child = ChildOrder(symbol=BTC, sequence=1, side="buy")
    return replace(trade_of(child, "1", "0.1", exchange_id="9"), **changes)  # type: ignore[arg-type]


def test_news_that_the_stream_does_not_tell_within_seconds_makes_it_suspect() -> None:
    found = watch()
    found.found_report(REPORT, AT)
    assert found.silence(AT + TOLD_WITHIN / 2) == "", "it may be late"
    assert late(found) == (
        "it did not tell that order qtestparent010001 of BTC/USDT is open, which a poll found at 12:00:06 UTC"
    )
    found.ended()
    assert late(found) == ""


def test_a_fill_that_the_stream_does_not_tell_makes_it_suspect() -> None:
    found = watch()
    found.found_trade(trade(), AT)
    assert "fill 1 of BTC/USDT" in late(found)


@pytest.mark.parametrize(
    "event",
    [
        StreamEvent(reports=(REPORT,)),
        StreamEvent(reports=(replace(REPORT, client_id=None, filled=D("0.1")),)),
        StreamEvent(trades=(trade(),)),
    ],
)
def test_any_later_word_about_the_order_clears_the_stream(event: StreamEvent) -> None:
    found = watch()
    found.found_report(REPORT, AT)
    found.told(event)
    assert late(found) == ""


@pytest.mark.parametrize(
    ("event", "is_suspect"),
    [
        (StreamEvent(reports=(REPORT,)), False),
        (StreamEvent(reports=(replace(REPORT, filled=D("0.3")),)), False),
        (StreamEvent(reports=(replace(REPORT, filled=D("0.1")),)), True),
        (StreamEvent(reports=(replace(REPORT, filled=None),)), False),
        (StreamEvent(reports=(replace(REPORT, exchange_id="8", client_id="other"),)), True),
    ],
)
def test_what_the_stream_told_before_the_poll_recorded_it_is_no_silence(
    event: StreamEvent, is_suspect: bool
) -> None:
    found = watch()
    found.told(event)
    found.found_report(REPORT, AT)
    assert bool(late(found)) is is_suspect


def test_an_end_that_was_not_told_is_a_silence_though_its_figure_was() -> None:
    found = watch()
    found.told(StreamEvent(reports=(REPORT,)))
    found.found_report(replace(REPORT, status=VenueStatus.CANCELLED), AT)
    assert "is cancelled" in late(found) or "is canceled" in late(found)


def test_streams_that_tell_fills_by_the_orders_figure_tell_them() -> None:
    found = watch()
    found.told(StreamEvent(reports=(REPORT,)))
    found.found_trade(trade(), AT)
    assert late(found) == ""


def test_what_happened_before_the_stream_stood_says_nothing_of_it() -> None:
    for found in (watch(read=False), watch(read=False)):
        found.read(BTC, NOW + SETTLES_WITHIN - SECOND)  # what was listed late is in the next poll
        found.found_report(REPORT, AT)
        found.found_trade(trade(), AT)
        assert late(found) == ""


def test_a_symbol_without_orders_is_covered_by_the_last_poll_of_everything() -> None:
    found = watch(read=False)
    found.read_everything(NOW + SETTLES_WITHIN)
    found.found_report(REPORT, AT)
    assert late(found)


# --- through the session ----------------------------------------------------------------------------


def session_of(loop: LoopDesk) -> AccountSession:
    rows = loop.desk.rows
    details = account_details(rows.account.pk)
    assert details is not None
    session = AccountSession(loop.desk.parts, rows.account.pk, 1, lambda _: loop.desk.exchange)
    session._details, session._gateway = details, loop.desk.exchange
    session._reconciler = AccountReconciler(
        loop.desk.parts,
        loop.desk.exchange,
        account_pk=rows.account.pk,
        fence=1,
        marks=details.marks,
        is_under_way=lambda _: False,
        suspect_stream=session._suspect_stream,
    )
    return session


def test_a_stream_that_died_silently_is_found_out_by_a_poll_and_begins_anew(virtual: Rows) -> None:
    child = virtual.resting()
    opened = report_of(child, VenueStatus.OPEN, "0")
    child_report(account_pk=child.account_id, report=opened, now=NOW)
    loop = LoopDesk(virtual)
    session, exchange = session_of(loop), loop.desk.exchange
    exchange.orders = [opened]

    async def live() -> float:
        await session._heed(StreamEvent(resumed=True), loop.clock.now())
        polling = asyncio.create_task(session._reconciler.run())
        await asyncio.sleep(CALM + 5)  # a calm poll after the stream stands
        assert exchange.reconnects == []
        exchange.orders = [report_of(child, VenueStatus.OPEN, "0.02")]  # filled, and nobody is told
        exchange.listed = [trade_of(child, "1", "0.02")]
        filled_at = loop.loop.time()
        while not exchange.reconnects:  # noqa: ASYNC110  time is virtual
            await asyncio.sleep(0.1)
        found_at = loop.loop.time()
        assert not session._reconciler.stream_is_healthy
        polls = len(exchange.polled_at)
        await asyncio.sleep(6)
        assert len(exchange.polled_at) - polls >= 3, "polls stand in until it is back"
        assert Account.objects.get().is_reconciled, "the first of them ended the doubt"
        await session._heed(StreamEvent(lost=True), loop.clock.now())
        await session._heed(StreamEvent(resumed=True), loop.clock.now())
        await asyncio.sleep(3 * CALM)
        assert len(exchange.reconnects) == 1, "what it is told already is no news"
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        return found_at - filled_at

    assert loop.run(live) <= CALM + TOLD_WITHIN.total_seconds() + 2
    facts = account_facts(virtual.account.public_id)
    assert facts is not None
    assert "which a poll found at" in facts["stream_suspicion"]
    assert facts["stream_suspected_at"] is not None


def test_a_stream_that_tells_what_the_polls_find_is_left_alone(virtual: Rows) -> None:
    child = virtual.resting()
    child_report(account_pk=child.account_id, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    loop = LoopDesk(virtual)
    session, exchange = session_of(loop), loop.desk.exchange

    async def live() -> None:
        await session._heed(StreamEvent(resumed=True), loop.clock.now())
        polling = asyncio.create_task(session._reconciler.run())
        for number in range(1, 60):
            report = report_of(child, VenueStatus.OPEN, D("0.0005") * number)
            fill = trade_of(child, str(number), "0.0005")
            exchange.orders, exchange.listed = [report], [*exchange.listed, fill]
            session._reconciler.poke()  # the poll is first
            await asyncio.sleep(1)
            await session._heed(StreamEvent((report,), (fill,)), loop.clock.now())
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)

    loop.run(live)
    assert exchange.reconnects == []
    assert Account.objects.get().stream_suspicion == ""
