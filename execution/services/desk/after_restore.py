"""The repair of a database that was restored from a backup.

Its books lack everything that happened after the backup.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from execution.core.identifiers import MARK_LENGTH, random_id
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.states import ORDER_FINAL, ChildStatus, OrderStatus
from execution.core.types import Unknown
from execution.models import Account, ChildOrder, Installation, Order, Worker
from execution.models.installation import random_quote_key
from execution.services.children.children import child_outcome
from execution.services.engine.workers import database_now
from execution.services.records.audit import audit_append
from execution.services.records.journal import DESK, alert
from execution.services.records.locking import order_locked
from execution.services.records.order_transition import pause_for_person


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of a repair: the new mark, the former one, and the numbers of orders, children and accounts that it
    touched.
    """

    mark: str
    former: str
    orders: int
    children: int
    accounts: int


@transaction.atomic
def installation_after_restore(*, reason: str, now: datetime) -> Restored:
    """Make a restored database safe to trade from. It may be repeated. Raises ``Refused`` while a worker runs.

    1. Draw a fresh mark, which is part of each client id. So no client id that was used after the backup is used
       again. The desk still recognises former marks as its own.
    2. Pause every unfinished order for a person.
    3. Mark unsent and unanswered children as unknown, because they may have been sent after the backup.
    4. Take every account from the worker that holds it. Before an account sends a new child, it is compared with the
       exchange from the time of the backup on.
    """
    if not reason.strip():
        message = "A reason is required: say which backup was restored, and why. It goes into the audit log."
        refuse("reason", message, code=Code.VALUE_MISSING)
    installation = Installation.objects.select_for_update(no_key=True).first()
    if installation is None:
        message = "There is no installation in this database. Nothing was restored."
        refuse("", message, code=Code.INSTALLATION_MISSING)
    _refuse_while_a_worker_runs()
    former = installation.mark
    used = {former, *installation.former_marks}
    while (mark := random_id(MARK_LENGTH, secrets.choice)) in used:
        continue
    installation.mark, installation.former_marks = mark, sorted(used)
    installation.quote_key = random_quote_key()  # who has read the backup could sign quotes
    installation.save(update_fields=["mark", "former_marks", "quote_key"])
    Worker.objects.filter(stopped_at=None).update(stopped_at=now)
    orders = _pause_orders(f"restored from a backup: {reason.strip()}", now)
    children = _doubt_children(now)
    accounts = _forget_reconciliation()
    done = Restored(mark, former, orders, children, accounts)
    data = {"mark": mark, "former": former, "orders": orders, "children": children, "accounts": accounts}
    audit_append(kind="restored", actor=DESK, subject=mark, reason=reason.strip(), at=now, data=data)
    return done


def _refuse_while_a_worker_runs() -> None:
    running = Worker.objects.filter(stopped_at=None, lease_until__gt=database_now()).first()
    if running is not None:
        message = f"A worker is running ({running}). Stop every worker on every host first."
        refuse("", message, str(running), code=Code.WORKER_RUNNING)


def _pause_orders(reason: str, now: datetime) -> int:
    alive = Order.objects.exclude(status__in=[*ORDER_FINAL, OrderStatus.PENDING_APPROVAL])
    pks = list(alive.order_by("pk").values_list("pk", flat=True))
    for pk in pks:
        order = order_locked(pk)
        alert(order=order, text=reason, at=now)
        pause_for_person(order, reason=reason, now=now)
    return len(pks)


def _doubt_children(now: datetime) -> int:
    """Mark children that were not sent or not answered as sent now, with an unknown outcome. Return their number.

    Polls then look for each child by its client id.
    """
    waiting = ChildOrder.objects.filter(
        is_settled=False, status__in=[ChildStatus.PENDING_SUBMIT, ChildStatus.SUBMITTED]
    )
    pks = list(waiting.order_by("order_id", "pk").values_list("pk", flat=True))
    for pk in pks:
        fence = F("account__fence")
        account_fence = ChildOrder.objects.filter(pk=pk).values_list(fence, flat=True).get()
        ChildOrder.objects.filter(pk=pk).update(
            status=ChildStatus.SUBMITTED,
            submitted_at=now,
            submitted_fence=account_fence,
            last_possible_send_at=now,
        )
        lost = Unknown("a backup was restored: it may have been sent after the backup was made")
        child_outcome(child_pk=pk, outcome=lost, now=now)
    return len(pks)


def _forget_reconciliation() -> int:
    Account.objects.exclude(reconciled_until=None).update(reconcile_from=F("reconciled_until"))
    return Account.objects.update(reconciled_until=None, owner=None, fence=F("fence") + 1)
