"""Shared by the tests of halts: setting one, lifting it, and its effects."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from execution.core.states import ChildStatus
from execution.core.types import VenueStatus
from execution.models import Account, ChildOrder, Halt, Order
from execution.services.children.children import child_report
from execution.services.halts import (
    HaltRequest,
    halt_lift,
    halt_set,
)
from execution.services.orders.orders import order_resume
from tests.factories import NOW, SYMBOL, Rows, make_account, report_of

SECOND = timedelta(seconds=1)
DESK = HaltRequest("stop", "desk")
NO_NEW = HaltRequest("no_new_orders", "desk")
#: Stands for the public id of the one order that there is.
THE_ORDER = "the order"
#: Each scope that covers the orders of ``rows``, with the phrase that confirms it.
SCOPES = {
    HaltRequest("stop", "desk"): "HALT DESK",
    HaltRequest("stop", "account", "alpha"): "HALT alpha",
    HaltRequest("stop", "trader", "trader"): "HALT trader",
    HaltRequest("stop", "symbol", SYMBOL): f"HALT {SYMBOL}",
    HaltRequest("stop", "algorithm", "twap"): "HALT twap",
    HaltRequest("stop", "order", THE_ORDER): f"HALT {THE_ORDER}",
}


def halt(rows: Rows, request: HaltRequest = DESK, **changes: Any) -> Halt:
    given: dict[str, Any] = {
        "person": rows.supervisor,
        "request": request,
        "phrase": SCOPES.get(request, "HALT DESK"),
        "reason": "a test",
        "now": NOW,
    }
    if request.subject == THE_ORDER:
        public_id = Order.objects.get().public_id
        given |= {"request": replace(request, subject=public_id), "phrase": f"HALT {public_id}"}
    return halt_set(**(given | changes))


def lift(rows: Rows, stopped: Halt, **changes: Any) -> Halt:
    given = {"public_id": stopped.public_id, "person": rows.supervisor, "reason": "over", "now": NOW + SECOND}
    return halt_lift(**(given | changes))


def resume(rows: Rows, order: Order) -> Order:
    return order_resume(
        public_id=order.public_id, person=rows.trader, reason="", mode="catch_up", now=NOW + SECOND
    )


def open_child(rows: Rows, **changes: Any) -> ChildOrder:
    """Return a child that rests at the exchange."""
    child = rows.resting(**changes)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    child.refresh_from_db()
    assert child.status == ChildStatus.OPEN
    return child


def other_account(rows: Rows) -> Account:
    account = make_account(rows.venue, "beta", rows.trader)
    account.owner, account.fence = rows.worker, 1
    account.save()
    return account
