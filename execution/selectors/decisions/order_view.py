"""The view of an order that a driver reads before it decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypedDict

from django.db.models import Q

from execution.core.algorithms.registry import ALGORITHM_SPECS
from execution.core.orders.parameters import AlgorithmParameters, SlicedParameters
from execution.core.orders.plans import SlicePlan
from execution.core.orders.terms import parse_parameters
from execution.core.orders.view import AccountView, ChildView, OrderView
from execution.core.orders.volume_gaps import VolumeGaps
from execution.core.states import ChildStatus, OrderStatus
from execution.core.tca.costs import middle
from execution.core.types import ZERO, Book, Market, Quote, Side, Traded
from execution.models import (
    Account,
    ChildOrder,
    Credential,
    CredentialState,
    Order,
    OrderTerms,
    Slice,
    Venue,
)
from execution.models.prepared import Compiled
from execution.selectors.decisions.blocks import child_block
from execution.selectors.decisions.rejections import rejections_of
from execution.selectors.decisions.resting import NOTHING_RESTS, DeskResting
from execution.selectors.decisions.spendable import BoundReserves, spendable
from execution.selectors.decisions.volumes import traded_lately, traded_since
from execution.selectors.halts import halt_blocks_order
from execution.selectors.markets import market_from_json

#: Rows are read again after this long even if nothing reports a change. So an overlooked change has effect at last.
ROWS_LAST = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """An order's view, with the order's version and fence at the time of reading.

    The fence grows each time another worker takes the order over. A decision is written only if version and fence are
    still the same. ``why`` and ``due_at`` come from the last written decision. ``lasts`` is True if the database part
    of the view cannot change without a new version.
    """

    view: OrderView
    order_pk: int
    version: int
    fence: int
    owner: int | None
    account_pks: Mapping[str, int]
    venue_pks: Mapping[str, int]
    why: str
    due_at: datetime | None
    lasts: bool


@dataclass(slots=True)
class OrderCache:
    """The parts of an order that rarely change: one version of its terms, and the slices of one version of its plan.

    A driver keeps one cache for its order. Without it, each check would read all slices of the plan again.
    """

    terms: OrderTerms | None = None
    parameters: AlgorithmParameters | None = None
    extended: timedelta = timedelta(0)
    plan_version: int = 0
    slices: tuple[SlicePlan, ...] = ()
    #: The numbers of the plan's slices, by primary key.
    numbers: dict[int, int] = field(default_factory=dict)
    #: The venue of each account, in the order in which a person named the accounts. It stays the same.
    venues: dict[int, Venue] = field(default_factory=dict)
    markets: dict[str, Market] = field(default_factory=dict)
    markets_of: Mapping[str, Any] = field(default_factory=dict)
    bound: BoundReserves = field(default_factory=BoundReserves)

    def learn(self, order: Order) -> None:
        """Update the cache from the order's row. Only the parts that have changed are read."""
        if self.terms is None or self.terms.pk != order.terms_id:
            self.terms = order.terms
            if self.terms is None:
                raise RuntimeError(f"order {order.public_id} has no terms")
            self.parameters = parse_parameters(order.algorithm, self.terms.parameters)
            self.extended = _extended(order)
        if self.plan_version != order.plan_version:
            rows = plan_slices(order)
            self.slices, self.plan_version = plan_of(rows), order.plan_version
            self.numbers = {row.pk: row.number for row in rows}
        self.venues = self.venues or {account.pk: account.venue for account in accounts_of(order)}
        if self.markets_of != order.market:
            self.markets = {name: market_from_json(data) for name, data in order.market.items()}
            self.markets_of = order.market


@dataclass(frozen=True, slots=True)
class OrderMarkets:
    """The symbol, side and venues of an order. They determine which quotes and books it needs."""

    symbol: str
    side: Side
    venue_pks: tuple[int, ...]


def accounts_of(order: Order) -> list[Account]:
    """Return the order's accounts in the sequence that the person chose.

    Among equally good accounts, an order uses the first.
    """
    links = Order.accounts.through.objects.filter(order=order).select_related("account__venue").order_by("pk")
    return [link.account for link in links]


def order_markets(order_pk: int) -> OrderMarkets | None:
    """Return the markets in which an order trades; None when there is no such order."""
    order = Order.objects.filter(pk=order_pk).first()
    if order is None:
        return None
    accounts = accounts_of(order)
    venues = tuple(dict.fromkeys(account.venue_id for account in accounts))
    return OrderMarkets(order.symbol, Side(order.side), venues)


@dataclass(frozen=True, slots=True)
class MarketData:
    """The known data of an order's markets, by the venue's primary key. A market without data is left out."""

    quotes: Mapping[int, Quote]
    books: Mapping[int, Book] = field(default_factory=dict)
    #: The fault of a market's quotes, in words.
    feeds: Mapping[int, str] = field(default_factory=dict)
    desk: Mapping[int, DeskResting] = field(default_factory=dict)


def build_order_view(
    *,
    order_pk: int,
    data: MarketData,
    now: datetime,
    known: OrderCache | None = None,
    unattended: str = "",
    held_back: str = "",
) -> OrderSnapshot:
    """Return the order as its algorithm sees it.

    ``known`` is the cache of parts that rarely change. ``unattended`` says why the desk did not check the order for a
    while, and ``held_back`` why no order may start now. Both become part of the view.
    """
    order = ORDER.get(pk=order_pk)
    known = known or OrderCache()
    known.learn(order)
    terms, parameters = known.terms, known.parameters
    if terms is None or parameters is None:
        raise RuntimeError(f"order {order.public_id} has no terms")
    accounts = [_account_of(*each) for each in known.venues.items()]
    with_key = frozenset(account.pk for account in accounts if _KEYS.all(account=account.pk))
    names = {account.pk: account.public_id for account in accounts}
    number = slice_number(known.slices, now)
    rows = _rows_wanted(order, next((pk for pk, part in known.numbers.items() if part == number), None))
    children = tuple(
        child_view(row, names.get(row.account_id) or row.account.public_id, known.numbers) for row in rows
    )
    # What was reported beyond the recorded fills counts as done: those trades are still to be listed.
    reported_beyond = sum((child.done - row.filled for child, row in zip(children, rows, strict=True)), ZERO)
    traded = _traded(order, accounts, parameters, now)
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
        slices=known.slices,
        children=children,
        accounts=_venues(order, accounts, with_key, data, known, now),
        algorithm=order.algorithm,
        arrival_mid=middle(order.arrival_bid, order.arrival_ask),
        forecast=order.forecast,
        extended=known.extended,
        memo=order.memo,
        rejections=rejections_of(order),
        halted=halt_blocks_order(order),
        unattended=unattended,
        held_back=held_back,
        **traded,
    )
    return OrderSnapshot(
        view=view,
        order_pk=order.pk,
        version=order.version,
        fence=order.fence,
        owner=order.owner_id,
        account_pks={account.public_id: account.pk for account in accounts},
        venue_pks={account.public_id: account.venue_id for account in accounts},
        why=order.why,
        due_at=order.due_at,
        lasts=_lasts(view, is_traded_wanted=bool(traded)),
    )


def with_new_market(snapshot: OrderSnapshot, data: MarketData, now: datetime) -> OrderSnapshot | None:
    """Return the snapshot with the current market data; None if the order's rows must be read again.

    They may have to be read again although the version is the same. For example, when a slice starts, the view no
    longer includes the children of the previous slice.
    """
    view = snapshot.view
    is_old = now - view.now > ROWS_LAST or now < view.now
    if not snapshot.lasts or is_old or slice_number(view.slices, now) != slice_number(view.slices, view.now):
        return None
    venues = tuple(_with_market(venue, snapshot, data) for venue in view.accounts)
    return replace(snapshot, view=replace(view, now=now, accounts=venues))


def _with_market(venue: AccountView, snapshot: OrderSnapshot, data: MarketData) -> AccountView:
    pk, account_pk = snapshot.venue_pks[venue.account], snapshot.account_pks[venue.account]
    resting = data.desk.get(pk, NOTHING_RESTS)
    desk, opposing = resting.of_others(snapshot.order_pk), resting.opposing.get(account_pk)
    quote, book, feed = data.quotes.get(pk), data.books.get(pk), data.feeds.get(pk, "")
    return replace(venue, quote=quote, book=book, feed=feed, desk=desk, opposing=opposing)


def _lasts(view: OrderView, *, is_traded_wanted: bool) -> bool:
    """Return True if the view can change only together with the order's version.

    Return False if volumes, other orders' balances or an account's state matter, because these change without a new
    version.
    """
    is_free = not view.halted and not any(venue.blocked for venue in view.accounts)
    is_calm = view.status is OrderStatus.WORKING and view.rejections.count == 0
    return is_calm and is_free and len(view.accounts) == 1 and not is_traded_wanted


def slice_number(slices: tuple[SlicePlan, ...], now: datetime) -> int | None:
    """Return the number of the slice that is current at ``now``; None if none is."""
    return next((part.number for part in slices if part.starts_at <= now < part.ends_at), None)


NO_SLICE = 0  #: No row has it.
_ACCOUNT = Compiled(lambda pk: Account.objects.filter(pk=pk), pk=int)


def _account_of(account_pk: int, venue: Venue) -> Account:
    """Return the account, read again from the database, with its already known ``venue`` attached.

    The venue is needed to judge a live account's state.
    """
    account = _ACCOUNT.get(pk=account_pk)
    account.venue = venue
    return account


_KEYS = Compiled(
    lambda account: Credential.objects.filter(account_id=account, state=CredentialState.ACTIVE), account=int
)
ORDER = Compiled(lambda pk: Order.objects.filter(pk=pk), pk=int)
_CHILDREN = Compiled(
    lambda order, part: ChildOrder.objects.filter(
        Q(is_settled=False) | Q(slice_id=part), order_id=order
    ).order_by("sequence"),
    order=int,
    part=int,
)


def _rows_wanted(order: Order, current: int | None) -> list[ChildOrder]:
    """Return the unsettled children, and all children of the current slice. ``current`` is the slice's primary key."""
    return _CHILDREN.all(order=order.pk, part=NO_SLICE if current is None else current)


class _Volumes(TypedDict, total=False):
    traded: tuple[Traded, ...]
    traded_since_start: Decimal | None
    volume_gaps: VolumeGaps


def _traded(
    order: Order, accounts: list[Account], parameters: AlgorithmParameters, now: datetime
) -> _Volumes:
    """Return the volumes of the markets, for algorithms whose decisions depend on volumes; else nothing.

    Reading them at every check of every order would be slow.
    """
    venues = {account.venue_id for account in accounts}
    wants_all = ALGORITHM_SPECS[order.algorithm].wants_traded
    is_capped = isinstance(parameters, SlicedParameters) and parameters.participation_cap is not None
    if order.started_at is None or not (wants_all or is_capped):
        return {}
    since = traded_since(venues, order.symbol, start=order.started_at, now=now)
    found: _Volumes = {"traded_since_start": since.volume, "volume_gaps": since.gaps}
    return found | {"traded": traded_lately(venues, order.symbol, now=now)} if wants_all else found


def _extended(order: Order) -> timedelta:
    """Return by how much the desk has postponed the order's end since a person last set its duration or end."""
    moved = timedelta(0)
    if order.terms is None or order.terms.version == 1:
        return moved
    for before, after in pairwise(order.all_terms.order_by("version")):
        asked, asked_after = before.parameters, after.parameters
        if any(asked.get(name) != asked_after.get(name) for name in ("duration", "end_at")):
            moved = timedelta(0)
        elif after.actor_id is None:
            moved += after.end_at - before.end_at
    return moved


def _venues(
    order: Order,
    accounts: list[Account],
    with_key: frozenset[int],
    data: MarketData,
    known: OrderCache,
    now: datetime,
) -> tuple[AccountView, ...]:
    markets = known.markets
    free = spendable(order, accounts, known.bound, now) if len(accounts) > 1 else {}
    return tuple(
        AccountView(
            account=account.public_id,
            label=account.label,
            market=markets[account.public_id],
            quote=data.quotes.get(account.venue_id),
            book=data.books.get(account.venue_id),
            feed=data.feeds.get(account.venue_id, ""),
            desk=data.desk.get(account.venue_id, NOTHING_RESTS).of_others(order.pk),
            opposing=data.desk.get(account.venue_id, NOTHING_RESTS).opposing.get(account.pk),
            free=free.get(account.pk),
            blocked=child_block(
                account, markets[account.public_id], Side(order.side), has_key=account.pk in with_key
            ),
        )
        for account in accounts
    )


def plan_rows(order: Order) -> tuple[SlicePlan, ...]:
    """Return the slices of the order's current plan."""
    return plan_of(plan_slices(order))


def plan_slices(order: Order) -> list[Slice]:
    return list(Slice.objects.filter(order=order, plan_version=order.plan_version).order_by("number"))


def plan_of(rows: list[Slice]) -> tuple[SlicePlan, ...]:
    return tuple(SlicePlan(row.number, row.starts_at, row.ends_at, row.quantity) for row in rows)


def child_view(child: ChildOrder, account: str, numbers: Mapping[int, int]) -> ChildView:
    """Return a child as the algorithm sees it. A child of an earlier plan belongs to no slice of the current plan.

    ``numbers`` has the numbers of the current plan's slices, by primary key.
    """
    number = None if child.slice_id is None else numbers.get(child.slice_id)
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
        ended_at=child.over_at or child.ended_at,
        reason=child.reason,
        was_sent=child.submitted_at is not None,
    )
