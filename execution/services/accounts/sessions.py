"""What an account session keeps of its account: health, the reconciliation mark."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from execution.core.states import CHILD_CANCELLABLE
from execution.models import Account, ChildOrder
from execution.services.children.children import child_cancel_request
from execution.services.records.locking import order_locked


def account_seen(
    *,
    account_pk: int,
    latency_ms: float | None = None,
    looked_at: datetime | None = None,
    stream_at: datetime | None = None,
) -> None:
    """Keep signs of health for the pages; what is None is left as it is."""
    seen: dict[str, float | datetime | None] = {
        "latency_ms": latency_ms,
        "looked_at": looked_at,
        "stream_at": stream_at,
    }
    changed: dict[str, float | int | datetime | str] = {
        name: value for name, value in seen.items() if value is not None
    }
    if looked_at is not None:
        changed |= {"error": "", "failures": 0}
    Account.objects.filter(pk=account_pk).update(**changed)


def account_failed(*, account_pk: int, error: str, now: datetime) -> None:
    """Keep the last error for the pages, and count it until a look succeeds."""
    Account.objects.filter(pk=account_pk).update(error=error[:500], error_at=now, failures=F("failures") + 1)


def account_reconciled(*, account_pk: int, fence: int, until: datetime) -> bool:
    """Everything at the venue before ``until`` is in our books; False when the account is another's now."""
    updated = Account.objects.filter(pk=account_pk, fence=fence).update(
        reconciled_until=until, reconciled_fence=fence
    )
    return updated == 1


def account_doubted(*, account_pk: int, fence: int, now: datetime) -> None:
    """Something may have been missed: no new child until a complete look that begins from now on succeeds."""
    Account.objects.filter(pk=account_pk, fence=fence).update(doubted_at=now)


def account_look_taken(*, account_pk: int) -> bool:
    """True when a person asked for a look; the asking is over."""
    wanted = Account.objects.filter(pk=account_pk, look_wanted_at__isnull=False)
    return wanted.update(look_wanted_at=None) == 1


@transaction.atomic
def children_pull(*, account_pk: int, reason: str, now: datetime) -> int:
    """Ask for the cancel of everything that rests on an account; how many."""
    resting = ChildOrder.objects.filter(
        account_id=account_pk, is_settled=False, status__in=CHILD_CANCELLABLE, cancel_requested_at=None
    )
    pulled = 0
    for pk, order_pk in list(resting.order_by("order_id", "pk").values_list("pk", "order_id")):
        order = order_locked(order_pk)
        child = ChildOrder.objects.get(pk=pk)
        if child.status in CHILD_CANCELLABLE:
            child_cancel_request(child=child, order=order, reason=reason, now=now)
            pulled += 1
    return pulled
