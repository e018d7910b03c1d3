"""A part of a session that keeps failing: its account says so, orders wait for it, and it is cleared when it works."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from dashboard.present.accounts import account_shown
from execution.core import faults
from execution.engine.account_session import AccountSession
from execution.engine.failures import Health
from execution.models import Account, ChildOrder, Worker
from execution.selectors.accounts import account_facts
from execution.selectors.decisions.blocks import account_block
from execution.selectors.wall.health import account_rows, accounts_with_key, notice_rows
from execution.services.engine.faults import account_fault_set, worker_fault_clear, worker_fault_set
from execution.venues.protocol import VenueReadFailed
from tests.engine.desk import Desk, at_once
from tests.engine.test_account_reconciler import reconciler_of
from tests.engine.test_failing_driver import LooplessClock
from tests.factories import NOW, Rows


def account_of(rows: Rows) -> Account:
    return Account.objects.get(pk=rows.account.pk)


def shown(rows: Rows) -> list[faults.Fault]:
    account = account_of(rows)
    return faults.faults_of(account.faults, account.fence)


def test_a_session_that_cannot_begin_is_shown_after_three_times_and_cleared_when_a_poll_succeeds(
    rows: Rows,
) -> None:
    desk = Desk(rows, clock=LooplessClock())

    def broken(_details: Any) -> Any:
        raise KeyError("urls")

    session = AccountSession(desk.parts, rows.account.pk, account_of(rows).fence, broken)
    for times in range(1, 4):
        with pytest.raises(KeyError):
            at_once(session.run())
        assert len(shown(rows)) == (times == 3)
    (fault,) = shown(rows)
    assert fault.part == faults.SESSION
    assert fault.error == "KeyError"
    assert account_block(account_of(rows), "BTC/USDT") == f"account alpha: {fault.words}"

    reconciler = reconciler_of(desk)
    reconciler._health = session._health
    at_once(reconciler._guarded_poll())
    assert shown(rows) == []
    assert not account_block(account_of(rows), "BTC/USDT")


def test_a_reconciliation_that_keeps_failing_is_on_the_accounts_page_and_the_wall_and_keeps_orders_back(
    rows: Rows,
) -> None:
    child = rows.resting()
    desk = Desk(rows, clock=LooplessClock())
    account = account_of(rows)
    session = AccountSession(desk.parts, account.pk, account.fence, lambda _: desk.exchange)
    reconciler = reconciler_of(desk)
    reconciler._health = session._health
    ChildOrder.objects.filter(pk=child.pk).update(attach="no object")  # every poll of the account fails at it

    for _ in range(3):
        assert shown(rows) == []
        at_once(reconciler._guarded_poll())
    (fault,) = shown(rows)
    assert (fault.part, fault.error) == (faults.RECONCILIATION, "AttributeError")

    facts = account_facts(account.public_id)
    assert facts is not None
    assert account_shown(facts, NOW).trouble == fault.words
    Worker.objects.update(lease_until=timezone.now() + (timezone.now() - NOW))
    (row,) = account_rows(accounts_with_key(), {}, set(), {}, NOW)
    assert (row["health"], row["words"]) == ("down", "reconciliation fails")
    assert fault.incident in row["error"]
    assert "reconciliation has failed since" in account_block(account_of(rows), "BTC/USDT")

    ChildOrder.objects.filter(pk=child.pk).update(attach={})
    at_once(reconciler._guarded_poll())
    assert shown(rows) == []


def test_a_fault_of_an_earlier_session_keeps_nobody_back(rows: Rows) -> None:
    account = account_of(rows)
    fault = faults.Fault(faults.RECONCILIATION, "KeyError", "00c0ffee", NOW)
    account_fault_set(account_pk=account.pk, fence=account.fence, fault=fault)
    assert shown(rows)
    Account.objects.update(fence=account.fence + 1)
    assert shown(rows) == []


def test_a_stale_session_shows_nothing_on_the_next_ones_account(rows: Rows) -> None:
    account = account_of(rows)
    fault = faults.Fault(faults.RECONCILIATION, "KeyError", "00c0ffee", NOW)
    account_fault_set(account_pk=account.pk, fence=account.fence - 1, fault=fault)
    assert account_of(rows).faults == {}


def test_answers_that_our_code_cannot_read_are_shown_and_an_exchange_that_is_away_is_not(rows: Rows) -> None:
    desk = Desk(rows, clock=LooplessClock())
    account = account_of(rows)
    session = AccountSession(desk.parts, account.pk, account.fence, lambda _: desk.exchange)
    reconciler = reconciler_of(desk)
    reconciler._health, reconciler._first_symbols = session._health, frozenset({"BTC/USDT"})
    desk.exchange.failing["BTC/USDT"] = VenueReadFailed("the exchange is away")
    for _ in range(5):
        at_once(reconciler._guarded_poll())
    assert shown(rows) == []
    desk.exchange.failing["BTC/USDT"] = VenueReadFailed(
        "KeyError: 'price'", kind="KeyError", incident="00c0ffee"
    )
    for _ in range(3):
        at_once(reconciler._guarded_poll())
    (fault,) = shown(rows)
    assert (fault.error, fault.incident) == ("KeyError", "00c0ffee")


def test_an_engines_own_fault_is_a_notice_on_the_wall_while_it_lasts(rows: Rows) -> None:
    fault = faults.Fault(faults.HALTS, "ZeroDivisionError", "00c0ffee", NOW)
    worker_fault_set(worker_pk=rows.worker.pk, fault=fault)
    (notice,) = notice_rows(NOW)
    assert (
        notice["text"]
        == "halts has failed since 12:00:00 UTC: ZeroDivisionError (incident 00c0ffee in the log)"
    )
    worker_fault_clear(worker_pk=rows.worker.pk, part=faults.HALTS)
    assert notice_rows(NOW) == []


class Board:
    """The board that shows a part's faults."""

    def __init__(self) -> None:
        self.parts: dict[str, faults.Fault] = {}

    async def show(self, fault: faults.Fault) -> None:
        self.parts[fault.part] = fault

    async def clear(self, part: str) -> None:
        self.parts.pop(part, None)


def test_a_part_that_fails_stops_no_other_and_is_shown_from_the_third_time_on() -> None:
    board, ran = Board(), []

    async def fails() -> None:
        ran.append("fails")
        await asyncio.sleep(0)
        if len(ran) < 5:
            raise KeyError("x")
        assert board.parts

    async def run() -> None:
        clock = LooplessClock()
        await Health(clock, board.show, board.clear).keep("candles", fails, works_after=None)

    asyncio.run(run())
    assert ran == ["fails"] * 5
    assert board.parts["candles"].error == "KeyError"


def test_an_outage_is_shown_only_when_it_lasts() -> None:
    board, clock = Board(), LooplessClock()
    health = Health(clock, board.show, board.clear)
    for _ in range(100):
        at_once(health.failed("balances", OperationalError("away")))
        clock.pass_by(0.29)
    assert board.parts == {}
    clock.pass_by(2)
    at_once(health.failed("balances", OperationalError("away")))
    assert board.parts["balances"].error == "OperationalError"
    at_once(health.worked("balances"))
    assert board.parts == {}
