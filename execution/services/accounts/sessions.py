"""The records of an account's session: the account's health, doubts about it, and how far it is reconciled.

A doubt means that the desk may not know all open orders of the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from execution.core.states import CHILD_CANCELLABLE
from execution.models import Account, ChildOrder
from execution.services.children.children import child_cancel_request
from execution.services.records.locking import order_locked

#: The most characters of an error that are stored for the pages.
MAX_ERROR_LENGTH = 300


@dataclass(frozen=True, slots=True)
class UnreadSymbol:
    """A symbol that cannot be read at the exchange.

    If ``blocks`` is True, no new child of the symbol is sent, even if an earlier poll of this session read the symbol.
    """

    error: str
    since: datetime
    blocks: bool = False


def account_seen(
    *,
    account_pk: int,
    latency_ms: float | None = None,
    polled_at: datetime | None = None,
    stream_at: datetime | None = None,
    error: str = "",
) -> None:
    """Record signs of the account's health, for the pages. Values of None change nothing.

    ``error`` says what a poll could not read, although it has read everything else.
    """
    seen: dict[str, float | datetime | None] = {
        "latency_ms": latency_ms,
        "polled_at": polled_at,
        "stream_at": stream_at,
    }
    changed: dict[str, float | int | datetime | str] = {
        name: value for name, value in seen.items() if value is not None
    }
    if polled_at is not None:
        changed |= {"error": error[:500], "failures": 0}
        if error:
            changed["error_at"] = polled_at
    Account.objects.filter(pk=account_pk).update(**changed)


def account_failed(*, account_pk: int, error: str, now: datetime) -> None:
    """Record the account's last error for the pages, and count the failure. A successful poll resets the count."""
    Account.objects.filter(pk=account_pk).update(error=error[:500], error_at=now, failures=F("failures") + 1)


def account_reconciled(*, account_pk: int, fence: int, until: datetime) -> bool:
    """Record that the desk knows everything that happened on the account up to the time ``until``.

    Return False if another worker holds the account.
    """
    updated = Account.objects.filter(pk=account_pk, fence=fence).update(
        reconciled_until=until, reconciled_fence=fence
    )
    return updated == 1


@transaction.atomic
def account_symbol_read(*, account_pk: int, fence: int, symbol: str, begun: datetime) -> bool:
    """Record a complete poll of a symbol that began at ``begun``. It ends an earlier doubt about the symbol.

    Older records are removed if they come from an earlier session, or from a poll that began before the last doubt.
    Return False if another worker holds the account now.
    """
    account = _held(account_pk, fence)
    if account is None:
        return False
    kept = {
        name: read
        for name, read in account.symbols_read.items()
        if read["fence"] == fence
        and (account.doubted_at is None or datetime.fromisoformat(read["begun"]) >= account.doubted_at)
    }
    account.symbols_read = kept | {symbol: {"fence": fence, "begun": begun.isoformat()}}
    account.save(update_fields=["symbols_read"])
    return True


def account_symbols_unread(*, account_pk: int, fence: int, unread: Mapping[str, UnreadSymbol]) -> None:
    """Record the symbols that cannot be read, with their reasons. They replace all that were recorded before.

    Nothing is recorded if another worker holds the account now.
    """
    kept = {
        symbol: {
            "fence": fence,
            "error": one.error[:MAX_ERROR_LENGTH],
            "since": one.since.isoformat(),
            "blocks": one.blocks,
        }
        for symbol, one in unread.items()
    }
    Account.objects.filter(pk=account_pk, fence=fence).update(symbols_unread=kept)


def account_stream_suspected(*, account_pk: int, fence: int, words: str, now: datetime) -> None:
    """Record the reason why the private stream is not trusted and is opened again."""
    Account.objects.filter(pk=account_pk, fence=fence).update(
        stream_suspicion=words[:MAX_ERROR_LENGTH], stream_suspected_at=now
    )


def _held(account_pk: int, fence: int) -> Account | None:
    return Account.objects.select_for_update(no_key=True).filter(pk=account_pk, fence=fence).first()


def account_doubted(*, account_pk: int, fence: int, now: datetime) -> None:
    """Record a doubt: the desk may no longer know all open orders of the account.

    No new child of a symbol is sent until a poll of that symbol, begun after the doubt, is complete.
    """
    Account.objects.filter(pk=account_pk, fence=fence).update(doubted_at=now)


def account_switch_kept(*, account_pk: int, fence: int, until: datetime | None, error: str = "") -> None:
    """Record until when the dead-man's switch is armed (None: not armed), and the error of the last attempt to change
    it.
    """
    Account.objects.filter(pk=account_pk, fence=fence).update(switch_until=until, switch_error=error[:500])


def account_poll_taken(*, account_pk: int) -> bool:
    """Return True if a person requested a poll of the account, and clear the request."""
    wanted = Account.objects.filter(pk=account_pk, poll_requested_at__isnull=False)
    return wanted.update(poll_requested_at=None) == 1


@transaction.atomic
def children_pull(*, account_pk: int, reason: str, now: datetime) -> int:
    """Request the cancel of all children that rest on an account. Return the number of children."""
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
