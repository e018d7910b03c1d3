"""Reads for an order's page: its snapshot, and the changes since a snapshot.

Nothing here writes or opens a transaction. Money is summed and compared in Python, so the results are exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

from execution.core.numbers import round_up
from execution.core.orders.reservation import spent_currency
from execution.core.orders.view import WOULD_TAKE
from execution.core.tca import costs
from execution.core.types import Side
from execution.models import ApprovalState, ChildOrder, Fill, JournalEntry, Order
from execution.payloads.encode import decimal_str, epoch_ms, rounded_str
from execution.payloads.orders import (
    SECTIONS,
    ChildRow,
    Delta,
    Fee,
    FillRow,
    JournalRow,
    OrderDetail,
    OrderParts,
    Reserved,
    SchedulePoint,
    SliceRow,
    Snapshot,
    WaitingApproval,
)
from execution.selectors.decisions.order_view import ORDER
from execution.selectors.decisions.spending import reserve_of
from execution.selectors.fees import fees_of
from execution.selectors.orders.approvals import on_approval
from execution.selectors.orders.page_rows import PageRows, page_rows
from execution.selectors.orders.rows import order_row_of
from execution.selectors.orders.schedules import earlier_plans, has_schedule
from execution.selectors.orders.visibility import order_find as order_find
from execution.selectors.orders.visibility import orders_visible as orders_visible

Row = TypeVar("Row", SliceRow, ChildRow, FillRow)


def order_version(order_id: int) -> int:
    return ORDER.get(pk=order_id).version


def order_statuses(order_ids: Sequence[int]) -> dict[int, str]:
    """Return the status of each order by primary key."""
    return dict(Order.objects.filter(pk__in=order_ids).values_list("pk", "status"))


def order_snapshot(order_id: int) -> Snapshot:
    """Return everything that an order's page shows.

    The version is read before the rows. So a row may be newer than the version, but never older. The next delta then
    contains that row again.
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
    """Return the newest children and the newest fills of an order, at most ``most`` of each."""
    children = ChildOrder.objects.filter(order=order_id).select_related("account", "slice")
    fills = Fill.objects.filter(order=order_id).select_related("account", "child")
    return OrderParts(
        children=[_child_row(child) for child in children.order_by("-sequence")[:most]],
        children_total=ChildOrder.objects.filter(order=order_id).count(),
        fills=[_fill_row(fill) for fill in fills.order_by("-executed_at", "-pk")[:most]],
        fills_total=Fill.objects.filter(order=order_id).count(),
    )


def order_delta(order_id: int, before: Snapshot) -> Delta:
    """Return the changes since the snapshot ``before``.

    Of append-only rows, only those after the last one in ``before`` are read.
    """
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
    """Return the snapshot that results from a delta. The script of the page applies deltas in the same way."""
    after: dict[str, Any] = {"version": delta["version"], "order": delta["order"]}
    after["profile"] = delta["profile"] if delta["replan"] else before["profile"]
    for section in SECTIONS:
        old: list[Any] = [] if section == "slices" and delta["replan"] else list(before[section])
        rows = {row["key"]: row for row in old}
        rows.update((row["key"], row) for row in delta[section])
        after[section] = list(rows.values())
    return after  # type: ignore[return-value]  # the keys are those of Snapshot


def changed(before: Sequence[Row], after: Sequence[Row]) -> list[Row]:
    """Return the rows of ``after`` that are new or differ. Rows are compared by their key."""
    known = {row["key"]: row for row in before}
    return [row for row in after if known.get(row["key"]) != row]


def _facts(rows: PageRows, fills: Sequence[FillRow], journal: Sequence[JournalRow]) -> OrderDetail:
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
    return OrderDetail(
        **row,
        why=order.why,
        due_at=epoch_ms(order.due_at),
        paused_at=epoch_ms(order.paused_at),
        plan_version=order.plan_version,
        terms_version=terms.version if terms else 0,
        quantity_asked=decimal_str(order.quantity_asked),
        unit=order.unit,
        reserves=_reserves(rows),
        waiting_approval=_waiting_approval(order, journal),
        owner=str(order.owner or ""),
        fees=[
            Fee(currency=name, amount=decimal_str(Decimal(amount)))
            for name, amount in sorted(order.fees.items())
        ],
        fees_bp=rounded_str(costs.fees_bp(quote_fees, order.notional), 2),
        maker_share=rounded_str(maker, 4),
        pauses=pauses(journal, epoch_ms(order.paused_at), epoch_ms(order.ended_at)),
        earlier_plans=earlier_plans(order, journal) if has_schedule(order.algorithm) else [],
        parameters=dict(terms.parameters) if terms else {},
    )


def _waiting_approval(order: Order, journal: Sequence[JournalRow]) -> WaitingApproval | None:
    """Return the waiting request for approval. If the order never needed an approval, nothing is read."""
    if not any(entry["kind"] == "approval_asked" for entry in journal):
        return None
    request = order.approvals.filter(state=ApprovalState.WAITING).first()
    if request is None:
        return None
    return WaitingApproval(
        id=request.public_id,
        changes=request.change_words,
        expires_at=epoch_ms(request.expires_at),
        on_approval=on_approval(order, request),
    )


def _reserves(rows: PageRows) -> list[Reserved]:
    """Return the order's reserves on its accounts, sorted by the account's label.

    They are computed from the rows that were read for the page.
    """
    order = rows.order
    waiting = [child for child in rows.children if not child.is_settled]
    found = reserve_of(order, rows.accounts, waiting)
    if found is None:
        return []
    labels = {account.public_id: account.label for account in rows.accounts}
    currency = spent_currency(order.symbol, Side(order.side))
    return [
        Reserved(
            account=labels[name],
            currency=currency,
            amount=decimal_str(round_up(reserve.total.amount)),
            is_known=reserve.total.is_known,
        )
        for name, reserve in sorted(found.reserve.items(), key=lambda item: labels[item[0]])
    ]


def pauses(
    journal: Sequence[JournalRow], paused_at: int | None, ended_at: int | None
) -> list[tuple[int, int | None]]:
    """Return the start and end of each pause, in milliseconds since 1970.

    If nobody ended the last pause by resuming, it ends with the order, at ``ended_at``. While it lasts, its end is
    None. If the journal has no start of the last pause, it began at ``paused_at``.
    """
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
            starts_at=epoch_ms(part.starts_at),
            ends_at=epoch_ms(part.ends_at),
            quantity=decimal_str(part.quantity),
            filled=decimal_str(filled[part.pk]),
        )
        for part in rows.slices
        if part.plan_version == rows.order.plan_version
    ]


def _child_reason(child: ChildOrder) -> str:
    """Return a child's reason. A refusal of a post-only order has one text; the journal keeps the exchange's own."""
    if child.reason.startswith(f"{WOULD_TAKE}:"):
        return "refused: a post-only order would have traded at once"
    return child.reason


def _child_row(child: ChildOrder) -> ChildRow:
    return ChildRow(
        key=str(child.sequence),
        sequence=child.sequence,
        at=epoch_ms(child.intended_at),
        ended_at=epoch_ms(child.ended_at),
        account=child.account.label,
        slice=child.slice.number if child.slice else None,
        type=child.type,
        time_in_force=child.time_in_force,
        purpose=child.purpose,
        why=child.why,
        price=decimal_str(child.price),
        quantity=decimal_str(child.quantity),
        filled=decimal_str(child.filled),
        average=rounded_str(costs.average_price(child.notional, child.filled), 12),
        status=child.status,
        reason=_child_reason(child),
        settled=child.is_settled,
    )


def _new_fills(rows: PageRows, before: Snapshot) -> list[FillRow]:
    keys = {fill["key"] for fill in before["fills"]}
    open_keys = {fill["key"] for fill in before["fills"] if fill["fee"] is None or not fill["liquidity"]}
    if rows.fills_count() == len(keys) and not open_keys:
        return []
    return changed(before["fills"], [_fill_row(fill) for fill in rows.fills()])


def _fill_row(fill: Fill) -> FillRow:
    return FillRow(
        key=f"{fill.account.public_id}:{fill.trade_id}:{fill.side}",
        at=epoch_ms(fill.executed_at),
        account=fill.account.label,
        child=fill.child.sequence if fill.child else None,
        trade=fill.trade_id,
        price=decimal_str(fill.price),
        quantity=decimal_str(fill.quantity),
        fee=decimal_str(fill.fee),
        fee_currency=fill.fee_currency,
        more_fees=[Fee(currency=name, amount=decimal_str(amount)) for name, amount in fees_of(fill)[1:]],
        fee_in_quote=decimal_str(fill.fee_in_quote),
        liquidity=fill.liquidity,
    )


def _journal_row(entry: JournalEntry) -> JournalRow:
    return JournalRow(
        key=str(entry.version),
        version=entry.version,
        at=epoch_ms(entry.at),
        kind=entry.kind,
        actor=entry.actor,
        reason=entry.reason,
        data=entry.data,
    )
