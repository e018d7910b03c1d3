"""Reads for an order's page: its snapshot, and what changed since.

Nothing here writes or opens a transaction. Sums and comparisons of money are made in Python, exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

from execution.core.tca import costs
from execution.models import ChildOrder, Fill, JournalEntry, Order
from execution.payloads.encode import instant, milliseconds, rounded, text
from execution.payloads.orders import (
    SECTIONS,
    ChildRow,
    Delta,
    Fee,
    FillRow,
    JournalRow,
    OrderFacts,
    OrderParts,
    SchedulePoint,
    SliceRow,
    Snapshot,
)
from execution.selectors.decisions.order_view import ORDER
from execution.selectors.orders.page_rows import PageRows, page_rows
from execution.selectors.orders.rows import order_row_of
from execution.selectors.orders.schedules import earlier_plans, is_sliced
from execution.selectors.orders.visibility import order_find as order_find
from execution.selectors.orders.visibility import orders_visible as orders_visible

Row = TypeVar("Row", SliceRow, ChildRow, FillRow)


def order_version(order_id: int) -> int:
    return ORDER.get(pk=order_id).version


def order_snapshot(order_id: int) -> Snapshot:
    """Everything of an order.

    The version is read first: rows may then be newer than it, never older, and what is newer comes once
    more with the next delta.
    """
    rows = page_rows(order_id)
    order, children = rows.order, rows.children
    fills = [_fill_row(fill) for fill in rows.fills()]
    journal = [_journal_row(entry) for entry in rows.journal_after(0)]
    return Snapshot(
        version=order.version,
        order=_facts(rows, fills, journal),
        slices=_slice_rows(rows),
        children=[_child_row(child) for child in children],
        fills=fills,
        journal=journal,
        profile=_profile(order),
    )


def order_parts(order_id: int, *, most: int) -> OrderParts:
    """The newest children and fills of an order, at most so many of each."""
    children = ChildOrder.objects.filter(order=order_id).select_related("account", "slice")
    fills = Fill.objects.filter(order=order_id).select_related("account", "child")
    return OrderParts(
        children=[_child_row(child) for child in children.order_by("-sequence")[:most]],
        children_total=ChildOrder.objects.filter(order=order_id).count(),
        fills=[_fill_row(fill) for fill in fills.order_by("-executed_at", "-pk")[:most]],
        fills_total=Fill.objects.filter(order=order_id).count(),
    )


def order_delta(order_id: int, before: Snapshot) -> Delta:
    """What changed since ``before``; append-only rows are read from where it ends."""
    rows = page_rows(order_id)
    order, children = rows.order, rows.children
    fills = _new_fills(rows, before)
    journal = [_journal_row(entry) for entry in rows.journal_after(before["version"])]
    replan = order.plan_version != before["order"]["plan_version"]
    slices = _slice_rows(rows)
    every_fill = list({row["key"]: row for row in (*before["fills"], *fills)}.values())
    return {
        "from": before["version"],
        "version": order.version,
        "order": _facts(rows, every_fill, [*before["journal"], *journal]),
        "replan": replan,
        "slices": slices if replan else changed(before["slices"], slices),
        "children": changed(before["children"], [_child_row(child) for child in children]),
        "fills": fills,
        "journal": journal,
        "profile": _profile(order) if replan else [],
    }


def delta_applied(before: Snapshot, delta: Delta) -> Snapshot:
    """The snapshot after a delta, as the page's script makes it."""
    after: dict[str, Any] = {"version": delta["version"], "order": delta["order"]}
    after["profile"] = delta["profile"] if delta["replan"] else before["profile"]
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


def _facts(rows: PageRows, fills: Sequence[FillRow], journal: Sequence[JournalRow]) -> OrderFacts:
    order = rows.order
    row = order_row_of(
        order,
        rows.accounts,
        last_fill_at=max((fill["at"] for fill in fills), default=None),
        unsettled=sum(not child.is_settled for child in rows.children),
        alerts=sum(entry["kind"] == "alert" for entry in journal),
    )
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
        plan_version=order.plan_version,
        terms_version=terms.version if terms else 0,
        quantity_asked=text(order.quantity_asked) or "",
        unit=order.unit,
        owner=str(order.owner or ""),
        fees=[
            Fee(currency=name, amount=text(Decimal(amount)) or "")
            for name, amount in sorted(order.fees.items())
        ],
        fees_bp=rounded(costs.fees_bp(quote_fees, order.notional), 2),
        maker_share=rounded(maker, 4),
        pauses=pauses(journal, instant(order.paused_at), instant(order.ended_at)),
        earlier_plans=earlier_plans(order, journal) if is_sliced(order.algorithm) else [],
        parameters=dict(terms.parameters) if terms else {},
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


def _profile(order: Order) -> list[SchedulePoint]:
    return [(int(at), float(volume)) for at, volume in order.forecast.get("profile", [])]


def _slice_rows(rows: PageRows) -> list[SliceRow]:
    filled: dict[int | None, Decimal] = defaultdict(Decimal)
    for child in rows.children:
        filled[child.slice_id] += child.filled
    return [
        SliceRow(
            key=f"{part.plan_version}.{part.number}",
            number=part.number,
            starts_at=milliseconds(part.starts_at),
            ends_at=milliseconds(part.ends_at),
            quantity=text(part.quantity) or "",
            filled=text(filled[part.pk]) or "0",
        )
        for part in rows.slices
        if part.plan_version == rows.order.plan_version
    ]


def _child_row(child: ChildOrder) -> ChildRow:
    return ChildRow(
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


def _new_fills(rows: PageRows, before: Snapshot) -> list[FillRow]:
    """Fills that ``before`` lacks, and those whose fee or liquidity has become known since."""
    keys = {fill["key"] for fill in before["fills"]}
    open_keys = {fill["key"] for fill in before["fills"] if fill["fee"] is None or not fill["liquidity"]}
    if rows.fills_count() == len(keys) and not open_keys:
        return []
    return changed(before["fills"], [_fill_row(fill) for fill in rows.fills()])


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
