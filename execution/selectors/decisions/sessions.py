"""What an account session reads: its account, what is not settled there, and what of a look is known already."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.conf import settings
from django.db.models import Q

from execution.core.addresses import Network
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import OrderRef
from execution.models import Account, ChildOrder, Credential, CredentialState, Fill, Installation, Order
from execution.models.prepared import Compiled
from execution.selectors.network import network_of

#: A statement takes only so many values on SQLite.
IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class SessionChild:
    """A child that is not settled, as its session sees it."""

    pk: int
    order_pk: int
    ref: OrderRef
    status: ChildStatus
    quantity: Decimal
    intended_at: datetime
    was_taken: bool
    last_possible_send_at: datetime | None
    send_not_before: datetime | None
    cancel_requested_at: datetime | None
    taken_fence: int | None
    reported_filled: Decimal | None = None
    filled: Decimal = Decimal(0)
    #: An order id that a person found for it and the exchange has not been asked about yet.
    attach_id: str = ""


_UNSETTLED = Compiled(
    lambda account: ChildOrder.objects.filter(account_id=account, is_settled=False).order_by("pk"),
    account=int,
)
_TO_SEND = Compiled(
    lambda account: ChildOrder.objects.filter(
        Q(status=ChildStatus.CANCELLING) | Q(status=ChildStatus.INTENDED, taken_at=None),
        account_id=account,
        is_settled=False,
    ).order_by("pk"),
    account=int,
)


def unsettled_children(account_pk: int) -> list[SessionChild]:
    """Everything on an account that is not settled, oldest first."""
    return _session_children(_UNSETTLED.all(account=account_pk))


def children_to_send(account_pk: int) -> list[SessionChild]:
    """Those of them about which a request is to leave: cancels, and what has not been taken yet."""
    return _session_children(_TO_SEND.all(account=account_pk))


def _session_children(rows: list[ChildOrder]) -> list[SessionChild]:
    return [
        SessionChild(
            pk=row.pk,
            order_pk=row.order_id,
            ref=OrderRef(row.client_id, row.symbol, row.exchange_id or None),
            status=ChildStatus(row.status),
            quantity=row.quantity,
            intended_at=row.intended_at,
            was_taken=row.taken_at is not None,
            last_possible_send_at=row.last_possible_send_at,
            send_not_before=row.send_not_before,
            cancel_requested_at=row.cancel_requested_at,
            taken_fence=row.taken_fence,
            reported_filled=row.reported_filled,
            filled=row.filled,
            attach_id="" if row.attach.get("answer") else row.attach.get("exchange_id", ""),
        )
        for row in rows
    ]


def known_client_ids(account_pk: int, client_ids: Collection[str]) -> dict[str, tuple[int, ChildStatus]]:
    """Those of the client ids that belong to a child of ours, with its primary key and status."""
    children = ChildOrder.objects.filter(account_id=account_pk, client_id__in=client_ids)
    rows = children.values_list("client_id", "pk", "status")
    return {client_id: (pk, ChildStatus(status)) for client_id, pk, status in rows}


def trades_without_child(account_pk: int, symbol: str, trade_ids: Collection[str]) -> set[str]:
    """Those of the recorded trades that belong to no child of ours."""
    found: set[str] = set()
    ids = sorted(trade_ids)
    for first in range(0, len(ids), IDS_AT_ONCE):
        fills = Fill.objects.filter(
            account_id=account_pk,
            symbol=symbol,
            child=None,
            trade_id__in=ids[first : first + IDS_AT_ONCE],
        )
        found.update(fills.values_list("trade_id", flat=True))
    return found


def complete_trades(account_pk: int, symbol: str, trade_ids: Collection[str]) -> set[tuple[str, str]]:
    """Those of the trades, by id and side, that are recorded with their child, fee and liquidity: nothing
    of them can change any more."""
    found: set[tuple[str, str]] = set()
    ids = sorted(trade_ids)
    for first in range(0, len(ids), IDS_AT_ONCE):
        fills = Fill.objects.filter(
            account_id=account_pk, symbol=symbol, trade_id__in=ids[first : first + IDS_AT_ONCE]
        )
        whole = fills.filter(child__isnull=False, fee__isnull=False).exclude(liquidity="")
        found.update(whole.values_list("trade_id", "side"))
    return found


def known_exchange_orders(account_pk: int, symbol: str, exchange_ids: set[str]) -> set[str]:
    """Those of the exchange's order ids that belong to a child of ours; ids are one symbol's own."""
    children = ChildOrder.objects.filter(account_id=account_pk, symbol=symbol, exchange_id__in=exchange_ids)
    return set(children.values_list("exchange_id", flat=True))


_WITH_ORDERS = Compiled(
    lambda venue, since: (
        Order.objects.filter(accounts__venue_id=venue)
        .filter(Q(ended_at=None) | Q(ended_at__gte=since))
        .values_list("symbol")
        .distinct()
    ),
    venue=int,
    since=datetime,
)
_WORKED = Compiled(
    lambda venue, until: (
        Order.objects.filter(accounts__venue_id=venue)
        .filter(Q(status=OrderStatus.WORKING) | Q(status=OrderStatus.SCHEDULED, due_at__lte=until))
        .values_list("symbol")
        .distinct()
    ),
    venue=int,
    until=datetime,
)


def symbols_with_orders(venue_pk: int, *, since: datetime) -> set[str]:
    """Symbols whose market is to be sampled: an order lives, or ended after ``since``."""
    return {symbol for (symbol,) in _WITH_ORDERS.values(venue=venue_pk, since=since)}


#: Books are wanted this long before an order starts.
BOOKS_BEFORE = timedelta(seconds=2)


def symbols_worked(venue_pk: int, *, now: datetime) -> set[str]:
    """Symbols whose book is wanted at a venue: an order works there, or is about to."""
    return {symbol for (symbol,) in _WORKED.values(venue=venue_pk, until=now + BOOKS_BEFORE)}


#: Symbols of orders that ended this recently are still looked at: a trade may be listed late.
STILL_LOOKED_AT = timedelta(minutes=2)


def reconciliation_start(account_pk: int, *, now: datetime) -> tuple[datetime, set[str]]:
    """From when on the venue is to be asked, and for which symbols: those with orders alive or just ended."""
    account = Account.objects.get(pk=account_pk)
    start = account.reconciled_until or account.reconcile_from or now
    since = min(start, now) - STILL_LOOKED_AT
    alive = Order.objects.filter(accounts=account).filter(Q(ended_at=None) | Q(ended_at__gte=since))
    waiting = Q(status=OrderStatus.SCHEDULED) | Q(status=OrderStatus.PENDING_APPROVAL)
    symbols = set(alive.exclude(waiting).values_list("symbol", flat=True))
    if account.reconciled_until is None and account.reconcile_from is not None:
        symbols |= set(account.symbols)  # orders that the backup does not have may rest at any of them
    return start, symbols


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """What a session needs to open an account; the secret is still sealed."""

    pk: int
    public_id: str
    label: str
    venue_pk: int
    exchange: str
    options: dict[str, Any]
    symbols: tuple[str, ...]
    credential_pk: int
    sealed: bytes
    #: False for a key that is suspended, refused or retired: it cancels and looks, and is not checked.
    key_is_in_use: bool
    marks: frozenset[str]
    #: What becomes of an open order with our mark that no child of ours has: adopt or cancel.
    orphans: Literal["adopt", "cancel"]
    #: What the account's client may reach.
    network: Network


@dataclass(frozen=True, slots=True)
class Wanted:
    """What people asked of an account's session."""

    check: bool
    look: bool


def session_wanted(credential_pk: int) -> Wanted:
    """Whether somebody asked for a check of this key, or for a look at its account."""
    wanted = Credential.objects.filter(pk=credential_pk)
    row = wanted.values_list("check_wanted_at", "account__look_wanted_at").first()
    return Wanted(False, False) if row is None else Wanted(row[0] is not None, row[1] is not None)


def account_details(account_pk: int) -> AccountDetails | None:
    """The account with its key in use, else its newest one, for cancels and looks only; None without any."""
    account = Account.objects.select_related("venue").filter(pk=account_pk).first()
    if account is None:
        return None
    usable = [CredentialState.ACTIVE, CredentialState.UNCHECKED]
    keys = account.credentials.order_by("-pk")
    credential = keys.filter(state__in=usable).first() or keys.first()
    installation = Installation.objects.get()
    if credential is None:
        return None
    return AccountDetails(
        pk=account.pk,
        public_id=account.public_id,
        label=account.label,
        venue_pk=account.venue_id,
        exchange=account.venue.exchange,
        options=account.venue.options,
        symbols=tuple(account.symbols),
        credential_pk=credential.pk,
        sealed=bytes(credential.sealed),
        key_is_in_use=credential.state in usable,
        marks=frozenset({installation.mark, *installation.former_marks}),
        orphans=settings.TRANCHE_ORPHANS,
        network=network_of(account.environment),
    )
