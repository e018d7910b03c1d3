"""The search in the orders' journals and in the audit, newest entry first.

Each page continues after the page before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from execution.core.days import start_of
from execution.models import AuditEntry, JournalEntry, Order, Role
from execution.models.orders import BY_PEOPLE
from execution.payloads.journal import BreakRow, EntryRow
from execution.selectors.chains import audit_breaks, audit_count, journal_breaks, shown_breaks
from execution.selectors.orders.order_filter import EntryFilter

PAGE_SIZE = 100
#: The number of entries that an export holds in memory at a time.
CHUNK = 500
#: A text is compared with every entry. So it is searched only this far back, unless the filter has a day or an order.
TEXT_DAYS = timedelta(days=31)
#: An audit with at most this many entries is verified when it is shown.
MAX_SHOWN_AUDIT = 5_000
#: Actors that are not people.
PROGRAMS = ("desk", "venue")


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One page of entries. ``older`` is the value of the filter ``before`` for the next page; None at the end."""

    rows: list[EntryRow]
    older: str | None


def entries_page(chosen: EntryFilter, now: datetime) -> EntryPage:
    """Return one page of the entries that match a filter."""
    breaks = {one["row"]: one["words"] for one in known_breaks(chosen) if one["row"] is not None}
    found = list(_newest(chosen, chosen.before, now)[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    older = _mark_of(shown[-1]) if len(found) > PAGE_SIZE else None
    return EntryPage(_rows(shown, breaks), older)


def entries_all(chosen: EntryFilter, now: datetime) -> Iterator[list[EntryRow]]:
    """Yield all entries that match a filter, in the order of the pages, in parts."""
    breaks = {one["row"]: one["words"] for one in known_breaks(chosen) if one["row"] is not None}
    before = chosen.before
    while found := list(_newest(chosen, before, now)[:CHUNK]):
        yield _rows(found, breaks)
        before = (found[-1].at, found[-1].pk)


def known_breaks(chosen: EntryFilter) -> list[BreakRow]:
    """Return the breaks of the chains to which the shown entries belong.

    If it is cheap, the chains are verified now. Otherwise the breaks that the last check found are returned.
    """
    if chosen.source == "audit":
        if audit_count() <= MAX_SHOWN_AUDIT:
            return audit_breaks()
        return [one for one in journal_breaks() if not one["order"]]
    if chosen.order:
        order = Order.objects.filter(public_id=chosen.order).values_list("pk", "version").first()
        return [] if order is None else shown_breaks(*order)
    return [one for one in journal_breaks() if one["order"]]


def entry_kinds(source: str) -> list[str]:
    """Return the kinds of the newest entries. They are the choices of the filter."""
    table: Any = JournalEntry if source == "orders" else AuditEntry
    recent = table.objects.order_by("-pk").values_list("kind", flat=True)[:2_000]
    return sorted(set(recent))


def is_text_bounded(chosen: EntryFilter) -> bool:
    """Return True if the search for a text covers only the last ``TEXT_DAYS``, not all entries."""
    return bool(chosen.q) and not (chosen.since or chosen.order)


def _newest(chosen: EntryFilter, before: tuple[datetime, int] | None, now: datetime) -> QuerySet[Any]:
    rows: QuerySet[Any] = JournalEntry.objects.select_related("order")
    if chosen.source == "audit":
        rows = AuditEntry.objects.all()
    if before is not None:
        rows = rows.filter(Q(at__lt=before[0]) | Q(at=before[0], pk__lt=before[1]), at__lte=before[0])
    if chosen.q:
        rows = rows.annotate(data_text=Cast("data", TextField()))
    return rows.filter(_matching(chosen, now)).order_by("-at", "-pk")


def _matching(chosen: EntryFilter, now: datetime) -> Q:
    wanted, is_audit = Q(), chosen.source == "audit"
    if chosen.person:
        wanted &= _by(chosen.person, is_audit)
    if chosen.kind:
        wanted &= Q(kind=chosen.kind)
    if chosen.order:
        wanted &= Q(subject=chosen.order) if is_audit else Q(order__public_id=chosen.order)
    if chosen.account:
        wanted &= Q(subject=chosen.account) if is_audit else Q(order__accounts__label=chosen.account)
    if chosen.q:
        in_words = Q(reason__icontains=chosen.q) | Q(data_text__icontains=chosen.q)
        wanted &= in_words | Q(kind__icontains=chosen.q)
    since = start_of(chosen.since) if chosen.since else None
    if is_text_bounded(chosen):
        since = now - TEXT_DAYS
    if since is not None:
        wanted &= Q(at__gte=since)
    if chosen.until:
        wanted &= Q(at__lt=start_of(chosen.until) + timedelta(days=1))
    return wanted


def _by(person: str, is_audit: bool) -> Q:
    if person in PROGRAMS:
        return Q(actor=person)
    named = Q(actor__in=[f"{role}:{person}" for role in Role])
    return named if is_audit else named & BY_PEOPLE  # its index is of these alone


def _mark_of(row: JournalEntry | AuditEntry) -> str:
    microseconds = (row.at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    return f"{microseconds}-{row.pk}"


def _rows(found: list[Any], breaks: dict[int, str]) -> list[EntryRow]:
    accounts = _accounts_of({row.order_id for row in found if isinstance(row, JournalEntry)})
    return [
        EntryRow(
            row=row.pk,
            at=row.at,
            actor=row.actor,
            kind=row.kind,
            subject=row.order.public_id if isinstance(row, JournalEntry) else row.subject,
            accounts=accounts.get(row.order_id, "") if isinstance(row, JournalEntry) else "",
            sequence=row.version if isinstance(row, JournalEntry) else row.sequence,
            reason=row.reason,
            data=row.data,
            hash=row.hash,
            broken=breaks.get(row.pk, ""),
        )
        for row in found
    ]


def _accounts_of(orders: set[int]) -> dict[int, str]:
    labels: dict[int, list[str]] = {}
    links = Order.accounts.through.objects.filter(order__in=orders).order_by("pk")
    for order_pk, label in links.values_list("order_id", "account__label"):
        labels.setdefault(order_pk, []).append(label)
    return {order_pk: ", ".join(names) for order_pk, names in labels.items()}
