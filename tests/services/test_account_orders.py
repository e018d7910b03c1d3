"""Closing an account and changing its symbols while orders trade there."""

from __future__ import annotations

import pytest

from execution.core.problems import Refused
from execution.models import Account, Role, User
from execution.services.accounts.changes import account_close, account_symbols
from tests.factories import NOW, SYMBOL, Rows
from tests.invariants import check_order


@pytest.fixture
def admin(rows: Rows) -> User:
    return User.objects.create(username="admin", role=Role.ADMIN)


def test_closing_an_account_pauses_its_orders_and_cancels_what_rests(rows: Rows, admin: User) -> None:
    child = rows.resting()
    account_close(person=admin, account_id=rows.account.public_id, reason="moved", now=NOW)
    child.refresh_from_db()
    child.order.refresh_from_db()
    assert (child.status, child.order.status) == ("cancelling", "paused")
    assert child.order.reason == "account alpha was closed by admin: moved"
    check_order(child.order)


def test_a_symbol_that_a_live_order_trades_stays(rows: Rows, admin: User) -> None:
    rows.working()
    with pytest.raises(Refused, match=f"Live orders trade {SYMBOL} there"):
        account_symbols(person=admin, account_id=rows.account.public_id, symbols=["ETH/USDT"], now=NOW)
    assert Account.objects.get().symbols == [SYMBOL]
