"""Orders and trades of other programs on the same account need not be understood, and cost little."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from execution.core.states import ChildStatus
from execution.core.types import OrderReport, Side, VenueStatus
from execution.engine.account_reconciler import AccountReconciler
from execution.engine.all_trades import TRADES_EVERY
from execution.models import Account, ChildOrder, Difference, Fill
from execution.selectors.reconciliation import account_differences
from execution.services.children.children import child_report
from execution.services.children.foreign_trades import foreign_trades_record
from execution.venues.protocol import Unreadable, VenueReadFailed
from tests.engine.desk import Desk, at_once
from tests.engine.test_account_reconciler import look_for, reconciler_of
from tests.factories import NOW, D, Rows, report_of, trade_of

BTC = "BTC/USDT"
WHY = VenueReadFailed("AnswerError: trade without a price")
MANY = 500


@pytest.fixture
def desk(rows: Rows) -> Desk:
    return Desk(rows)


def entry(exchange_id: str | None = "77", client_id: str | None = None, **changes: Any) -> Unreadable:
    return Unreadable(BTC, exchange_id, client_id, WHY, **changes)


def opened(desk: Desk, exchange_id: str = "X1") -> ChildOrder:
    """Return a child that rests at the exchange, under an id that is known."""
    child = desk.rows.resting()
    report = report_of(child, VenueStatus.OPEN, "0", exchange_id=exchange_id)
    child_report(account_pk=child.account_id, report=report, now=NOW)
    desk.exchange.orders = [report]
    child.refresh_from_db()
    return child


def poll(desk: Desk, reconciler: AccountReconciler | None = None) -> None:
    at_once((reconciler or reconciler_of(desk)).poll())


# --- what cannot be converted (T18) ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("orders", "trades"),
    [
        ([entry(client_id="and_x")], []),  # placed by hand
        ([entry(client_id="qzzzzabcdefgh0001")], []),  # another installation's
        ([], [entry(), entry("78")]),  # an order id that is no child's
        ([entry(None, "and_x")], [entry()]),
        ([], [entry("X1", is_empty=True)]),  # nothing was traded by it, whosever it is
    ],
)
def test_an_entry_that_is_certainly_not_ours_is_skipped_counted_and_shown(
    desk: Desk, orders: list[Unreadable], trades: list[Unreadable]
) -> None:
    opened(desk)
    desk.exchange.unreadable_orders, desk.exchange.unreadable_trades = orders, trades
    desk.clock.pass_by(1)
    reconciler = reconciler_of(desk)
    poll(desk, reconciler)
    account = Account.objects.get()
    assert account.reconciled_until == desk.clock.now()
    assert account.error == ""
    shown = account_differences(account.public_id, desk.clock.now())
    counts = {row["key"]: row["evidence"]["count"] for row in shown if row["kind"] == "unreadable"}
    assert counts == {kind: len(found) for kind, found in (("orders", orders), ("trades", trades)) if found}
    assert all(row["evidence"]["why"] == str(WHY) for row in shown)
    desk.exchange.unreadable_orders, desk.exchange.unreadable_trades = [], []
    poll(desk, reconciler)
    left = set(Difference.objects.filter(resolved_at=None).values_list("key", flat=True))
    assert left == ({"trades"} if trades else set()), "this poll did not read all trades"
    desk.clock.pass_by(TRADES_EVERY.total_seconds())
    poll(desk, reconciler)
    assert not Difference.objects.filter(resolved_at=None).exists()


@pytest.mark.parametrize(
    ("orders", "trades"),
    [
        ([entry("X1")], []),  # the exchange's id of a child
        ([entry("99", "qtestzzzzzzzz0009")], []),  # our mark, though no child is known
        ([entry(None)], []),  # nothing says whose it is
        ([], [entry("X1")]),
    ],
)
def test_an_entry_that_may_be_ours_blocks_its_symbol(
    desk: Desk, orders: list[Unreadable], trades: list[Unreadable]
) -> None:
    opened(desk)
    desk.exchange.unreadable_orders, desk.exchange.unreadable_trades = orders, trades
    desk.clock.pass_by(1)
    with pytest.raises(VenueReadFailed, match="without a price"):
        poll(desk)
    account = Account.objects.get()
    assert account.reconciled_until == NOW
    assert account.unread_now[BTC]["error"] == str(WHY)


def test_while_a_child_has_no_exchange_id_the_exchange_is_asked_whose_a_trade_is(desk: Desk) -> None:
    child = desk.rows.resting()
    desk.exchange.unreadable_trades = [entry("77")]
    with pytest.raises(VenueReadFailed, match="without a price"):
        poll(desk)
    desk.exchange.found = {"77": OrderReport(BTC, "by-hand", "77", VenueStatus.FILLED, D("0.1"))}
    look_for(desk, reconciler_of(desk), 30)
    child.refresh_from_db()
    assert child.status == ChildStatus.ABSENT


def test_whose_an_order_is_is_asked_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    child = desk.rows.resting()
    ids = [str(number) for number in range(100, 130)]
    desk.exchange.listed = [trade_of(child, one, "0.1", exchange_id=one) for one in ids]
    desk.exchange.found = {one: OrderReport(BTC, "by-hand", one, VenueStatus.FILLED, D("0.1")) for one in ids}
    asked: list[str] = []
    find = desk.exchange.find

    async def noted(ref: Any) -> Any:
        asked.append(ref.exchange_id or ref.client_id)
        return await find(ref)

    monkeypatch.setattr(desk.exchange, "find", noted)
    look_for(desk, reconciler_of(desk), 30)
    child.refresh_from_db()
    assert child.status == ChildStatus.ABSENT
    assert sorted(set(asked) & set(ids)) == ids
    assert len([one for one in asked if one in ids]) == len(ids)


# --- what they cost (R11) --------------------------------------------------------------------------


def test_five_hundred_trades_and_orders_of_others_cost_a_bounded_number_of_statements(
    desk: Desk, django_assert_max_num_queries: Any
) -> None:
    child = opened(desk)
    desk.exchange.listed = [trade_of(child, str(n), "0.1", exchange_id=f"F{n}") for n in range(MANY)]
    by_hand = [
        OrderReport(BTC, f"hand-{n}", f"H{n}", VenueStatus.OPEN, D(0), Side.SELL, D(1), D(70000))
        for n in range(MANY)
    ]
    desk.exchange.orders += by_hand
    reconciler = reconciler_of(desk)
    with django_assert_max_num_queries(60):
        poll(desk, reconciler)
    assert Fill.objects.filter(child=None).count() == MANY
    assert Difference.objects.filter(kind="lost_trade").count() == MANY
    assert Difference.objects.filter(kind="foreign").count() == MANY
    for _ in range(2):
        desk.clock.pass_by(1.5)
        with django_assert_max_num_queries(40):
            poll(desk, reconciler)
    desk.exchange.listed, desk.exchange.orders = [], desk.exchange.orders[:1]
    with django_assert_max_num_queries(60):
        poll(desk, reconciler)
    assert Difference.objects.filter(kind="foreign", resolved_at=None).count() == 0
    assert Difference.objects.filter(kind="lost_trade", resolved_at=None).count() == MANY, "shown for a day"


def test_a_trade_without_a_child_is_attached_when_its_child_is_known(desk: Desk) -> None:
    child = desk.rows.resting()
    trade = trade_of(child, "1", "0.02", exchange_id="X9")
    recorded: dict[str, Any] = {"account_pk": child.account_id, "symbol": BTC, "trades": [trade]}
    assert foreign_trades_record(**recorded, now=NOW) == 1
    assert foreign_trades_record(**recorded, now=NOW) == 0
    child_report(
        account_pk=child.account_id,
        report=report_of(child, VenueStatus.OPEN, "0.02", exchange_id="X9"),
        now=NOW + timedelta(seconds=1),
    )
    child.refresh_from_db()
    assert child.filled == D("0.02")
    assert (
        foreign_trades_record(
            **recorded | {"trades": [trade_of(child, "2", "0.01", exchange_id="X9")]}, now=NOW
        )
        == 0
    )
    assert Fill.objects.count() == 1, "a trade of a child is not recorded without it"
