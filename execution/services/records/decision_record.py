"""The stored inputs (``OrderView``) of the decisions that placed children.

``manage.py why`` reads the input of an old decision and makes the decision again.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import NamedTuple

from execution.core.orders.view import OrderView
from execution.core.orders.view_record import Shared, digest_of, moment_bytes, shared_bytes, shared_of
from execution.models import DecisionContext, DecisionRecord, Order
from execution.models.prepared import Compiled, row_insert

_CONTEXT = Compiled(
    lambda order, digest: DecisionContext.objects.filter(order_id=order, digest=digest).only("pk"),
    order=int,
    digest=str,
)


class Body(NamedTuple):
    """The record of a decision before it is written.

    The decision's children have journal entries, and these store the ``digest``.
    """

    shared_digest: str
    shared: bytes
    moment: bytes
    digest: str


class _SharedParts:
    """A cache of the part of each order's ``OrderView`` that seldom changes, in encoded form.

    For a plan of a whole day, that part is 150 kB long. The cache only saves the work of encoding it again.
    ``decision_record`` looks in the database whether the part is stored already.
    """

    MOST = 500

    def __init__(self) -> None:
        self._parts: OrderedDict[int, tuple[Shared, str, bytes]] = OrderedDict()

    def of(self, order_pk: int, view: OrderView) -> tuple[str, bytes]:
        shared = shared_of(view)
        known = self._parts.get(order_pk)
        if known is None or known[0] != shared:
            known = (shared, *shared_bytes(shared))
            self._parts[order_pk] = known
            while len(self._parts) > self.MOST:
                self._parts.popitem(last=False)
        return known[1], known[2]


_shared_parts = _SharedParts()


def decision_body(order_pk: int, view: OrderView) -> Body:
    """Return the record of a decision, made from ``view`` and ready to be written."""
    shared_digest, shared = _shared_parts.of(order_pk, view)
    moment = moment_bytes(view, shared_digest)
    return Body(shared_digest, shared, moment, digest_of(moment))


def decision_record(*, order: Order, first_child: int, children: int, body: Body, now: datetime) -> None:
    """Write the record of a decision that has just placed children, inside the decision's transaction."""
    context = _CONTEXT.first(order=order.pk, digest=body.shared_digest)
    if context is None:
        context = DecisionContext(order=order, digest=body.shared_digest, body=body.shared, created_at=now)
        row_insert(context)
    row_insert(
        DecisionRecord(
            order=order,
            first_child=first_child,
            children=children,
            context=context,
            body=body.moment,
            decided_at=now,
        )
    )
