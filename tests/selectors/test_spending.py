"""The free balances of accounts are read by indexes, for any number of past children."""

from __future__ import annotations

from django.db import connection

from execution.selectors.decisions import free
from execution.selectors.orders.pages import order_snapshot
from execution.services.orders.orders import order_cancel
from tests.factories import NOW, Rows


def test_before_each_create_no_more_is_read_than_what_the_balance_may_lack(rows: Rows) -> None:
    rows.resting()
    assert len(free.sent_rows(rows.account.pk, NOW)) == 1
    for made in free._SENT._made.values():
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {made.sql}", ["1"] * made.sql.count("%s"))
            plan = [row[3] for row in cursor.fetchall()]
        assert not [step for step in plan if step.startswith("SCAN")], plan


def test_an_orders_page_says_what_it_reserves_until_it_ends(rows: Rows) -> None:
    order = rows.submit()
    (reserved,) = order_snapshot(order.pk)["order"]["reserves"]
    assert reserved == {"account": "alpha", "currency": "USDT", "amount": "18108.09", "is_known": True}
    order_cancel(public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    assert order_snapshot(order.pk)["order"]["reserves"] == []
