"""The accounts' health as a supervisor reads it: one word, the last error, and since when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from socket import gethostname

from django.db.models import Exists, OuterRef
from django.utils import timezone

from execution.core.faults import DISK, faults_of
from execution.core.orders.view import MAX_QUOTE_AGE
from execution.core.types import Quote
from execution.models import Account, Credential, CredentialState, Worker
from execution.payloads.encode import instant, milliseconds
from execution.payloads.wall import Health, WallAccount, WallNotice, WallQuote
from execution.selectors.room import held_back

#: A calm account is looked at every 20 s.
LOOK_LATE = timedelta(seconds=45)
#: A look that finds the stream well says so; one that does not, leaves its mark behind.
STREAM_LATE = timedelta(seconds=5)
#: Failed calls in a row without a good look.
DOWN_AFTER = 3

Wanted = Collection[tuple[int, str]]  #: venue and symbol of live orders


def accounts_with_key() -> list[Account]:
    """Every account with the venue and the worker that holds it; ``has_key``: a key in use was checked."""
    usable = Credential.objects.filter(account=OuterRef("pk"), state=CredentialState.ACTIVE)
    query = Account.objects.select_related("venue", "owner").annotate(has_key=Exists(usable))
    return list(query.order_by("label"))


def quote_pairs(accounts: Iterable[Account]) -> list[tuple[int, str]]:
    """The markets that the accounts trade: venue and symbol."""
    return sorted({(account.venue_id, symbol) for account in accounts for symbol in account.symbols})


def notice_rows(now: datetime) -> list[WallNotice]:
    """What is wrong with the desk itself: the disk of this process, then what the running engines say of theirs."""
    host, here = gethostname(), held_back()
    told = [WallNotice(where=host, text=here)] if here else []
    workers = Worker.objects.filter(stopped_at=None, lease_until__gt=now).order_by("pk")
    return told + [
        WallNotice(where=str(worker), text=fault.words)
        for worker in workers
        for fault in faults_of(worker.faults)
        if not (here and fault.part == DISK and worker.host == host)  # the same disk, told already
    ]


def account_rows(
    accounts: Iterable[Account],
    prices: Mapping[tuple[int, str], Quote],
    wanted: Wanted,
    halted: Mapping[str, str],
    now: datetime,
) -> list[WallAccount]:
    return [_row(account, prices, wanted, halted.get(account.label, ""), now) for account in accounts]


def _row(
    account: Account,
    prices: Mapping[tuple[int, str], Quote],
    wanted: Wanted,
    halt: str,
    now: datetime,
) -> WallAccount:
    pairs = [(account.venue_id, symbol) for symbol in account.symbols]
    quotes = [
        WallQuote(
            symbol=pair[1],
            at=milliseconds(prices[pair].at) if pair in prices else None,
            wanted=pair in wanted,
        )
        for pair in pairs
    ]
    health, words, since = _health(account, quotes, now)
    failing = faults_of(account.faults, account.fence)
    return WallAccount(
        id=account.public_id,
        label=account.label,
        exchange=account.venue.exchange,
        health=health,
        words=words,
        error=failing[0].cause if failing else account.error,
        since=instant(since),
        latency_ms=account.latency_ms,
        failures=account.failures,
        stream_at=instant(account.stream_at),
        looked_at=instant(account.looked_at),
        quotes=quotes,
        halt=halt,
    )


def _health(
    account: Account, quotes: Collection[WallQuote], now: datetime
) -> tuple[Health, str, datetime | None]:
    """The worst that is known, in words, and since when: the last good sign before it."""
    owner = account.owner
    if not account.is_active:
        return "down", "closed", None
    if not getattr(account, "has_key", False):
        return "down", "no checked key", None
    if owner is None or owner.lease_until < now:
        return "down", "no worker holds it", None if owner is None else owner.lease_until
    if failing := faults_of(account.faults, account.fence):
        return "down", f"{failing[0].part} fails", failing[0].since
    if account.error:
        word = "down" if account.failures >= DOWN_AFTER else "error"
        return "down", word, account.looked_at or account.error_at
    if account.looked_at is None or account.reconciled_until is None:
        return "warn", "not reconciled yet", None
    if now - account.looked_at > LOOK_LATE:
        return "down", "not looked at", account.looked_at
    if account.stream_at is None or account.looked_at - account.stream_at > STREAM_LATE:
        return "warn", "stream down", account.stream_at
    return _data_health(quotes, now)


def _data_health(quotes: Collection[WallQuote], now: datetime) -> tuple[Health, str, datetime | None]:
    """Only markets that an order lives in matter: others may not be watched."""
    oldest_allowed = milliseconds(now - MAX_QUOTE_AGE)
    late = [quote for quote in quotes if quote["wanted"] and (quote["at"] or 0) < oldest_allowed]
    if not late:
        return "ok", "ok", None
    worst = min(late, key=lambda quote: quote["at"] or 0)
    since = (
        None
        if worst["at"] is None
        else datetime.fromtimestamp(worst["at"] / 1000, timezone.get_current_timezone())
    )
    return "warn", f"no fresh quote of {worst['symbol']}", since
