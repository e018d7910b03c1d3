"""A child that is over, with its trades missing, takes what its figure tells: its rest may be sent again."""

from __future__ import annotations

from datetime import timedelta

from execution.core.types import VenueStatus
from execution.selectors.decisions.free import account_free
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.services.test_reservation import hold, reserved

SECOND = timedelta(seconds=1)


def test_what_it_gives_back_is_reserved_for_its_order_at_once(rows: Rows) -> None:
    """Else a second order could take the same money while the trades are late (I11)."""
    child = rows.resting()
    report = report_of(child, VenueStatus.CANCELLED, "0.04")
    child_report(account_pk=rows.account.pk, report=report, now=NOW + SECOND)
    child.refresh_from_db()
    assert child.over_at is not None
    assert not child.is_settled
    before = reserved(child.order, rows.account)
    trade = trade_of(child, "1", "0.04")
    fill_record(account_pk=rows.account.pk, trade=trade, now=NOW + SECOND)
    assert before == reserved(child.order, rows.account)


def test_the_next_child_may_spend_what_it_gives_back(rows: Rows) -> None:
    """On an account that pays just for the order, the last gate refused the rest while the trades were late."""
    child = rows.resting(parameters={"duration": "3m", "slices": "1"})
    assert child.price is not None
    hold(rows.account, child.quantity * child.price, at=NOW - SECOND)
    report = report_of(child, VenueStatus.CANCELLED, "0.04")
    child_report(account_pk=rows.account.pk, report=report, now=NOW + SECOND)
    rest = (child.quantity - D("0.04")) * child.price
    free, _ = account_free(rows.account, "USDT", beside=0, cost=rest)
    assert free is not None
    assert free >= rest
    trade = trade_of(child, "1", "0.04")
    fill_record(account_pk=rows.account.pk, trade=trade, now=NOW + SECOND)
    assert account_free(rows.account, "USDT", beside=0, cost=rest)[0] == free
