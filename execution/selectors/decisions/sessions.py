"""The data that an account session reads: its account, its children, and the known orders and trades."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.conf import settings
from django.db.models import Q

from execution.core.addresses import Network
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import OrderRef, OrderReport, TimeInForce, Trade
from execution.models import Account, ChildOrder, Credential, CredentialState, Fill, Installation, Order
from execution.models.prepared import Compiled
from execution.selectors.decisions.resting import DECIDED
from execution.selectors.network import network_of

#: SQLite accepts only a limited number of values in a statement.
IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class SessionChild:
    """A child that may still fill or has unrecorded trades, with the facts that its account's session needs."""

    pk: int
    order_pk: int
    ref: OrderRef
    status: ChildStatus
    quantity: Decimal
    intended_at: datetime
    last_possible_send_at: datetime | None
    send_not_before: datetime | None
    cancel_requested_at: datetime | None
    submitted_fence: int | None
    time_in_force: TimeInForce
    reported_filled: Decimal | None = None
    filled: Decimal = Decimal(0)
    #: An exchange order id that a person found for the child. The exchange has not been asked about it yet.
    attach_id: str = ""

    @property
    def was_shown(self) -> bool:
        """Return True if the exchange has shown the child, which proves that it reached the book."""
        return bool(self.ref.exchange_id or self.filled or self.reported_filled)

    @property
    def misses_trades(self) -> bool:
        """Return True if the exchange reported a larger filled quantity than the desk has trades for."""
        return self.reported_filled is not None and self.reported_filled > self.filled


_UNSETTLED = Compiled(
    lambda account: ChildOrder.objects.filter(account_id=account, is_settled=False).order_by("pk"),
    account=int,
)
_TO_SEND = Compiled(
    lambda account: ChildOrder.objects.filter(
        status__in=[ChildStatus.CANCELLING, ChildStatus.PENDING_SUBMIT],
        account_id=account,
        is_settled=False,
    ).order_by("pk"),
    account=int,
)


def unsettled_children(account_pk: int) -> list[SessionChild]:
    """Return all children on an account that may still fill or have unrecorded trades, oldest first."""
    return _session_children(_UNSETTLED.all(account=account_pk))


def children_to_send(account_pk: int) -> list[SessionChild]:
    """Return the children that need a request now: a cancel, or a create that was not submitted yet.

    Creates are left out while their symbol waits for a complete poll, because the polls need the rate limit.
    """
    rows = _TO_SEND.all(account=account_pk)
    if any(row.status == ChildStatus.PENDING_SUBMIT for row in rows):
        account = Account.objects.get(pk=account_pk)
        clear = {symbol for symbol in {row.symbol for row in rows} if account.is_symbol_reconciled(symbol)}
        rows = [row for row in rows if row.status != ChildStatus.PENDING_SUBMIT or row.symbol in clear]
    return _session_children(rows)


_OVER = Compiled(
    lambda child: ChildOrder.objects.filter(pk=child).exclude(over_at=None).values_list("pk"), child=int
)


def is_child_over(child_pk: int) -> bool:
    """Return True if the exchange has reported the child's end and its filled quantity."""
    return bool(_OVER.values(child=child_pk))


def _session_children(rows: list[ChildOrder]) -> list[SessionChild]:
    return [
        SessionChild(
            pk=row.pk,
            order_pk=row.order_id,
            ref=OrderRef(row.client_id, row.symbol, row.exchange_id or None),
            status=ChildStatus(row.status),
            quantity=row.quantity,
            intended_at=row.intended_at,
            last_possible_send_at=row.last_possible_send_at,
            send_not_before=row.send_not_before,
            cancel_requested_at=row.cancel_requested_at,
            submitted_fence=row.submitted_fence,
            time_in_force=TimeInForce(row.time_in_force),
            reported_filled=row.reported_filled,
            filled=row.filled,
            attach_id="" if row.attach.get("answer") else row.attach.get("exchange_id", ""),
        )
        for row in rows
    ]


def known_client_ids(account_pk: int, client_ids: Collection[str]) -> dict[str, tuple[int, ChildStatus]]:
    """Return those of ``client_ids`` that belong to a child of the desk, with the child's primary key and status."""
    found: dict[str, tuple[int, ChildStatus]] = {}
    for ids in _chunks(client_ids):
        children = ChildOrder.objects.filter(account_id=account_pk, client_id__in=ids)
        rows = children.values_list("client_id", "pk", "status")
        found |= {client_id: (pk, ChildStatus(status)) for client_id, pk, status in rows}
    return found


def reports_of_children(account_pk: int, symbol: str, reports: Collection[OrderReport]) -> list[OrderReport]:
    """Return those of ``reports`` that are about the desk's children. The number of queries is small and fixed."""
    by_client = known_client_ids(account_pk, {one.client_id for one in reports if one.client_id})
    by_exchange = known_exchange_orders(
        account_pk, symbol, {one.exchange_id for one in reports if one.exchange_id}
    )
    return [one for one in reports if one.client_id in by_client or one.exchange_id in by_exchange]


#: A trade's id and side. Both are needed because an exchange may use one id for both sides.
TradeName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TradesKnown:
    """The stored facts about some trades of one symbol.

    ``complete`` are trades whose child, fee and liquidity are known, so that they can no longer change. ``recorded``
    are all recorded trades, and ``with_child`` those that have a child. ``exchange_ids`` and ``client_ids`` are ids
    of children, by which a trade is matched to its child.
    """

    complete: frozenset[TradeName]
    recorded: frozenset[TradeName]
    with_child: frozenset[TradeName]
    exchange_ids: frozenset[str]
    client_ids: frozenset[str]

    def is_of_child(self, trade: Trade) -> bool:
        """Return True if the trade belongs to a child of the desk."""
        is_named = trade.exchange_id in self.exchange_ids or trade.client_id in self.client_ids
        return is_named or (trade.trade_id, trade.side) in self.with_child


def trades_known(account_pk: int, symbol: str, trades: Collection[Trade]) -> TradesKnown:
    """Return the stored facts about ``trades``, all of one symbol. The number of queries is small and fixed."""
    complete: set[TradeName] = set()
    recorded: set[TradeName] = set()
    with_child: set[TradeName] = set()
    for ids in _chunks({trade.trade_id for trade in trades}):
        fills = Fill.objects.filter(account_id=account_pk, symbol=symbol, trade_id__in=ids)
        rows = fills.values_list("trade_id", "side", "child_id", "fee", "liquidity")
        for trade_id, side, child, fee, liquidity in rows:
            recorded.add((trade_id, side))
            if child is not None:
                with_child.add((trade_id, side))
                if fee is not None and liquidity:
                    complete.add((trade_id, side))
    rest = [trade for trade in trades if (trade.trade_id, trade.side) not in complete]
    exchange_ids = known_exchange_orders(account_pk, symbol, {t.exchange_id for t in rest if t.exchange_id})
    client_ids = known_client_ids(account_pk, {t.client_id for t in rest if t.client_id})
    return TradesKnown(
        frozenset(complete),
        frozenset(recorded),
        frozenset(with_child),
        frozenset(exchange_ids),
        frozenset(client_ids),
    )


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    rows = sorted(ids)
    for first in range(0, len(rows), IDS_AT_ONCE):
        yield rows[first : first + IDS_AT_ONCE]


def known_exchange_orders(account_pk: int, symbol: str, exchange_ids: set[str]) -> set[str]:
    """Return those of ``exchange_ids`` that belong to a child of the desk. The ids are unique only within a symbol."""
    found: set[str] = set()
    for ids in _chunks(exchange_ids):
        children = ChildOrder.objects.filter(account_id=account_pk, symbol=symbol, exchange_id__in=ids)
        found.update(children.values_list("exchange_id", flat=True))
    return found


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
    """Return the symbols whose market must be sampled, because an order in it is live or has ended after ``since``."""
    return {symbol for (symbol,) in _WITH_ORDERS.values(venue=venue_pk, since=since)}


#: Books are read this long before an order starts.
BOOKS_BEFORE = timedelta(seconds=2)


def symbols_worked(venue_pk: int, *, now: datetime) -> set[str]:
    """Return the symbols whose book is needed at a venue, because an order works at it or is about to."""
    return {symbol for (symbol,) in _WORKED.values(venue=venue_pk, until=now + BOOKS_BEFORE)}


#: Symbols of orders that ended less than this ago are still polled, because a trade may be listed late.
STILL_POLLED = timedelta(minutes=2)


def reconciliation_start(account_pk: int, *, now: datetime) -> tuple[datetime, set[str]]:
    """Return the time from which to read the account's orders and trades, and the symbols to read.

    A symbol is read if an order in it has started and is live, or has just ended. After a restore all symbols of the
    account are read.
    """
    account = Account.objects.get(pk=account_pk)
    start = account.reconciled_until or account.reconcile_from or now
    since = min(start, now) - STILL_POLLED
    alive = Order.objects.filter(accounts=account).filter(Q(ended_at=None) | Q(ended_at__gte=since))
    waiting = Q(status=OrderStatus.SCHEDULED) | Q(status=OrderStatus.PENDING_APPROVAL)
    symbols = set(alive.exclude(waiting).values_list("symbol", flat=True))
    if account.reconciled_until is None and account.reconcile_from is not None:
        symbols |= set(account.symbols)  # orders that the backup does not have may rest at any of them
    return start, symbols


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """The facts that a session needs to open an account. The secret is still sealed."""

    pk: int
    public_id: str
    label: str
    venue_pk: int
    exchange: str
    options: dict[str, Any]
    symbols: tuple[str, ...]
    credential_pk: int
    sealed: bytes
    #: False for a key that is suspended, refused or retired. Such a key cancels and polls, and is not checked.
    key_is_in_use: bool
    marks: frozenset[str]
    #: The action on an open order that has the desk's mark but belongs to no child of ours: adopt or cancel.
    orphans: Literal["adopt", "cancel"]
    #: The hosts that the account's client may reach.
    network: Network
    #: The time that the exchange waits for a sign of life before it cancels resting orders, if it has such a switch.
    switch_period: timedelta


@dataclass(frozen=True, slots=True)
class Wanted:
    """The requests of people to an account's session."""

    check: bool
    poll: bool


@dataclass(frozen=True, slots=True)
class SwitchFacts:
    """The facts that decide whether an account's dead-man's switch must be armed.

    ``may_rest`` is True if a child may be on the account's book, or is about to be sent. ``until`` is the time until
    which the switch is armed.
    """

    is_exclusive: bool
    may_rest: bool
    until: datetime | None


def switch_facts(account_pk: int, *, worker_pk: int, fence: int) -> SwitchFacts | None:
    """Return the facts for the worker that holds the account; None for any other worker."""
    held = Account.objects.filter(pk=account_pk, owner_id=worker_pk, fence=fence)
    row = held.values_list("is_exclusive", "switch_until").first()
    if row is None:
        return None
    resting = ChildOrder.objects.filter(account_id=account_pk, is_settled=False, status__in=DECIDED)
    return SwitchFacts(row[0], resting.exclude(time_in_force=TimeInForce.IOC).exists(), row[1])


def symbols_kept_open(account_pk: int) -> frozenset[str] | None:
    """Return the symbols with a child that may be open and should stay open.

    Return None if the account is not for the desk alone, because other programs may have open orders on it.
    """
    if not Account.objects.filter(pk=account_pk, is_exclusive=True).exists():
        return None
    kept = ChildOrder.objects.filter(
        account_id=account_pk, is_settled=False, status__in=DECIDED, cancel_requested_at=None
    )
    return frozenset(kept.values_list("symbol", flat=True))


def session_wanted(credential_pk: int) -> Wanted:
    """Return whether people have requested a check of this key and a poll of its account."""
    wanted = Credential.objects.filter(pk=credential_pk)
    row = wanted.values_list("check_wanted_at", "account__poll_requested_at").first()
    return Wanted(False, False) if row is None else Wanted(row[0] is not None, row[1] is not None)


def clients_of_address(account_pk: int) -> int:
    """Return the number of accounts at the same exchange whose workers run on the same host as this account's.

    The account itself is included. These accounts share the rate limits that the exchange counts by the host's
    address. Venues of one exchange with different options, such as paper venues, count as different exchanges.
    """
    told = ("venue__exchange", "owner__host", "venue__options")
    own = Account.objects.filter(pk=account_pk).values_list(*told).first()
    if own is None:
        return 1
    held = Account.objects.filter(owner__stopped_at=None, venue__exchange=own[0], owner__host=own[1])
    return max([row == own for row in held.values_list(*told)].count(True), 1)


def account_details(account_pk: int) -> AccountDetails | None:
    """Return the account with its key in use; None if it has no key at all.

    If no key is in use, the newest key is returned, for cancels and polls only.
    """
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
        switch_period=timedelta(seconds=settings.TRANCHE_SWITCH_SECONDS),
    )
