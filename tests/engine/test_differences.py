"""The differences that polls find without more requests to the venue: foreign orders, orphans, one-sided rows."""

from __future__ import annotations

import pytest

from execution.core.states import ChildStatus
from execution.core.types import OrderRef, OrderReport, Side, VenueStatus
from execution.engine.account_reconciler import AccountReconciler
from execution.models import Account, AuditEntry, ChildOrder, Difference
from execution.services.children.children import child_report
from tests.engine.desk import Desk, at_once
from tests.factories import D, Rows, report_of, trade_of


@pytest.fixture
def desk(rows: Rows) -> Desk:
    return Desk(rows)


def reconciler_of(desk: Desk, symbols: tuple[str, ...] = ()) -> AccountReconciler:
    return AccountReconciler(
        desk.parts,
        desk.exchange,
        account_pk=desk.rows.account.pk,
        fence=1,
        marks=frozenset({"test"}),
        is_under_way=lambda _: False,
        symbols=symbols,
    )


def poll(desk: Desk, reconciler: AccountReconciler, times: int = 1) -> list[str]:
    """Return the kinds that are open after so many polls, 1.5 s apart."""
    for _ in range(times):
        desk.clock.pass_by(1.5)
        at_once(reconciler.poll())
    return list(Difference.objects.filter(resolved_at=None).values_list("kind", flat=True))


def test_a_foreign_order_is_shown_and_left_alone_and_closed_when_it_is_gone(desk: Desk) -> None:
    desk.rows.working()
    stranger = OrderReport("BTC/USDT", "by-hand", "77", VenueStatus.OPEN, D(0), Side.SELL, D(2), D(70000))
    other = OrderReport("BTC/USDT", "qzzzzabcdefgh0001", "78", VenueStatus.OPEN, D(0), Side.BUY, D(1), D(1))
    desk.exchange.orders = [stranger, other]
    reconciler = reconciler_of(desk)
    assert poll(desk, reconciler) == ["foreign", "foreign"]
    row = Difference.objects.get(key="77")
    assert row.evidence["side"] == "sell"
    assert row.evidence["quantity"] == "2"
    assert ChildOrder.objects.filter(client_id__startswith="qzzzz").count() == 0
    desk.exchange.orders = []
    assert poll(desk, reconciler) == []


def test_an_orphan_without_an_order_is_cancelled_at_the_venue(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.rows.working()
    cancelled: list[OrderRef] = []
    cancel = desk.exchange.cancel

    async def noted(ref: OrderRef) -> object:
        cancelled.append(ref)
        return await cancel(ref)

    monkeypatch.setattr(desk.exchange, "cancel", noted)
    report = OrderReport("BTC/USDT", "qtestnobody000001", "9", VenueStatus.OPEN, D(0), Side.BUY, D(1), D(1))
    desk.exchange.orders = [report]
    assert poll(desk, reconciler_of(desk)) == ["orphan"]
    assert [ref.client_id for ref in cancelled] == ["qtestnobody000001"]
    assert AuditEntry.objects.filter(kind="orphan_cancelled").count() == 1
    assert "this desk's client ids and no child" in Account.objects.get().error


def test_an_orphan_of_an_order_is_adopted_and_settled_by_the_polls_after(desk: Desk) -> None:
    order = desk.rows.working()
    client_id = f"qtest{order.public_id}000z"
    report = OrderReport("BTC/USDT", client_id, "9", VenueStatus.OPEN, D(0), Side.BUY, D("0.1"), D(50000))
    desk.exchange.orders = [report]
    reconciler = reconciler_of(desk)
    assert poll(desk, reconciler) == ["orphan"]
    assert poll(desk, reconciler) == [], "it has a child now"
    child = ChildOrder.objects.get(client_id=client_id)
    desk.exchange.orders = []
    desk.exchange.found = {"9": OrderReport("BTC/USDT", client_id, "9", VenueStatus.FILLED, D("0.1"))}
    desk.exchange.listed = [trade_of(child, "1", "0.1", exchange_id="9")]
    poll(desk, reconciler)
    child.refresh_from_db()
    assert (child.status, child.filled, child.is_settled) == (ChildStatus.FILLED, D("0.1"), True)


def test_an_open_order_that_is_final_here_counts_when_a_second_poll_shows_it(desk: Desk) -> None:
    child = desk.rows.resting()
    gone = report_of(child, VenueStatus.CANCELLED, "0")
    child_report(account_pk=desk.rows.account.pk, report=gone, now=desk.clock.now())
    desk.exchange.orders = [report_of(child, VenueStatus.OPEN, "0")]
    reconciler = reconciler_of(desk)
    assert poll(desk, reconciler) == [], "the venue's picture may be older than ours"
    assert poll(desk, reconciler) == ["open_there"]


def test_a_child_open_here_that_the_exchange_does_not_know_is_listed(desk: Desk) -> None:
    child = desk.rows.resting()
    child_report(
        account_pk=desk.rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=desk.clock.now()
    )
    assert poll(desk, reconciler_of(desk), times=3) == ["gone_there"]
    assert Difference.objects.get().child == child


def test_a_figure_beyond_the_fills_is_listed_after_thirty_seconds(desk: Desk) -> None:
    child = desk.rows.resting()
    report = report_of(child, VenueStatus.CANCELLED, "0.05")
    child_report(account_pk=desk.rows.account.pk, report=report, now=desk.clock.now())
    desk.exchange.found = {report.exchange_id or "": report}
    reconciler = reconciler_of(desk)
    assert poll(desk, reconciler, times=19) == []
    assert poll(desk, reconciler, times=3) == ["missing_fills"]


def test_a_trade_of_no_child_is_listed(desk: Desk) -> None:
    child = desk.rows.resting()
    desk.exchange.listed = [trade_of(child, "9", "0.1", exchange_id="88")]
    assert poll(desk, reconciler_of(desk)) == ["lost_trade"]


def test_calm_polls_write_no_differences(desk: Desk, django_assert_max_num_queries: object) -> None:
    reconciler = reconciler_of(desk)
    poll(desk, reconciler)
    with django_assert_max_num_queries(6) as queries:  # type: ignore[operator]
        at_once(reconciler.poll())
    assert not any("difference" in query["sql"] for query in queries.captured_queries)
