"""Doubt is per symbol: each is cleared by its own complete poll, whatever the polls of the others do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from execution.core.faults import FAILURES_IN_A_ROW
from execution.core.states import ChildStatus
from execution.core.types import OrderRef, OrderReport, Side, Trade, VenueStatus
from execution.engine.account_questions import GIVEN_UP_AFTER
from execution.engine.account_reconciler import CALM, SIDE_BY_SIDE, AccountReconciler
from execution.models import Account, ChildOrder
from execution.selectors.accounts import account_facts
from execution.selectors.decisions.blocks import account_block
from execution.selectors.reconciliation import account_differences, reconciliation
from execution.services.accounts.sessions import account_doubted, account_symbol_read, account_symbols_unread
from execution.services.children.children import child_report
from execution.venues.protocol import AccountQuestion, Listing, VenueReadFailed
from tests.engine.desk import LoopDesk, ScriptedExchange
from tests.factories import NOW, D, Rows, report_of

BTC, ETH, SOL = "BTC/USDT", "ETH/USDT", "SOL/USDT"
SECOND = timedelta(seconds=1)


@dataclass
class Venue(ScriptedExchange):
    """An exchange of many symbols. Each request takes ``travel`` seconds; notes how many are on the way."""

    travel: float = 0.05
    questions: frozenset[AccountQuestion] = frozenset()
    #: Seconds of a read at which it fails, by symbol; the share of all requests that fail by chance.
    failing_until: dict[str, float] = field(default_factory=dict)
    share: float = 0.0
    random: Random = field(default_factory=lambda: Random(7))
    asked: list[tuple[str, str]] = field(default_factory=list)
    on_the_way: int = 0
    most: int = 0

    def account_questions(self, symbols: int) -> frozenset[AccountQuestion]:
        return self.questions

    async def _asked(self, what: str, symbol: str | None) -> None:
        self.asked.append((what, symbol or "all"))
        self.on_the_way += 1
        self.most = max(self.most, self.on_the_way)
        try:
            await asyncio.sleep(self.travel)
        finally:
            self.on_the_way -= 1
        time = asyncio.get_running_loop().time()
        if symbol in self.failing:
            raise self.failing[symbol]
        if time < self.failing_until.get(symbol or "all", 0.0) or self.random.random() < self.share:
            raise VenueReadFailed(f"503 for {symbol}")

    async def open_orders(self, symbol: str | None) -> Listing[OrderReport]:
        await self._asked("open_orders", symbol)
        return Listing(one for one in self.orders if symbol in (None, one.symbol))

    async def trades(self, symbol: str | None, since: datetime) -> Listing[Trade]:
        await self._asked("trades", symbol)
        return Listing(one for one in self.listed if symbol in (None, one.symbol))


def reconciler_of(loop: LoopDesk, *symbols: str, **changes: Any) -> AccountReconciler:
    return AccountReconciler(
        loop.desk.parts,
        loop.desk.exchange,
        account_pk=loop.desk.rows.account.pk,
        fence=1,
        marks=frozenset({"test"}),
        is_under_way=lambda _: False,
        symbols=symbols,
        **changes,
    )


def in_doubt(loop: LoopDesk, reconciler: AccountReconciler) -> None:
    """Put the account into doubt now."""
    now = loop.clock.now()
    reconciler.doubt(now)
    account_doubted(account_pk=loop.desk.rows.account.pk, fence=1, now=now)


def cleared(*symbols: str) -> list[str]:
    account = Account.objects.get()
    return [symbol for symbol in symbols if account.is_symbol_reconciled(symbol)]


async def run_for(reconciler: AccountReconciler, seconds: float) -> None:
    task = asyncio.create_task(reconciler.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# --- the rule --------------------------------------------------------------------------------------


def test_a_symbol_is_cleared_by_its_own_poll_and_by_no_other(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    account_doubted(account_pk=rows.account.pk, fence=1, now=NOW + 2 * SECOND)
    told: dict[str, Any] = {"account_pk": rows.account.pk, "fence": 1}
    assert account_symbol_read(**told, symbol=ETH, begun=NOW + 3 * SECOND)
    assert rows.submit_child(child) is None, "another symbol was read"
    account_symbol_read(**told, symbol=BTC, begun=NOW + SECOND)
    assert rows.submit_child(child) is None, "the poll began before the doubt"
    assert not account_symbol_read(account_pk=rows.account.pk, fence=0, symbol=BTC, begun=NOW + 3 * SECOND)
    assert rows.submit_child(child) is None, "a stale holder's poll"
    account_symbol_read(**told, symbol=BTC, begun=NOW + 3 * SECOND)
    assert cleared(BTC, ETH, SOL) == [BTC, ETH]
    assert rows.submit_child(child) is not None


def test_what_an_earlier_holder_read_clears_nothing(rows: Rows) -> None:
    account_symbol_read(account_pk=rows.account.pk, fence=1, symbol=BTC, begun=NOW)
    Account.objects.update(fence=2)
    assert cleared(BTC) == []


# --- one symbol among others (R8) -----------------------------------------------------------------


@pytest.mark.parametrize("from_the_start", [True, False])
def test_a_symbol_that_cannot_be_read_blocks_itself_alone_and_says_why(
    virtual: Rows, from_the_start: bool
) -> None:
    child = virtual.resting(submitted=False)
    venue = Venue(failing={ETH: VenueReadFailed("502 Bad Gateway")})
    loop = LoopDesk(virtual, venue)
    reconciler = reconciler_of(loop, BTC, ETH, SOL)
    if from_the_start:
        Account.objects.update(reconciled_fence=None)
    else:
        Account.objects.update(reconciled_until=NOW - SECOND)
        in_doubt(loop, reconciler)
    loop.run(lambda: run_for(reconciler, 3000))
    account = Account.objects.get()
    assert not account.is_reconciled
    assert cleared(BTC, ETH, SOL) == [BTC, SOL]
    why = account_block(account, ETH)
    assert why == "account alpha: ETH/USDT is not reconciled yet: it cannot be read (502 Bad Gateway)"
    assert virtual.submit_child(child, now=NOW) is not None
    facts = account_facts(account.public_id)
    assert facts is not None
    assert [(one["symbol"], one["error"], one["is_blocked"]) for one in facts["unread"]] == [
        (ETH, "502 Bad Gateway", True)
    ]
    (doubt,) = reconciliation(person=virtual.supervisor, now=NOW)["doubts"]
    assert doubt["why"] == "cannot be read: ETH/USDT; other symbols are traded"
    assert account.failures == 0
    assert account.error == "ETH/USDT cannot be read: 502 Bad Gateway"


def test_a_symbol_that_answers_again_is_cleared_within_seconds(virtual: Rows) -> None:
    Account.objects.update(reconciled_fence=None)
    venue = Venue(failing_until={ETH: 300.0})
    loop = LoopDesk(virtual, venue)
    loop.run(lambda: run_for(reconciler_of(loop, BTC, ETH), 308))
    account = Account.objects.get()
    assert account.is_reconciled
    assert account.symbols_unread == {}
    assert account.error == ""


def test_only_what_needs_it_is_read_between_two_polls_of_everything(virtual: Rows) -> None:
    venue = Venue(failing={ETH: VenueReadFailed("busy")})
    loop = LoopDesk(virtual, venue)
    loop.run(lambda: run_for(reconciler_of(loop, BTC, ETH, SOL), CALM - 1))
    asked = [symbol for what, symbol in venue.asked if what == "open_orders"]
    assert (asked.count(BTC), asked.count(SOL)) == (1, 1)
    assert 12 <= asked.count(ETH) <= 21, "three tries at a time, after pauses that grow to five seconds"


def test_a_stream_that_is_back_has_only_symbols_with_children_read_again(virtual: Rows) -> None:
    child = virtual.resting()
    report = report_of(child, VenueStatus.OPEN, "0")
    child_report(account_pk=child.account_id, report=report, now=NOW)
    venue = Venue(orders=[report])
    loop = LoopDesk(virtual, venue)
    reconciler = reconciler_of(loop, BTC, ETH)

    async def back() -> None:
        polling = asyncio.create_task(run_for(reconciler, 10))
        await asyncio.sleep(1)
        reconciler.stream_is_healthy = True
        reconciler.catch_up(loop.clock.now())
        await polling

    loop.run(back)
    asked = [symbol for what, symbol in venue.asked if what == "open_orders"]
    assert (asked.count(BTC), asked.count(ETH)) == (2, 1)


def test_where_no_symbol_can_be_read_the_poll_has_failed(virtual: Rows) -> None:
    venue = Venue(failing={BTC: VenueReadFailed("away"), ETH: VenueReadFailed("away")})
    loop = LoopDesk(virtual, venue)
    with pytest.raises(VenueReadFailed, match="away"):
        loop.run(reconciler_of(loop, BTC, ETH).poll)


def test_an_answer_that_our_code_cannot_read_blocks_its_symbol_also_without_a_doubt(virtual: Rows) -> None:
    broken = VenueReadFailed("KeyError: 'price'", kind="KeyError", incident="00c0ffee")
    virtual.working()
    venue = Venue(failing={ETH: broken})
    loop = LoopDesk(virtual, venue)
    reconciler = reconciler_of(loop, BTC, ETH)

    async def polls() -> None:
        for times in range(1, FAILURES_IN_A_ROW + 1):
            await reconciler.poll()
            assert cleared(ETH) == ([] if times == FAILURES_IN_A_ROW else [ETH])

    loop.run(polls)
    assert cleared(BTC) == [BTC]
    assert venue.asked.count(("open_orders", ETH)) == FAILURES_IN_A_ROW, "nothing is asked twice in a poll"
    assert Account.objects.get().faults == {}


def test_a_symbol_that_is_not_listed_any_more_does_not_keep_the_account_in_doubt(virtual: Rows) -> None:
    child = virtual.resting()
    ChildOrder.objects.filter(pk=child.pk).update(symbol="AAA/USDT")
    loop = LoopDesk(virtual, Venue(failing={"AAA/USDT": VenueReadFailed("there is no such symbol")}))
    loop.run(reconciler_of(loop, is_unlisted="AAA/USDT".__eq__).poll)
    assert Account.objects.get().is_reconciled
    assert cleared("AAA/USDT", BTC) == [BTC], "nothing new is sent for it"
    child.refresh_from_db()
    assert not child.is_settled, "nobody knows what became of it"


def test_a_stream_that_is_lost_while_a_poll_goes_on_leaves_what_was_read_before_in_doubt(
    virtual: Rows,
) -> None:
    Account.objects.update(reconciled_fence=None)
    loop = LoopDesk(virtual, Venue(travel=1.0))
    symbols = [f"A{number}/USDT" for number in range(SIDE_BY_SIDE + 1)]
    reconciler = reconciler_of(loop, *symbols)

    async def lost() -> None:
        poll = asyncio.create_task(reconciler.poll())
        await asyncio.sleep(1.5)  # the first eight are being read
        in_doubt(loop, reconciler)
        await poll

    loop.run(lost)
    assert cleared(*symbols) == [symbols[-1]], "only the last one was asked for after the loss"


def test_a_doubt_does_not_wait_until_every_child_was_asked_for(virtual: Rows) -> None:
    children = [virtual.resting(key=f"key-{number}") for number in range(12)]
    venue = SlowFinds()
    loop = LoopDesk(virtual, venue)
    reconciler = reconciler_of(loop)

    async def live() -> float:
        polling = asyncio.create_task(run_for(reconciler, 100))
        await asyncio.sleep(5)  # children are being asked for, one after another
        in_doubt(loop, reconciler)
        doubted = loop.loop.time()
        while not cleared(BTC):  # noqa: ASYNC110  time is virtual
            await asyncio.sleep(0.1)
        found = loop.loop.time() - doubted
        await polling
        return found

    assert len(children) == 12
    assert loop.run(live) < 3 * SlowFinds.find_takes
    assert venue.finds >= len(children)


@dataclass
class SlowFinds(Venue):
    """An exchange on which a single order takes long to be found."""

    find_takes = 2.0
    finds: int = 0

    async def find(self, ref: OrderRef) -> OrderReport | None:
        self.finds += 1
        await asyncio.sleep(self.find_takes)
        return None


# --- tried again, side by side, and for all at once -------------------------------------------------


def test_a_request_that_fails_is_tried_again_before_it_counts(virtual: Rows) -> None:
    venue = Venue(failing_until={BTC: 0.6})
    loop = LoopDesk(virtual, venue)
    loop.run(reconciler_of(loop, BTC).poll)
    assert venue.asked == [("open_orders", BTC)] * 3 + [("trades", BTC)]
    assert Account.objects.get().is_reconciled


@pytest.mark.parametrize(
    "error",
    [
        VenueReadFailed("banned", retry_after=timedelta(minutes=2)),
        VenueReadFailed("invalid key", refuses_key=True),
    ],
)
def test_a_ban_and_a_refused_key_end_the_poll_at_once(virtual: Rows, error: VenueReadFailed) -> None:
    symbols = [f"A{number:02}/USDT" for number in range(20)]
    venue = Venue(failing={symbols[3]: error})
    loop = LoopDesk(virtual, venue)
    with pytest.raises(VenueReadFailed, match=str(error)):
        loop.run(reconciler_of(loop, *symbols).poll)
    assert len(venue.asked) <= 2 * SIDE_BY_SIDE


def test_symbols_are_read_side_by_side_and_no_more_than_so_many(virtual: Rows) -> None:
    venue = Venue(travel=1.0)
    loop = LoopDesk(virtual, venue)
    loop.run(reconciler_of(loop, *(f"A{number:02}/USDT" for number in range(40))).poll)
    assert venue.most == SIDE_BY_SIDE
    assert loop.loop.time() < 11, "two requests of 40 symbols one after another would take 80 s"


def test_what_waits_to_be_sent_is_read_first(virtual: Rows) -> None:
    virtual.resting(submitted=False)
    venue = Venue()
    loop = LoopDesk(virtual, venue)
    loop.run(reconciler_of(loop, "AAA/USDT", "BBB/USDT").poll)
    assert venue.asked[0] == ("open_orders", BTC)


def test_an_exchange_that_takes_it_is_asked_for_all_symbols_at_once(virtual: Rows) -> None:
    child = virtual.resting()
    ours = OrderReport(BTC, child.client_id, "9", VenueStatus.OPEN, D(0))
    other = OrderReport(ETH, "by-hand", "8", VenueStatus.OPEN, D(0), Side.SELL, D(1), D(70000))
    venue = Venue(orders=[ours, other], questions=frozenset({"open_orders", "trades"}))
    loop = LoopDesk(virtual, venue)
    loop.run(reconciler_of(loop, BTC, ETH, SOL).poll)
    assert venue.asked == [("open_orders", "all"), ("trades", "all")]
    child.refresh_from_db()
    assert child.status == ChildStatus.OPEN
    assert [row["key"] for row in account_differences(virtual.account.public_id, NOW)] == ["8"]
    assert Account.objects.get().is_reconciled


def test_a_question_for_all_is_left_to_each_symbol_only_when_it_fails_again_and_again(virtual: Rows) -> None:
    """By symbol it costs forty times as much: on kraken a minute of the whole rate limit."""
    venue = Venue(failing_until={"all": 100.0}, questions=frozenset({"open_orders", "trades"}))
    loop = LoopDesk(virtual, venue)
    reconciler = reconciler_of(loop, BTC, ETH)
    for _ in range(GIVEN_UP_AFTER - 1):
        with pytest.raises(VenueReadFailed, match="503"):
            loop.run(reconciler.poll)
    assert {symbol for _, symbol in venue.asked} == {"all"}
    loop.run(reconciler.poll)
    assert ("trades", ETH) in venue.asked
    assert Account.objects.get().is_reconciled


def test_a_question_for_all_that_our_code_cannot_read_is_left_to_each_symbol_at_once(virtual: Rows) -> None:
    class Unreadable(Venue):
        async def open_orders(self, symbol: str | None) -> Listing[OrderReport]:
            if symbol is None:
                raise VenueReadFailed("KeyError: 'symbol'", kind="KeyError", incident="00c0ffee")
            return await super().open_orders(symbol)

    venue = Unreadable(questions=frozenset({"open_orders"}))
    loop = LoopDesk(virtual, venue)
    loop.run(reconciler_of(loop, BTC, ETH).poll)
    assert Account.objects.get().is_reconciled


def test_trades_of_long_ago_are_asked_for_by_their_own_symbol(virtual: Rows) -> None:
    child = virtual.resting()
    ChildOrder.objects.filter(pk=child.pk).update(intended_at=NOW - timedelta(hours=9))
    venue = Venue(questions=frozenset({"trades"}))
    loop = LoopDesk(virtual, venue)
    loop.run(reconciler_of(loop, BTC, ETH, SOL).poll)
    assert [symbol for what, symbol in venue.asked if what == "trades"] == ["all", BTC]


def test_errors_of_a_symbol_are_kept_short(rows: Rows) -> None:
    from execution.services.accounts.sessions import UnreadSymbol

    account_symbols_unread(account_pk=rows.account.pk, fence=1, unread={ETH: UnreadSymbol("x" * 9000, NOW)})
    assert len(Account.objects.get().symbols_unread[ETH]["error"]) == 300
