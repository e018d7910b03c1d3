"""Reads for admins: accounts, the rights of their keys, their health and their traders. Sealed keys are never read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from django.db.models import Count, Q, QuerySet

from execution.core.account_options import reached
from execution.core.faults import faults_of
from execution.core.guarantees import guarantees_of
from execution.core.states import ORDER_FINAL
from execution.models import (
    Account,
    AuditEntry,
    Credential,
    CredentialState,
    Environment,
    Installation,
    Market,
    Role,
    User,
    Venue,
    VenueListing,
    Worker,
)

AUDIT_SHOWN = 50
SEALED = ("sealed",)


class KeyRow(TypedDict):
    """A key as people may see it. A permission is None if the exchange does not report it."""

    last_four: str
    state: str
    read: bool | None
    trade: bool | None
    withdraw: bool | None
    checked_at: datetime | None
    check_wanted_at: datetime | None
    error: str
    created_at: datetime


class UnreadRow(TypedDict):
    """A symbol that the account's session cannot read.

    While ``is_blocked`` is True, the symbol gets no new child on this account.
    """

    symbol: str
    error: str
    since: datetime
    is_blocked: bool


class AssumptionRow(TypedDict):
    name: str
    value: str
    source: str
    is_accepted: bool


class AccountRow(TypedDict):
    """An account, its newest key, and its health as its session last recorded it."""

    id: str
    label: str
    venue: str
    exchange: str
    environment: str
    #: The hosts to which the account's requests go.
    reached: list[str]
    is_active: bool
    symbols: list[str]
    #: Symbols of the account that the venue does not list (yet).
    unlisted: list[str]
    traders: list[str]
    key: KeyRow | None
    #: True if a worker holds the account.
    is_held: bool
    latency_ms: float | None
    error: str
    error_at: datetime | None
    failures: int
    stream_at: datetime | None
    polled_at: datetime | None
    live_orders: int
    #: The parts of the account's session that keep failing, in words.
    faults: list[str]
    unread: list[UnreadRow]
    #: The event that the private stream had failed to report when it was last reconnected, and the time of that.
    stream_suspicion: str
    stream_suspected_at: datetime | None
    #: The exchange has a dead-man's switch. It is armed only where nobody but the desk has orders.
    has_switch: bool
    is_exclusive: bool
    switch_until: datetime | None
    switch_error: str
    #: Guarantees of the exchange that safety depends on but that are only assumed. Only for a live account.
    assumptions: list[AssumptionRow]
    #: Those that no admin has accepted yet. Until then nothing is sent.
    open_assumptions: list[str]


class AuditRow(TypedDict):
    at: datetime
    actor: str
    kind: str
    reason: str
    data: dict[str, Any]
    #: For an entry about a request for access: the kind of the request.
    data__what: str | None


class AccountFacts(AccountRow):
    """The account's own page: the account's row, with its former keys and the people who may still be granted it."""

    former_keys: list[KeyRow]
    audit: list[AuditRow]
    #: Active traders who may not use the account yet.
    others: list[str]


def account_rows() -> list[AccountRow]:
    """Return every account, sorted by label."""
    accounts = list(_accounts().order_by("label"))
    keys = _keys(accounts)
    listed = _listed(accounts)
    return [_row(account, keys[account.pk], listed[account.venue_id]) for account in accounts]


def account_facts(public_id: str) -> AccountFacts | None:
    """Return one account with its former keys and the people who may still be granted it; None if there is none."""
    account = _accounts().filter(public_id=public_id).first()
    if account is None:
        return None
    keys = _keys([account])[account.pk]
    row = _row(account, keys, _listed([account])[account.venue_id])
    audit = AuditEntry.objects.filter(
        Q(kind__startswith="account.") | Q(kind__startswith="key.") | Q(kind__startswith="access."),
        subject=account.label,
    )
    active = User.objects.filter(role=Role.TRADER, is_active=True).exclude(accounts=account)
    return AccountFacts(
        **row,
        former_keys=keys[1:],
        audit=list(
            audit.order_by("-pk").values("at", "actor", "kind", "reason", "data", "data__what")[:AUDIT_SHOWN]
        ),
        others=list(active.order_by("username").values_list("username", flat=True)),
    )


def account_id_of(label: str) -> str | None:
    """Return the public id of the account with this label."""
    return Account.objects.filter(label=label).values_list("public_id", flat=True).first()


def venue_choices() -> Sequence[Mapping[str, object]]:
    """Return the label and exchange of each venue that a new account may join."""
    return list(Venue.objects.order_by("label").values("label", "exchange"))


def listed_symbols() -> dict[str, list[str]]:
    """Return the symbols that each venue lists, by the venue's label. A venue that was never connected is left out."""
    return dict(VenueListing.objects.values_list("venue__label", "symbols"))


def symbols_listed_at(venue: str) -> list[str]:
    """Return the symbols that the venue with this label lists; none if it was never connected."""
    return next(iter(VenueListing.objects.filter(venue__label=venue).values_list("symbols", flat=True)), [])


def trader_names() -> list[str]:
    """Return the names of the people to whom an account may be granted."""
    traders = User.objects.filter(role=Role.TRADER, is_active=True)
    return list(traders.order_by("username").values_list("username", flat=True))


def installation_environment() -> str:
    """Return the environment of this installation; empty before the first start."""
    return Installation.objects.values_list("environment", flat=True).first() or ""


def a_worker_runs(*, at: datetime) -> bool:
    """Return True if the lease of at least one engine is valid at ``at``, a time of the database's clock."""
    return Worker.objects.filter(stopped_at=None, lease_until__gt=at).exists()


# --- parts -----------------------------------------------------------------------------------------


def _accounts() -> QuerySet[Any]:  # annotated, so of no class of ours
    alive = Count("orders", filter=~Q(orders__status__in=ORDER_FINAL), distinct=True)
    query = Account.objects.select_related("venue", "owner").prefetch_related("traders")
    return query.annotate(live_orders=alive)


def _keys(accounts: list[Account]) -> dict[int, list[KeyRow]]:
    found: dict[int, list[KeyRow]] = defaultdict(list)
    for credential in Credential.objects.filter(account__in=accounts).defer(*SEALED).order_by("-pk"):
        found[credential.account_id].append(_key(credential))
    return found


def _key(credential: Credential) -> KeyRow:
    permissions = credential.permissions
    return KeyRow(
        last_four=credential.last_four,
        state=CredentialState(credential.state).value,
        read=permissions.get("read"),
        trade=permissions.get("trade"),
        withdraw=permissions.get("withdraw"),
        checked_at=credential.checked_at,
        check_wanted_at=credential.check_wanted_at,
        error=credential.error,
        created_at=credential.created_at,
    )


def _listed(accounts: list[Account]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    venues = {account.venue_id for account in accounts}
    for venue, symbol in Market.objects.filter(venue__in=venues).values_list("venue_id", "symbol"):
        found[venue].add(symbol)
    return found


def _unread(account: Account) -> list[UnreadRow]:
    return [
        UnreadRow(
            symbol=symbol,
            error=one["error"],
            since=datetime.fromisoformat(one["since"]),
            is_blocked=not account.is_symbol_reconciled(symbol),
        )
        for symbol, one in sorted(account.unread_now.items())
    ]


def _row(account: Any, keys: list[KeyRow], listed: set[str]) -> AccountRow:
    return AccountRow(
        id=account.public_id,
        label=account.label,
        venue=account.venue.label,
        exchange=account.venue.exchange,
        environment=account.environment,
        reached=reached(account.venue.exchange, account.venue.options),
        is_active=account.is_active,
        symbols=list(account.symbols),
        unlisted=[symbol for symbol in account.symbols if symbol not in listed],
        traders=sorted(person.username for person in account.traders.all()),
        key=keys[0] if keys else None,
        is_held=account.owner is not None and account.owner.stopped_at is None,
        latency_ms=account.latency_ms,
        error=account.error,
        error_at=account.error_at,
        failures=account.failures,
        stream_at=account.stream_at,
        polled_at=account.polled_at,
        live_orders=account.live_orders,
        faults=[fault.words for fault in faults_of(account.faults, account.fence)],
        unread=_unread(account),
        stream_suspicion=account.stream_suspicion,
        stream_suspected_at=account.stream_suspected_at,
        has_switch=guarantees_of(account.venue.exchange).dead_mans_switch.value is not None,
        is_exclusive=account.is_exclusive,
        switch_until=account.switch_until,
        switch_error=account.switch_error,
        assumptions=_assumptions(account),
        open_assumptions=list(account.open_assumptions),
    )


def _assumptions(account: Account) -> list[AssumptionRow]:
    if account.environment != Environment.LIVE:
        return []
    guarantees = guarantees_of(account.venue.exchange)
    assumed = guarantees.assumed_for_safety()
    return [
        AssumptionRow(
            name=name.replace("_", " "),
            value=promise.words,
            source=promise.source,
            is_accepted=name not in account.open_assumptions,
        )
        for name, promise in guarantees.promises()
        if name in assumed
    ]
