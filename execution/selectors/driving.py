"""What a driver and a session read before they act."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Any, TypedDict

from django.db.models import Max, Q

from execution.core.algorithms import WORKINGS
from execution.core.costs import middle
from execution.core.parameters import AlgorithmParameters, SlicedParameters
from execution.core.plans import SlicePlan
from execution.core.states import ChildStatus, OrderEvent, OrderStatus
from execution.core.terms import parse_parameters
from execution.core.types import ZERO, Book, OrderRef, Quote, Side, Traded
from execution.core.view import ChildView, OrderView, Rejections, VenueView
from execution.models import (
    Account,
    Balance,
    ChildOrder,
    Credential,
    CredentialState,
    Fill,
    Installation,
    Order,
    Slice,
)
from execution.selectors.halts import halt_blocks_order
from execution.selectors.markets import balances_free, market_from_json
from execution.selectors.volumes import traded_lately, traded_since

#: How far back the run of refusals is counted.
REJECTIONS_LOOKED_AT = 20
#: A statement takes only so many values on SQLite.
IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Looked:
    """A view and what it was made of: the version to decide on and the fence that must still hold."""

    view: OrderView
    version: int
    fence: int
    owner: int | None
    account_pks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class OrderMarkets:
    """Where an order's quotes and books come from."""

    symbol: str
    venue_pks: tuple[int, ...]


def accounts_of(order: Order) -> list[Account]:
    """The order's accounts as they were named, which settles ties between them."""
    links = Order.accounts.through.objects.filter(order=order).select_related("account").order_by("pk")
    return [link.account for link in links]


def order_markets(order_pk: int) -> OrderMarkets | None:
    """The markets that an order trades at; None when there is no such order."""
    order = Order.objects.filter(pk=order_pk).first()
    if order is None:
        return None
    accounts = accounts_of(order)
    venues = tuple(dict.fromkeys(account.venue_id for account in accounts))
    return OrderMarkets(order.symbol, venues)


def order_look(
    *, order_pk: int, quotes: Mapping[int, Quote], books: Mapping[int, Book] | None = None, now: datetime
) -> Looked:
    """The order as its algorithm sees it; ``quotes`` and ``books`` are by the venue's primary key."""
    order = Order.objects.select_related("terms").get(pk=order_pk)
    terms = order.terms
    if terms is None:
        raise RuntimeError(f"order {order.public_id} has no terms")
    accounts = accounts_of(order)
    slices = plan_rows(order)
    current = next((part.number for part in slices if part.starts_at <= now < part.ends_at), None)
    wanted = Q(is_settled=False) | Q(
        slice__number=current, slice__plan_version=order.plan_version, slice__isnull=False
    )
    rows = list(order.children.filter(wanted).select_related("slice", "account").order_by("sequence"))
    children = tuple(child_view(row, row.account.public_id, order.plan_version) for row in rows)
    # What was reported beyond the recorded fills counts as done: those trades are still to be listed.
    reported_beyond = sum((child.done - row.filled for child, row in zip(children, rows, strict=True)), ZERO)
    parameters = parse_parameters(order.algorithm, terms.parameters)
    view = OrderView(
        now=now,
        status=OrderStatus(order.status),
        outcome=OrderStatus(order.outcome) if order.outcome else None,
        outcome_reason=order.reason,
        side=Side(order.side),
        quantity=order.quantity,
        done=order.filled + reported_beyond,
        limit_price=terms.limit_price,
        start_at=terms.start_at,
        end_at=terms.end_at,
        parameters=parameters,
        slices=slices,
        children=children,
        venues=_venues(order, accounts, quotes, books or {}),
        algorithm=order.algorithm,
        arrival_mid=middle(order.arrival_bid, order.arrival_ask),
        forecast=order.forecast,
        rejections=_rejections(order),
        halted=halt_blocks_order(order),
        **_traded(order, accounts, parameters, now),
    )
    pks = {account.public_id: account.pk for account in accounts}
    return Looked(view, order.version, order.fence, order.owner_id, pks)


class _Volumes(TypedDict, total=False):
    """The fields of the view that say what was traded."""

    traded: tuple[Traded, ...]
    traded_since_start: Decimal | None


def _traded(
    order: Order, accounts: list[Account], parameters: AlgorithmParameters, now: datetime
) -> _Volumes:
    """What the markets traded, for those who decide by it: reading it at every look of every order would be slow."""
    venues = {account.venue_id for account in accounts}
    wants_all = WORKINGS[order.algorithm].wants_traded
    is_capped = isinstance(parameters, SlicedParameters) and parameters.participation_cap is not None
    if order.started_at is None or not (wants_all or is_capped):
        return {}
    since_start = traded_since(venues, order.symbol, start=order.started_at, now=now)
    if not wants_all:
        return {"traded_since_start": since_start}
    return {"traded": traded_lately(venues, order.symbol, now=now), "traded_since_start": since_start}


def _venues(
    order: Order, accounts: list[Account], quotes: Mapping[int, Quote], books: Mapping[int, Book]
) -> tuple[VenueView, ...]:
    free = _spendable(order, accounts) if len(accounts) > 1 else {}
    return tuple(
        VenueView(
            account=account.public_id,
            label=account.label,
            market=market_from_json(order.market[account.public_id]),
            quote=quotes.get(account.venue_id),
            book=books.get(account.venue_id),
            free=free.get(account.pk),
            blocked=account_block(account),
        )
        for account in accounts
    )


def _spendable(order: Order, accounts: list[Account]) -> dict[int, Decimal | None]:
    """What each account has free of what the order spends, by primary key.

    Balances are asked for now and then: what the order's own children have locked, spent or released since
    is taken into account, or a cancelled child would keep its quantity from the next one.
    """
    market = market_from_json(next(iter(order.market.values())))
    free = balances_free(accounts, market.quote if order.side == Side.BUY else market.base)
    known_at = dict(
        Balance.objects.filter(account__in=accounts).values_list("account_id").annotate(Max("at"))
    )
    if not known_at:
        return free
    oldest = min(known_at.values())
    since = Q(intended_at__gt=oldest) | Q(ended_at__gt=oldest)
    for child in order.children.filter(since, account__in=known_at):
        at, amount = known_at[child.account_id], free[child.account_id]
        done = max(child.filled, child.reported_filled or ZERO)
        taken = ZERO if child.intended_at <= at else done if child.is_settled else child.quantity
        freed = child.ended_at is not None and child.intended_at <= at < child.ended_at
        change = (child.quantity - done if freed else ZERO) - taken
        price = Decimal(1) if order.side == Side.SELL else child.price
        if amount is not None and price is not None:
            free[child.account_id] = amount + change * price
    return free


def plan_rows(order: Order) -> tuple[SlicePlan, ...]:
    """The slices of the order's current plan."""
    rows = Slice.objects.filter(order=order, plan_version=order.plan_version).order_by("number")
    return tuple(SlicePlan(row.number, row.starts_at, row.ends_at, row.quantity) for row in rows)


def child_view(child: ChildOrder, account: str, plan_version: int) -> ChildView:
    """A child as the algorithm sees it; a child of an earlier plan belongs to no current slice."""
    part = child.slice
    number = part.number if part is not None and part.plan_version == plan_version else None
    return ChildView(
        sequence=child.sequence,
        account=account,
        slice_number=number,
        purpose=child.purpose,
        status=ChildStatus(child.status),
        price=child.price,
        quantity=child.quantity,
        done=max(child.filled, child.reported_filled or ZERO),
        is_settled=child.is_settled,
        cancel_wanted=child.cancel_requested_at is not None,
        intended_at=child.intended_at,
        ended_at=child.ended_at,
        reason=child.reason,
    )


def _rejections(order: Order) -> Rejections:
    """The run of refused children at the order's end, or since a person last resumed it."""
    newest = order.children.order_by("-sequence").values_list("status", "ended_at", "reason", "intended_at")
    run = list(takewhile(lambda row: row[0] == ChildStatus.REJECTED, newest[:REJECTIONS_LOOKED_AT]))
    if not run:
        return Rejections()
    resumed = order.journal.filter(kind=OrderEvent.RESUME.value).order_by("-version").first()
    run = [row for row in run if resumed is None or row[3] >= resumed.at]
    if not run:
        return Rejections()
    _, last_at, reason, _ = run[0]
    return Rejections(len(run), last_at, reason.partition(":")[0])


def account_block(account: Account) -> str:
    """Why no new child may go to an account now; empty when it may."""
    if not account.is_active:
        return f"account {account.label} is closed"
    if not account.credentials.filter(state=CredentialState.ACTIVE).exists():
        return f"account {account.label} has no checked key"
    if account.owner_id is None:
        return f"no worker holds account {account.label}"
    if account.reconciled_until is None:
        return f"account {account.label} is not reconciled yet"
    return ""


# --- the session's ---------------------------------------------------------------------------------


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


def unsettled_children(account_pk: int) -> list[SessionChild]:
    """Everything on an account that is not settled, oldest first."""
    rows = ChildOrder.objects.filter(account_id=account_pk, is_settled=False).order_by("pk")
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
        )
        for row in rows
    ]


def known_client_ids(account_pk: int, client_ids: set[str]) -> set[str]:
    """Those of the client ids that belong to a child of ours."""
    children = ChildOrder.objects.filter(account_id=account_pk, client_id__in=client_ids)
    return set(children.values_list("client_id", flat=True))


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


def symbols_with_orders(venue_pk: int, *, since: datetime) -> set[str]:
    """Symbols whose market is to be sampled: an order lives, or ended after ``since``."""
    orders = Order.objects.filter(accounts__venue_id=venue_pk).filter(
        Q(ended_at=None) | Q(ended_at__gte=since)
    )
    return set(orders.values_list("symbol", flat=True))


#: Books are wanted this long before an order starts.
BOOKS_BEFORE = timedelta(seconds=2)


def symbols_worked(venue_pk: int, *, now: datetime) -> set[str]:
    """Symbols whose book is wanted at a venue: an order works there, or is about to."""
    about_to = Q(status=OrderStatus.SCHEDULED, due_at__lte=now + BOOKS_BEFORE)
    working = Order.objects.filter(Q(status=OrderStatus.WORKING) | about_to)
    return set(working.filter(accounts__venue_id=venue_pk).values_list("symbol", flat=True))


#: Symbols of orders that ended this recently are still looked at: a trade may be listed late.
STILL_LOOKED_AT = timedelta(minutes=2)


def reconciliation_start(account_pk: int, *, now: datetime) -> tuple[datetime, set[str]]:
    """From when on the venue is to be asked, and for which symbols: those with orders alive or just ended."""
    account = Account.objects.get(pk=account_pk)
    start = account.reconciled_until or now
    since = min(start, now) - STILL_LOOKED_AT
    alive = Order.objects.filter(accounts=account).filter(Q(ended_at=None) | Q(ended_at__gte=since))
    waiting = Q(status=OrderStatus.SCHEDULED) | Q(status=OrderStatus.PENDING_APPROVAL)
    return start, set(alive.exclude(waiting).values_list("symbol", flat=True))


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


def check_is_wanted(credential_pk: int) -> bool:
    """Somebody asked for a check of this key."""
    return Credential.objects.filter(pk=credential_pk, check_wanted_at__isnull=False).exists()


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
    )
