"""Verification of the hash chains of the orders' journals and of the audit, one block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import Q

from execution.core.journal import Break, BreakKind, Entry, Head, Link, audit_entry, chain_breaks
from execution.models import AuditEntry, ChainHead, JournalCheck, JournalEntry, Order
from execution.models.audit import AUDIT
from execution.payloads.journal import BreakRow, CheckRow
from execution.selectors.retained import orders_dropped

#: The number of orders whose heads are read at once, and that of entries.
ORDERS, ENTRIES = 200, 1_000
#: An order that changes while its chain is read is read again, at most this often.
ATTEMPTS = 5
#: The longest chain that a page verifies when it shows it. A longer one is verified only each night.
MAX_SHOWN_CHAIN = 5_000

JOURNAL_TABLE, AUDIT_TABLE = JournalEntry._meta.db_table, AuditEntry._meta.db_table
_JOURNAL = ("order_id", "pk", "version", "kind", "actor", "reason", "data", "at", "hash")
_AUDIT = ("pk", "sequence", "kind", "actor", "subject", "reason", "data", "at", "hash")


@dataclass(frozen=True, slots=True)
class Block:
    """The result of verifying a block of orders.

    ``last`` is the primary key of the block's last order; None after the last block.
    """

    last: int | None
    orders: int
    entries: int
    breaks: list[BreakRow]


@dataclass(slots=True)
class _Counter:
    entries: int = 0


def orders_verify(*, after: int) -> Block:
    """Verify the journals of the next orders, by primary key, beginning with the first one above ``after``.

    If an order changes during the check, its journal may look broken. So a journal that looks broken is read again by
    itself.
    """
    heads = _heads(Order.objects.filter(pk__gt=after).order_by("pk")[:ORDERS])
    if not heads:
        return Block(None, 0, 0, [])
    first, last, counter = next(iter(heads)), list(heads)[-1], _Counter()
    suspects, found = set(heads), []
    for order_pk, rows in groupby(_journal_rows(first, last, counter), key=lambda row: row[0]):
        links = (link for _, link in rows)
        if (head := heads.get(order_pk)) is None:
            found += _orderless(order_pk, list(links))
        elif next(chain_breaks(links, head), None) is None:
            suspects.discard(order_pk)
    if suspects:
        going = orders_dropped()  # retention deletes them now
        found += [one for pk in sorted(suspects) for one in order_breaks(pk) if one["order"] not in going]
    return Block(last, len(heads), counter.entries, found)


def order_breaks(order_pk: int) -> list[BreakRow]:
    """Return each break in an order's journal, such as a missing entry or one with a wrong hash.

    The last entry is compared with the number and the hash that the order's row holds.
    """
    public_id = Order.objects.values_list("public_id", flat=True).get(pk=order_pk)
    for _ in range(ATTEMPTS):
        head = _head(order_pk)
        links = (row[1] for row in _journal_rows(order_pk, order_pk, _Counter()))
        breaks = list(chain_breaks(links, head))
        if not breaks or _head(order_pk) == head:
            break
    return [break_row(JOURNAL_TABLE, public_id, one) for one in breaks]


def shown_breaks(order_pk: int, version: int) -> list[BreakRow]:
    """Return the breaks of an order for its page.

    A short journal is verified now. For a long one, the breaks that the last nightly check found are returned.
    """
    if version <= MAX_SHOWN_CHAIN:
        return order_breaks(order_pk)
    public_id = Order.objects.values_list("public_id", flat=True).get(pk=order_pk)
    return [one for one in journal_breaks() if one["order"] == public_id]


def audit_breaks() -> list[BreakRow]:
    """Return each place where the audit's chain is broken.

    A difference between the audit's last entry and its stored head comes last.
    """
    for _ in range(ATTEMPTS):
        head = _audit_head()
        breaks = list(chain_breaks(_audit_links(), head))
        if not breaks or _audit_head() == head:
            break
    return [break_row(AUDIT_TABLE, "", one) for one in breaks]


def journal_breaks() -> list[BreakRow]:
    """Return the breaks that the check in progress has found, else those of the last completed check.

    A check stores only the first breaks. ``JournalCheck.broken`` is the number of all breaks.
    """
    newest = JournalCheck.objects.order_by("-started_at", "-pk")
    running = newest.filter(ended_at=None).first()
    ended = newest.exclude(ended_at=None).first()
    if running is not None and running.breaks:
        return list(running.breaks)
    return [] if ended is None else list(ended.breaks)


def last_check() -> CheckRow | None:
    """Return the newest check that has ended, else the one in progress; None before the first."""
    checks = JournalCheck.objects.order_by("-started_at", "-pk")
    check = checks.exclude(ended_at=None).first() or checks.first()
    if check is None:
        return None
    return CheckRow(
        started_at=check.started_at,
        ended_at=check.ended_at,
        orders=check.orders,
        entries=check.entries,
        broken=check.broken,
        breaks=check.breaks,
    )


def break_row(table: str, order: str, one: Break) -> BreakRow:
    """Return a break in a hash chain as pages show it, with the name of the table and the id of the order."""
    return BreakRow(
        table=table,
        order=order,
        sequence=one.version,
        row=one.row,
        kind=one.kind.value,
        words=one.words,
    )


def break_words(one: BreakRow) -> str:
    """Describe a break in a hash chain in one line."""
    where = f"order {one['order']}" if one["order"] else "audit"
    row = "no row" if one["row"] is None else f"row {one['row']}"
    return f"{where}, entry {one['sequence']} ({one['table']}, {row}): {one['words']}"


def audit_count() -> int:
    """Return the number of entries in the audit, according to its head."""
    head = _audit_head()
    return 0 if head is None else head.version


def _heads(orders: Iterable[Order]) -> dict[int, Head]:
    return {order.pk: Head(order.version, order.journal_hash) for order in orders}


def _head(order_pk: int) -> Head:
    return Head(*Order.objects.values_list("version", "journal_hash").get(pk=order_pk))


def _audit_head() -> Head | None:
    head = ChainHead.objects.filter(name=AUDIT).first()
    if head is None:
        # Without entries there is no chain yet; with them, their head was removed.
        return Head(0, "") if AuditEntry.objects.exists() else None
    return Head(head.sequence, head.hash)


def _journal_rows(first: int, last: int, counter: _Counter) -> Iterator[tuple[int, Link]]:
    """Yield the entries of a range of orders by order and version, read in blocks."""
    at: tuple[int, int] = (first, -1)
    while True:
        later = Q(order_id__gt=at[0]) | Q(order_id=at[0], version__gt=at[1])
        query = JournalEntry.objects.filter(later, order_id__gte=at[0], order_id__lte=last)
        rows = list(query.order_by("order_id", "version").values_list(*_JOURNAL)[:ENTRIES])
        counter.entries += len(rows)
        for order_id, pk, version, kind, actor, reason, data, when, stored in rows:
            yield order_id, Link(pk, Entry(version, kind, actor, reason, data, when), stored)
        if len(rows) < ENTRIES:
            return
        at = (rows[-1][0], rows[-1][2])


def _audit_links() -> Iterator[Link]:
    after = -1
    while rows := list(
        AuditEntry.objects.filter(sequence__gt=after).order_by("sequence").values_list(*_AUDIT)[:ENTRIES]
    ):
        for pk, sequence, kind, actor, subject, reason, data, when, stored in rows:
            yield Link(pk, audit_entry(sequence, kind, actor, subject, reason, data, when), stored)
        after = rows[-1][1]


def _orderless(order_pk: int, links: list[Link]) -> list[BreakRow]:
    """Return a break for each entry whose order does not exist.

    An order that was created during the check is left out. The next check verifies it.
    """
    if Order.objects.filter(pk=order_pk).exists():
        return []
    words = f"it belongs to order {order_pk}, which is not there"
    extra = BreakKind.EXTRA
    return [break_row(JOURNAL_TABLE, "", Break(extra, link.entry.version, link.row, words)) for link in links]


# --- heads that were written out -----------------------------------------------------------------


def heads() -> Iterator[dict[str, Any]]:
    """Yield the heads of all chains, the audit's first. The heads should be stored where nobody can change them."""
    head = _audit_head()
    yield {"chain": AUDIT, "version": head.version if head else 0, "hash": head.hash if head else ""}
    after = 0
    while rows := list(
        Order.objects.filter(pk__gt=after)
        .order_by("pk")
        .values_list("pk", "public_id", "version", "journal_hash")[:ENTRIES]
    ):
        for _, public_id, version, stored in rows:
            yield {"chain": "order", "order": public_id, "version": version, "hash": stored}
        after = rows[-1][0]


def heads_breaks(written: Iterable[Mapping[str, Any]], dropped: frozenset[str]) -> Iterator[BreakRow]:
    """Yield a break for each chain that does not contain its head in ``written`` any more.

    ``written`` are heads that were stored earlier, apart from the database. Such a chain was rebuilt or cut off.
    ``dropped`` are the orders that retention has deleted, according to the audit.
    """
    block: dict[str, Head] = {}
    for line in written:
        head = Head(int(line["version"]), str(line["hash"]))
        if line["chain"] == AUDIT:
            row = AuditEntry.objects.filter(sequence=head.version).values_list("pk", "hash").first()
            yield from _judge(AUDIT_TABLE, "", head, row)
            continue
        block[str(line["order"])] = head
        if len(block) >= ORDERS:
            yield from _judge_block(block, dropped)
            block = {}
    yield from _judge_block(block, dropped)


def _judge_block(block: Mapping[str, Head], dropped: frozenset[str]) -> Iterator[BreakRow]:
    at_head = Q()
    for public_id, head in block.items():
        at_head |= Q(order__public_id=public_id, version=head.version)
    entries = JournalEntry.objects.filter(at_head) if block else JournalEntry.objects.none()
    rows = {row[0]: (row[1], row[2]) for row in entries.values_list("order__public_id", "pk", "hash")}
    for public_id, head in block.items():
        if public_id not in dropped:
            yield from _judge(JOURNAL_TABLE, public_id, head, rows.get(public_id))


def _judge(table: str, order: str, head: Head, row: tuple[int, str] | None) -> Iterator[BreakRow]:
    if head.version == 0:
        return
    if row is None:
        words = f"the written head names entry {head.version}, which is not there"
        yield break_row(table, order, Break(BreakKind.MISSING, head.version, None, words))
    elif row[1] != head.hash:
        words = f"entry {head.version} has another hash than the written head: the chain was made anew since"
        yield break_row(table, order, Break(BreakKind.CHANGED, head.version, row[0], words))
