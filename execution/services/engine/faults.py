"""Lasting failures in an engine, stored with the account or the worker.

Pages show them. If an order waits because of a failure, the order names the failure as the reason.
"""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction

from execution.core.faults import Fault
from execution.models import Account, Worker


@transaction.atomic
def account_fault_set(*, account_pk: int, fence: int, fault: Fault) -> None:
    """Store the fault of a part of the account's session. Remove faults that earlier sessions stored.

    ``fence`` identifies the session: it is a number that grows with each takeover of the account.
    """
    account = Account.objects.select_for_update(of=("self",), no_key=True).get(pk=account_pk)
    if account.fence == fence:
        kept = {part: each for part, each in account.faults.items() if each["fence"] == fence}
        account.faults = kept | {fault.part: replace(fault, fence=fence).to_json()}
        account.save(update_fields=["faults"])


@transaction.atomic
def account_fault_clear(*, account_pk: int, part: str) -> None:
    """Remove the fault of a part of the account's session that works again."""
    account = Account.objects.select_for_update(of=("self",), no_key=True).get(pk=account_pk)
    account.faults = {name: fault for name, fault in account.faults.items() if name != part}
    account.save(update_fields=["faults"])


@transaction.atomic
def worker_fault_set(*, worker_pk: int, fault: Fault) -> None:
    """Store the fault of a part of an engine that belongs to no single account."""
    worker = Worker.objects.select_for_update(no_key=True).get(pk=worker_pk)
    worker.faults = worker.faults | {fault.part: fault.to_json()}
    worker.save(update_fields=["faults"])


@transaction.atomic
def worker_fault_clear(*, worker_pk: int, part: str) -> None:
    """Remove the fault of a part of the engine that works again."""
    worker = Worker.objects.select_for_update(no_key=True).get(pk=worker_pk)
    worker.faults = {name: fault for name, fault in worker.faults.items() if name != part}
    worker.save(update_fields=["faults"])
