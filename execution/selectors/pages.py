"""Reads for the pages: who may see which order, its snapshot, and what changed since.

Nothing here writes or opens a transaction. Sums and comparisons of money are made in Python, exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Case, Count, IntegerField, Max, Q, QuerySet, Sum, Value, When

from execution.core import costs
from execution.core.states import ORDER_FINAL, ORDER_LIVE
from execution.core.types import Side
from execution.models import ChildOrder, Fill, JournalEntry, Market, Order, Role, Slice, User
from execution.selectors.payloads import (
    SECTIONS,
    ChildRow,
    Delta,
    Fee,
    FillRow,
    JournalRow,
    OrderFacts,
    OrderPage,
    OrderRow,
    SliceRow,
    Snapshot,
)
from execution.selectors.schedules import earlier_plans, schedule_line
from execution.selectors.texts import instant, milliseconds, rounded, text

Row = TypeVar("Row", SliceRow, ChildRow, FillRow)

PAGE_SIZE = 100

#: The filters of the list by their name in the URL.
FILTERS: dict[str, Q] = {
    "all": Q(),
    "needs": Q(needs_person=True, status__in=ORDER_LIVE),
    "live": Q(status__in=ORDER_LIVE),
    "final": Q(status__in=ORDER_FINAL),
}


# --- who may see what ----------------------------------------------------------------------------


def orders_visible(person: User) -> QuerySet[Order]:
    """A trader's own orders, everybody's for a supervisor, none for anybody else."""
    if person.role == Role.TRADER:
        return Order.objects.filter(trader=person)
    if person.role == Role.SUPERVISOR:
        return Order.objects.all()
    return Order.objects.none()


def order_find(*, person: User, public_id: str) -> int | None:
    """The primary key of an order that the person may see; None is also "there is no such order"."""
    return orders_visible(person).filter(public_id=public_id).values_list("pk", flat=True).first()


def order_version(order_id: int) -> int:
    return Order.objects.values_list("version", flat=True).get(pk=order_id)


# --- the list ------------------------------------------------------------------------------------


def order_rows(*, person: User, state: str = "all", page: int = 1) -> OrderPage:
    """A page of the list: first what needs a person, then what lives, then by time."""
    visible = orders_visible(person)
    counts = visible.aggregate(
        **{name: Count("pk", filter=q) for name, q in FILTERS.items() if q}, all=Count("pk")
    )
    chosen = visible.filter(FILTERS.get(state, Q(status=state)))
    first = (page - 1) * PAGE_SIZE
    orders = list(
        chosen.annotate(
            rank=Case(
                When(FILTERS["needs"], then=Value(0)),
                When(FILTERS["live"], then=Value(1)),
                default=Value(2),
                output_field=IntegerField(),
            ),
        )
        .order_by("rank", "-created_at", "-pk")
        .select_related("trader", "terms")
        .prefetch_related("accounts")[first : first + PAGE_SIZE]
    )
    return OrderPage(rows=_rows(orders), counts=counts, total=chosen.count())


def order_marks(*, person: User) -> tuple[int, int]:
    """Two numbers that move whenever a visible order does: how many there are, and the sum of versions.

    A consumer compares them once a second and reads the page only when they moved.
    """
    marks = orders_visible(person).aggregate(count=Count("pk"), versions=Sum("version"))
    return marks["count"], marks["versions"] or 0


def _rows(orders: Sequence[Order]) -> list[OrderRow]:
    markets = _markets(orders)
    last_fills = dict(
        Fill.objects.filter(order__in=orders).values_list("order").annotate(last=Max("executed_at"))
    )
    slices: dict[int, list[Slice]] = defaultdict(list)
    live = [order.pk for order in orders if order.status in ORDER_LIVE]
    for part in Slice.objects.filter(order__in=live).order_by("number"):
        slices[part.order_id].append(part)
    unsettled = _unsettled(live)
    return [
        _row(
            order,
            markets.get(order.pk),
            last_fills.get(order.pk),
            slices[order.pk],
            unsettled.get(order.pk, 0),
        )
        for order in orders
    ]


def _unsettled(order_ids: Sequence[int]) -> dict[int, int]:
    """How many children of each order are not settled; orders with none are left out."""
    children = ChildOrder.objects.filter(order__in=order_ids, is_settled=False)
    return dict(children.values_list("order").annotate(count=Count("pk")))


def _markets(orders: Iterable[Order]) -> dict[int, Market]:
    """The market of each order, at the venue of its first account."""
    venue_of = {
        order.pk: next((account.venue_id for account in order.accounts.all()), None) for order in orders
    }
    wanted = Market.objects.filter(
        venue__in=set(venue_of.values()) - {None}, symbol__in={order.symbol for order in orders}
    )
    found = {(market.venue_id, market.symbol): market for market in wanted}
    pairs = ((order.pk, found.get((venue_of[order.pk] or 0, order.symbol))) for order in orders)
    return {order_id: market for order_id, market in pairs if market is not None}


def _row(
    order: Order,
    market: Market | None,
    last_fill: datetime | None,
    slices: Sequence[Slice],
    unsettled: int,
) -> OrderRow:
    terms = order.terms
    average = costs.average_price(order.notional, order.filled)
    arrival = costs.middle(order.arrival_bid, order.arrival_ask)
    base, _, quote = order.symbol.partition("/")
    return OrderRow(
        id=order.public_id,
        version=order.version,
        status=order.status,
        outcome=order.outcome,
        reason=order.reason,
        needs_person=order.needs_person,
        trader=order.trader.get_username(),
        account=", ".join(account.label for account in order.accounts.all()),
        symbol=order.symbol,
        base=market.base if market else base,
        quote=market.quote if market else quote,
        tick=text(market.tick) if market else None,
        lot=text(market.lot) if market else None,
        side=order.side,
        algorithm=order.algorithm,
        quantity=text(order.quantity) or "",
        filled=text(order.filled) or "",
        average=rounded(average, 12),
        arrival_mid=text(arrival),
        cost_bp=rounded(costs.slippage_bp(Side(order.side), average, arrival), 2),
        start_at=instant(terms.start_at) if terms else None,
        end_at=instant(terms.end_at) if terms else None,
        ended_at=instant(order.ended_at),
        created_at=milliseconds(order.created_at),
        last_fill_at=instant(last_fill),
        schedule=schedule_line(order, [part for part in slices if part.plan_version == order.plan_version]),
        unsettled=unsettled,
    )


# --- one order -----------------------------------------------------------------------------------


def order_snapshot(order_id: int) -> Snapshot:
    """Everything of an order.

    The version is read first: rows may then be newer than it, never older, and what is newer comes once
    more with the next delta.
    """
    order = _order(order_id)
    slices = _slice_rows(order)
    fills = [_fill_row(fill) for fill in _fills(order_id)]
    journal = [
        _journal_row(entry) for entry in JournalEntry.objects.filter(order=order_id).order_by("version")
    ]
    return Snapshot(
        version=order.version,
        order=_facts(order, fills, journal),
        slices=slices,
        children=_child_rows(order_id),
        fills=fills,
        journal=journal,
    )


def order_delta(order_id: int, before: Snapshot) -> Delta:
    """What changed since ``before``; append-only rows are read from where it ends."""
    order = _order(order_id)
    fills = _new_fills(order_id, before)
    journal = [
        _journal_row(entry)
        for entry in JournalEntry.objects.filter(order=order_id, version__gt=before["version"]).order_by(
            "version"
        )
    ]
    replan = order.plan_version != before["order"]["plan_version"]
    slices = _slice_rows(order)
    every_fill = list({row["key"]: row for row in (*before["fills"], *fills)}.values())
    return {
        "from": before["version"],
        "version": order.version,
        "order": _facts(order, every_fill, [*before["journal"], *journal]),
        "replan": replan,
        "slices": slices if replan else changed(before["slices"], slices),
        "children": changed(before["children"], _child_rows(order_id)),
        "fills": fills,
        "journal": journal,
    }


def delta_applied(before: Snapshot, delta: Delta) -> Snapshot:
    """The snapshot after a delta, as the page's script makes it."""
    after: dict[str, Any] = {"version": delta["version"], "order": delta["order"]}
    for section in SECTIONS:
        old: list[Any] = [] if section == "slices" and delta["replan"] else list(before[section])
        rows = {row["key"]: row for row in old}
        rows.update((row["key"], row) for row in delta[section])
        after[section] = list(rows.values())
    return after  # type: ignore[return-value]  # the keys are those of Snapshot


def changed(before: Sequence[Row], after: Sequence[Row]) -> list[Row]:
    """The rows of ``after`` that are new or differ; rows are known by their key."""
    known = {row["key"]: row for row in before}
    return [row for row in after if known.get(row["key"]) != row]


def _order(order_id: int) -> Order:
    query = Order.objects.select_related("trader", "terms", "owner").prefetch_related("accounts")
    return query.get(pk=order_id)


def _facts(order: Order, fills: Sequence[FillRow], journal: Sequence[JournalRow]) -> OrderFacts:
    last_fill = max((fill["at"] for fill in fills), default=None)
    unsettled = _unsettled([order.pk]).get(order.pk, 0)
    row = _row(order, _markets([order]).get(order.pk), None, [], unsettled)
    row["last_fill_at"] = last_fill
    terms = order.terms
    quote_fees = [
        Decimal(fill["fee_in_quote"]) if fill["fee_in_quote"] is not None else None for fill in fills
    ]
    maker = costs.maker_share((Decimal(fill["quantity"]), fill["liquidity"]) for fill in fills)
    return OrderFacts(
        **row,
        why=order.why,
        due_at=instant(order.due_at),
        paused_at=instant(order.paused_at),
        limit_price=text(terms.limit_price) if terms else None,
        end_is_fixed=terms.end_is_fixed if terms else False,
        plan_version=order.plan_version,
        terms_version=terms.version if terms else 0,
        quantity_asked=text(order.quantity_asked) or "",
        unit=order.unit,
        client_reference=order.client_reference,
        owner=str(order.owner or ""),
        fees=[
            Fee(currency=name, amount=text(Decimal(amount)) or "")
            for name, amount in sorted(order.fees.items())
        ],
        fees_bp=rounded(costs.fees_bp(quote_fees, order.notional), 2),
        maker_share=rounded(maker, 4),
        pauses=pauses(journal, instant(order.paused_at), instant(order.ended_at)),
        earlier_plans=earlier_plans(order, journal),
    )


def pauses(
    journal: Sequence[JournalRow], paused_at: int | None, ended_at: int | None
) -> list[tuple[int, int | None]]:
    """Start and end of each pause by the journal; the order's own ``paused_at`` is the open one."""
    found: list[tuple[int, int | None]] = []
    began: int | None = None
    for entry in journal:
        if entry["kind"] in {"pause", "paused"} and began is None:
            began = entry["at"]
        elif entry["kind"] in {"resume", "resumed"} and began is not None:
            found.append((began, entry["at"]))
            began = None
    began = began if began is not None else paused_at
    return [*found, (began, ended_at)] if began is not None else found


def _slice_rows(order: Order) -> list[SliceRow]:
    filled: dict[int, Decimal] = defaultdict(Decimal)
    children = ChildOrder.objects.filter(order=order, slice__isnull=False).values_list("slice_id", "filled")
    for slice_id, quantity in children:
        filled[slice_id or 0] += quantity
    return [
        SliceRow(
            key=f"{part.plan_version}.{part.number}",
            number=part.number,
            starts_at=milliseconds(part.starts_at),
            ends_at=milliseconds(part.ends_at),
            quantity=text(part.quantity) or "",
            filled=text(filled[part.pk]) or "0",
        )
        for part in Slice.objects.filter(order=order, plan_version=order.plan_version).order_by("number")
    ]


def _child_rows(order_id: int) -> list[ChildRow]:
    children = (
        ChildOrder.objects.filter(order=order_id).select_related("account", "slice").order_by("sequence")
    )
    return [
        ChildRow(
            key=str(child.sequence),
            sequence=child.sequence,
            at=milliseconds(child.intended_at),
            ended_at=instant(child.ended_at),
            account=child.account.label,
            slice=child.slice.number if child.slice else None,
            type=child.type,
            time_in_force=child.time_in_force,
            purpose=child.purpose,
            why=child.why,
            price=text(child.price),
            quantity=text(child.quantity) or "",
            filled=text(child.filled) or "",
            average=rounded(costs.average_price(child.notional, child.filled), 12),
            status=child.status,
            reason=child.reason,
            settled=child.is_settled,
        )
        for child in children
    ]


def _fills(order_id: int) -> QuerySet[Fill]:
    return (
        Fill.objects.filter(order=order_id).select_related("account", "child").order_by("executed_at", "pk")
    )


def _new_fills(order_id: int, before: Snapshot) -> list[FillRow]:
    """Fills that ``before`` lacks, and those whose fee or liquidity has become known since."""
    keys = {fill["key"] for fill in before["fills"]}
    open_keys = {fill["key"] for fill in before["fills"] if fill["fee"] is None or not fill["liquidity"]}
    if Fill.objects.filter(order=order_id).count() == len(keys) and not open_keys:
        return []
    return changed(before["fills"], [_fill_row(fill) for fill in _fills(order_id)])


def _fill_row(fill: Fill) -> FillRow:
    return FillRow(
        key=f"{fill.account.public_id}:{fill.trade_id}:{fill.side}",
        at=milliseconds(fill.executed_at),
        account=fill.account.label,
        child=fill.child.sequence if fill.child else None,
        trade=fill.trade_id,
        price=text(fill.price) or "",
        quantity=text(fill.quantity) or "",
        fee=text(fill.fee),
        fee_currency=fill.fee_currency,
        fee_in_quote=text(fill.fee_in_quote),
        liquidity=fill.liquidity,
    )


def _journal_row(entry: JournalEntry) -> JournalRow:
    return JournalRow(
        key=str(entry.version),
        version=entry.version,
        at=milliseconds(entry.at),
        kind=entry.kind,
        actor=entry.actor,
        reason=entry.reason,
        data=entry.data,
    )
