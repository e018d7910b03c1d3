"""A running desk's books of an order against the exchange's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from execution.core.states import OrderStatus
from execution.models import Order
from tests.desk.database import order_of
from tests.desk.running import PAPER_LABELS, RunningDesk
from tests.desk.visitor import paper_ledger
from tests.engine.running import check_books

#: The promise is two seconds; a machine that runs other things is given more.
FINAL_AFTER_END = timedelta(seconds=10)


def compare(desk: RunningDesk, public_id: str) -> Order:
    """Check that the order is complete, in time, and that the desk's books equal the exchange's, trade by trade."""
    order = order_of(public_id)
    assert order.status == OrderStatus.COMPLETED, order.reason
    assert order.filled == order.quantity
    assert order.terms is not None
    assert order.ended_at is not None
    assert all(child.intended_at < order.terms.end_at for child in order.children.all())
    assert order.ended_at < order.terms.end_at + FINAL_AFTER_END
    check_books(order, books_of(desk, public_id))
    return order


def books_of(desk: RunningDesk, public_id: str) -> dict[str, Any]:
    """Return the children and trades of an order as all venues together have them; each names its venue."""
    together: dict[str, Any] = {"orders": [], "trades": []}
    for label in PAPER_LABELS:
        for kind, rows in books_in(paper_ledger(desk, label), label, public_id).items():
            together[kind] += rows
    return together


def books_in(ledger: dict[str, Any], venue: str, public_id: str) -> dict[str, Any]:
    """Return the children and trades of an order in a venue's books of the desk's account there."""
    orders = [row for row in ledger["orders"] if row["client_id"][5:13] == public_id]
    ids = {row["id"] for row in orders}
    trades = [trade for trade in ledger["trades"] if trade["order_id"] in ids]
    return {
        "orders": [{**row, "venue": venue} for row in orders],
        "trades": [{**trade, "venue": venue} for trade in trades],
    }
