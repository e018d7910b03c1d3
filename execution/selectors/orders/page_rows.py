"""The rows that an order's page shows, each linked to the rows that it refers to.

After every change of an order, its open pages read all these rows again within milliseconds. To save time, the SQL of
these queries is compiled only once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model

from execution.models import Account, ChildOrder, Fill, JournalEntry, Order, OrderTerms, Slice, User, Worker
from execution.models.prepared import Compiled
from execution.selectors.decisions.order_view import ORDER

M = TypeVar("M", bound=Model)

_TRADER = Compiled(lambda pk: User.objects.filter(pk=pk), pk=int)
_TERMS = Compiled(lambda pk: OrderTerms.objects.filter(pk=pk), pk=int)
_OWNER = Compiled(lambda pk: Worker.objects.filter(pk=pk), pk=int)
_ACCOUNTS = Compiled(lambda order: Account.objects.filter(orders=order), order=int)
_SLICES = Compiled(
    lambda order: Slice.objects.filter(order_id=order).order_by("plan_version", "number"), order=int
)
_CHILDREN = Compiled(lambda order: ChildOrder.objects.filter(order_id=order).order_by("sequence"), order=int)
_FILLS = Compiled(lambda order: Fill.objects.filter(order_id=order).order_by("executed_at", "pk"), order=int)
_JOURNAL = Compiled(
    lambda order, version: JournalEntry.objects.filter(order_id=order, version__gt=version).order_by(
        "version"
    ),
    order=int,
    version=int,
)


@dataclass(frozen=True, slots=True)
class PageRows:
    """An order, its slices of every plan, and its children by sequence. Fills and journal are read only on demand."""

    order: Order
    accounts: list[Account]
    slices: list[Slice]
    children: list[ChildOrder]

    def fills(self) -> list[Fill]:
        """Return the fills in the order of their execution."""
        fills = _FILLS.all(order=self.order.pk)
        accounts, children = _by_key(self.accounts), _by_key(self.children)
        for fill in fills:
            if fill.account_id in accounts:
                fill.account = accounts[fill.account_id]
            if fill.child_id in children:
                fill.child = children[fill.child_id]
        return fills

    def fills_count(self) -> int:
        return _FILLS.count(order=self.order.pk)

    def journal_after(self, version: int) -> list[JournalEntry]:
        """Return the journal entries after ``version``."""
        return _JOURNAL.all(order=self.order.pk, version=version)


def page_rows(order_id: int) -> PageRows:
    """Read the rows of an order's page, the order first. Raise ``Order.DoesNotExist`` if there is no such order."""
    order = ORDER.get(pk=order_id)
    order.trader = _TRADER.get(pk=order.trader_id)
    order.terms = _TERMS.get(pk=order.terms_id) if order.terms_id is not None else None
    order.owner = _OWNER.get(pk=order.owner_id) if order.owner_id is not None else None
    rows = PageRows(
        order, _ACCOUNTS.all(order=order_id), _SLICES.all(order=order_id), _CHILDREN.all(order=order_id)
    )
    accounts, slices = _by_key(rows.accounts), _by_key(rows.slices)
    for child in rows.children:
        if child.account_id in accounts:  # else it is read when it is asked for
            child.account = accounts[child.account_id]
        if child.slice_id in slices:
            child.slice = slices[child.slice_id]
    return rows


def _by_key(rows: list[M]) -> dict[int | None, M]:
    return {row.pk: row for row in rows}
