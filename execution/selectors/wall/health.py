"""The accounts' health as a supervisor sees it: one word, the last error, and the start of that state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from socket import gethostname

from django.db.models import Exists, OuterRef
from django.utils import timezone

from execution.core.faults import DISK, faults_of
from execution.core.market_data.freshness import MAX_QUOTE_AGE
from execution.core.types import Quote
from execution.models import Account, Credential, CredentialState, Worker
from execution.payloads.encode import epoch_ms
from execution.payloads.wall import Cause, Health, WallAccount, WallNotice, WallQuote
from execution.selectors.market_troubles import market_troubles
from execution.selectors.room import held_back

#: A quiet account is polled every 20 s.
POLL_LATE = timedelta(seconds=45)
#: A poll that finds the stream working updates ``stream_at``. If it falls this far behind the polls, the stream is
#: down.
STREAM_LATE = timedelta(seconds=5)
#: The number of failed calls in a row, without a successful poll, from which an account is down.
DOWN_AFTER = 3

#: The severity of each cause.
HEALTH_OF: Mapping[Cause, Health] = {
    "closed": "down",
    "no_key": "down",
    "not_held": "down",
    "failing": "down",
    "error": "down",
    "down": "down",
    "not_polled": "down",
    "not_reconciled": "warn",
    "stream_down": "warn",
    "switch": "warn",
    "stale": "warn",
    "ok": "ok",
}

Wanted = AbstractSet[tuple[int, str]]  #: venue and symbol of live orders


def accounts_with_key() -> list[Account]:
    """Return every account with its venue, its worker, and ``has_key``, True if it has an active, checked key."""
    usable = Credential.objects.filter(account=OuterRef("pk"), state=CredentialState.ACTIVE)
    query = Account.objects.select_related("venue", "owner").annotate(has_key=Exists(usable))
    return list(query.order_by("label"))


def quote_pairs(accounts: Iterable[Account]) -> list[tuple[int, str]]:
    """Return the venue and symbol of each market that the accounts trade."""
    return sorted({(account.venue_id, symbol) for account in accounts for symbol in account.symbols})


def notice_rows(now: datetime) -> list[WallNotice]:
    """Return the problems of the desk itself: this process's disk, then the faults of running engines."""
    host, here = gethostname(), held_back()
    told = [WallNotice(where=host, part=DISK, text=here)] if here else []
    workers = Worker.objects.filter(stopped_at=None, lease_until__gt=now).order_by("pk")
    return told + [
        WallNotice(where=str(worker), part=fault.part, text=fault.words)
        for worker in workers
        for fault in faults_of(worker.faults)
        if not (here and fault.part == DISK and worker.host == host)  # the same disk, told already
    ]


def account_rows(
    accounts: Sequence[Account],
    prices: Mapping[tuple[int, str], Quote],
    demand: Wanted,
    halted: Mapping[str, str],
    now: datetime,
) -> list[WallAccount]:
    """Return the accounts' rows.

    ``demand`` has the markets with a live order. Only their quotes are judged, because engines need not watch other
    markets.
    """
    own = {account.pk: demand & set(quote_pairs([account])) for account in accounts}
    troubles = market_troubles(set().union(*own.values()))
    return [
        _row(
            account,
            prices,
            own[account.pk],
            [words for pair in sorted(own[account.pk]) for words in troubles.get(pair, ())],
            halted.get(account.label, ""),
            now,
        )
        for account in accounts
    ]


def _row(
    account: Account,
    prices: Mapping[tuple[int, str], Quote],
    demand: Wanted,
    troubles: list[str],
    halt: str,
    now: datetime,
) -> WallAccount:
    pairs = [(account.venue_id, symbol) for symbol in account.symbols]
    quotes = [
        WallQuote(
            symbol=pair[1],
            at=epoch_ms(prices[pair].at) if pair in prices else None,
            wanted=pair in demand,
        )
        for pair in pairs
    ]
    cause, words, since = _health(account, quotes, now)
    failing = faults_of(account.faults, account.fence)
    return WallAccount(
        id=account.public_id,
        label=account.label,
        exchange=account.venue.exchange,
        health=HEALTH_OF[cause],
        cause=cause,
        words=words,
        error=failing[0].cause if failing else account.error,
        since=epoch_ms(since),
        latency_ms=account.latency_ms,
        failures=account.failures,
        stream_at=epoch_ms(account.stream_at),
        polled_at=epoch_ms(account.polled_at),
        quotes=quotes,
        feeds=troubles,
        switch_until=epoch_ms(account.switch_until),
        halt=halt,
    )


def _health(
    account: Account, quotes: Collection[WallQuote], now: datetime
) -> tuple[Cause, str, datetime | None]:
    owner = account.owner
    if not account.is_active:
        return "closed", "closed", None
    if not getattr(account, "has_key", False):
        return "no_key", "no checked key", None
    if owner is None or owner.lease_until < now:
        return "not_held", "no worker trades this account", None if owner is None else owner.lease_until
    if failing := faults_of(account.faults, account.fence):
        return "failing", f"{failing[0].part} fails", failing[0].since
    if account.error:
        is_down = account.failures >= DOWN_AFTER
        return (
            "down" if is_down else "error",
            "down" if is_down else "error",
            account.polled_at or account.error_at,
        )
    if account.polled_at is None or account.reconciled_until is None:
        return "not_reconciled", "not reconciled yet", None
    if now - account.polled_at > POLL_LATE:
        if account.polled_at < owner.started_at <= now < owner.started_at + POLL_LATE:
            return "not_reconciled", "not reconciled yet", account.polled_at
        return "not_polled", "not polled", account.polled_at
    if account.stream_at is None or account.polled_at - account.stream_at > STREAM_LATE:
        return "stream_down", "stream down", account.stream_at
    if account.switch_error:
        return "switch", "dead-man's switch not renewed", None
    return _data_health(quotes, now)


def _data_health(quotes: Collection[WallQuote], now: datetime) -> tuple[Cause, str, datetime | None]:
    """Return the health of an account's quotes: the cause, its words, and its start.

    Only markets with a live order are judged, because engines need not watch other markets. Faults of the feeds are
    in the row's ``feeds``.
    """
    oldest_allowed = epoch_ms(now - MAX_QUOTE_AGE)
    late = [quote for quote in quotes if quote["wanted"] and (quote["at"] or 0) < oldest_allowed]
    if not late:
        return "ok", "ok", None
    worst = min(late, key=lambda quote: quote["at"] or 0)
    since = (
        None
        if worst["at"] is None
        else datetime.fromtimestamp(worst["at"] / 1000, timezone.get_current_timezone())
    )
    return "stale", f"no fresh quote of {worst['symbol']}", since
