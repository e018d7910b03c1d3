"""The stop of trading on an account: its orders pause for a person, and its resting children are cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from execution import notify
from execution.core.states import ORDER_FINAL
from execution.models import Account, Order
from execution.services.children.children import resting_cancel
from execution.services.records.locking import order_locked
from execution.services.records.order_transition import pause_for_person


def account_orders_locked(account_id: str) -> list[Order]:
    """Lock the rows of the account's unfinished orders. The caller locks the account's own row after this call."""
    alive = Order.objects.filter(accounts__public_id=account_id).exclude(status__in=ORDER_FINAL)
    return [order_locked(pk) for pk in alive.order_by("pk").values_list("pk", flat=True)]


def account_orders_stop(
    account: Account, orders: Sequence[Order], *, reason: str, now: datetime
) -> dict[str, int]:
    """Pause the locked ``orders`` for a person and request the cancel of the account's children.

    Return the numbers of orders and of children. The cancels are sent with whichever key the account still has.
    """
    paused = cancelled = 0
    for order in orders:
        before = order.status
        pause_for_person(order, reason=reason, now=now)
        paused += order.status != before
        cancelled += resting_cancel(order, reason=reason, now=now, account=account)
    notify.wake_account(account.pk)
    return {"orders_paused": paused, "children_cancelled": cancelled}
