"""The states of parent and child orders: a table of transitions for each, and named groups of states.

No other module decides a status. A table is ``{(status, event): status}``. A pair that is not in the table raises
``ForbiddenTransition``. The documented table in docs/reference/states.md is generated from here.
"""

from __future__ import annotations

from enum import StrEnum


class ForbiddenTransition(Exception):
    """The error for an event that the table does not allow in the current status."""


# --- parent --------------------------------------------------------------------------------------


class OrderStatus(StrEnum):
    PENDING_APPROVAL = "pending_approval"
    SCHEDULED = "scheduled"
    WORKING = "working"
    PAUSED = "paused"
    CLOSING = "closing"  #: with the outcome to come, while children are settled
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  #: time ran out with quantity left
    FAILED = "failed"
    REJECTED = "rejected"


class OrderEvent(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"
    COMPLETE = "complete"
    CANCEL = "cancel"
    EXPIRE = "expire"
    FAIL = "fail"


_O, _E = OrderStatus, OrderEvent

ORDER_TRANSITIONS: dict[tuple[OrderStatus, OrderEvent], OrderStatus] = {
    (_O.PENDING_APPROVAL, _E.APPROVE): _O.SCHEDULED,
    (_O.PENDING_APPROVAL, _E.REFUSE): _O.REJECTED,
    # Nobody approved in time, or its trader withdrew it: there is nothing to settle.
    (_O.PENDING_APPROVAL, _E.CANCEL): _O.CANCELLED,
    (_O.PENDING_APPROVAL, _E.EXPIRE): _O.EXPIRED,
    (_O.SCHEDULED, _E.START): _O.WORKING,
    (_O.SCHEDULED, _E.PAUSE): _O.PAUSED,
    (_O.SCHEDULED, _E.CLOSE): _O.CLOSING,
    (_O.WORKING, _E.PAUSE): _O.PAUSED,
    (_O.WORKING, _E.CLOSE): _O.CLOSING,
    # A second reason to pause (a person's on top of the desk's own) keeps the order paused.
    (_O.PAUSED, _E.PAUSE): _O.PAUSED,
    (_O.PAUSED, _E.RESUME): _O.WORKING,
    (_O.PAUSED, _E.CLOSE): _O.CLOSING,
    # A cancel of an order that is closing as expired changes the outcome to come, not the status.
    (_O.CLOSING, _E.CLOSE): _O.CLOSING,
    # Only CLOSING becomes final once something may have been sent: children are settled first.
    (_O.CLOSING, _E.COMPLETE): _O.COMPLETED,
    (_O.CLOSING, _E.CANCEL): _O.CANCELLED,
    (_O.CLOSING, _E.EXPIRE): _O.EXPIRED,
    (_O.CLOSING, _E.FAIL): _O.FAILED,
}

ORDER_FINAL = frozenset({_O.COMPLETED, _O.CANCELLED, _O.EXPIRED, _O.FAILED, _O.REJECTED})
ORDER_LIVE = frozenset(OrderStatus) - ORDER_FINAL
#: Orders for which a driver has something to do: all live orders that are approved.
ORDER_DRIVEN = ORDER_LIVE - {_O.PENDING_APPROVAL}
#: Orders whose terms may change.
ORDER_AMENDABLE = frozenset({_O.SCHEDULED, _O.WORKING, _O.PAUSED})
#: Orders that may place new children.
ORDER_TRADING = frozenset({_O.WORKING})

#: The event that ends CLOSING, by the outcome that was noted when the order began to close.
CLOSING_EVENTS: dict[OrderStatus, OrderEvent] = {
    _O.COMPLETED: _E.COMPLETE,
    _O.CANCELLED: _E.CANCEL,
    _O.EXPIRED: _E.EXPIRE,
    _O.FAILED: _E.FAIL,
}


def order_after(status: OrderStatus, event: OrderEvent) -> OrderStatus:
    """Return the status of a parent order after ``event``; raises ``ForbiddenTransition``."""
    try:
        return ORDER_TRANSITIONS[status, event]
    except KeyError:
        raise ForbiddenTransition(f"a {status} order cannot {event}") from None


# --- child ---------------------------------------------------------------------------------------


class ChildStatus(StrEnum):
    PENDING_SUBMIT = "pending_submit"  #: written, and certainly not sent
    SUBMITTED = "submitted"  #: it may have been sent, and nothing has answered yet
    OPEN = "open"
    PARTLY_FILLED = "partly_filled"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"  #: sent, and nobody knows what became of it
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    ABSENT = "absent"  #: proven never to have reached the book


class ChildEvent(StrEnum):
    SUBMIT = "submit"  #: committed before its request is sent
    RELEASE = "release"  #: its request certainly did not reach the exchange: it may be submitted again
    DROP = "drop"  #: not wanted any more before it was submitted
    OUTCOME_UNKNOWN = "outcome_unknown"  #: no answer to the request says what became of it
    OPENED = "opened"
    PART = "part"
    FILL = "fill"
    CANCEL = "cancel"  #: we ask for the cancel
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    PROVEN_ABSENT = "proven_absent"
    FORGOTTEN = "forgotten"  #: the exchange had shown it and tells its end no more; its trades are complete


_C, _V = ChildStatus, ChildEvent

_REPORTED: dict[ChildEvent, ChildStatus] = {
    _V.FILL: _C.FILLED,
    _V.CANCELLED: _C.CANCELLED,
    _V.REJECTED: _C.REJECTED,
    _V.EXPIRED: _C.EXPIRED,
}

CHILD_TRANSITIONS: dict[tuple[ChildStatus, ChildEvent], ChildStatus] = {
    (_C.PENDING_SUBMIT, _V.SUBMIT): _C.SUBMITTED,
    (_C.PENDING_SUBMIT, _V.DROP): _C.CANCELLED,
    # The database failed, and whether the submit was committed is not known.
    (_C.PENDING_SUBMIT, _V.RELEASE): _C.PENDING_SUBMIT,
    # What an exchange shows is a fact, also of a child that was released in error. Doubt counts as well.
    (_C.PENDING_SUBMIT, _V.OUTCOME_UNKNOWN): _C.UNKNOWN,
    (_C.PENDING_SUBMIT, _V.OPENED): _C.OPEN,
    (_C.PENDING_SUBMIT, _V.PART): _C.PARTLY_FILLED,
    **{(_C.PENDING_SUBMIT, event): status for event, status in _REPORTED.items()},
    (_C.SUBMITTED, _V.RELEASE): _C.PENDING_SUBMIT,
    (_C.SUBMITTED, _V.OUTCOME_UNKNOWN): _C.UNKNOWN,
    # A cancel wanted while the request is on its way: the session cancels as soon as it knows more.
    (_C.SUBMITTED, _V.CANCEL): _C.CANCELLING,
    (_C.SUBMITTED, _V.OPENED): _C.OPEN,
    (_C.SUBMITTED, _V.PART): _C.PARTLY_FILLED,
    **{(_C.SUBMITTED, event): status for event, status in _REPORTED.items()},
    (_C.UNKNOWN, _V.OPENED): _C.OPEN,
    (_C.UNKNOWN, _V.PART): _C.PARTLY_FILLED,
    **{(_C.UNKNOWN, event): status for event, status in _REPORTED.items()},
    (_C.UNKNOWN, _V.PROVEN_ABSENT): _C.ABSENT,
    (_C.UNKNOWN, _V.FORGOTTEN): _C.CANCELLED,
    (_C.OPEN, _V.OPENED): _C.OPEN,
    (_C.OPEN, _V.PART): _C.PARTLY_FILLED,
    (_C.OPEN, _V.CANCEL): _C.CANCELLING,
    # The exchange lists it no longer, and finds no such order.
    (_C.OPEN, _V.OUTCOME_UNKNOWN): _C.UNKNOWN,
    (_C.PARTLY_FILLED, _V.OUTCOME_UNKNOWN): _C.UNKNOWN,
    **{(_C.OPEN, event): status for event, status in _REPORTED.items()},
    (_C.PARTLY_FILLED, _V.OPENED): _C.PARTLY_FILLED,  # an older picture of the same order
    (_C.PARTLY_FILLED, _V.PART): _C.PARTLY_FILLED,
    (_C.PARTLY_FILLED, _V.CANCEL): _C.CANCELLING,
    **{(_C.PARTLY_FILLED, event): status for event, status in _REPORTED.items()},
    # While we wait for the cancel the order is still on the book, and may be filled.
    (_C.CANCELLING, _V.OPENED): _C.CANCELLING,
    (_C.CANCELLING, _V.PART): _C.CANCELLING,
    (_C.CANCELLING, _V.CANCEL): _C.CANCELLING,
    # The create's answer got lost, and the cancel found nothing: back to gathering evidence.
    (_C.CANCELLING, _V.OUTCOME_UNKNOWN): _C.UNKNOWN,
    **{(_C.CANCELLING, event): status for event, status in _REPORTED.items()},
    # An order that appears after its absence was proven: cancelled, its fills recorded, a person told.
    (_C.ABSENT, _V.OPENED): _C.CANCELLING,
    (_C.ABSENT, _V.PART): _C.CANCELLING,
    **{(_C.ABSENT, event): status for event, status in _REPORTED.items()},
    # The last word of an exchange on how an order ended may be more exact than its first.
    (_C.CANCELLED, _V.FILL): _C.FILLED,
    (_C.EXPIRED, _V.FILL): _C.FILLED,
}

CHILD_FINAL = frozenset({_C.FILLED, _C.CANCELLED, _C.REJECTED, _C.EXPIRED, _C.ABSENT})
#: Children that the exchange has shown on the book, and whose end it has not shown.
CHILD_ON_THE_BOOK = frozenset({_C.OPEN, _C.PARTLY_FILLED, _C.CANCELLING})
#: Children that are on the book, or that may be there now or later.
CHILD_LIVE = frozenset(ChildStatus) - CHILD_FINAL
#: Statuses that do not show by themselves whether the child reached the book.
CHILD_UNANSWERED = frozenset({_C.PENDING_SUBMIT, _C.SUBMITTED, _C.UNKNOWN, _C.CANCELLING})
#: Children for which a cancel makes sense: on the book, on their way there, or not sent yet.
CHILD_CANCELLABLE = frozenset({_C.PENDING_SUBMIT, _C.SUBMITTED, _C.OPEN, _C.PARTLY_FILLED})


def child_after(status: ChildStatus, event: ChildEvent) -> ChildStatus:
    """Return the status of a child order after ``event``; raises ``ForbiddenTransition``."""
    try:
        return CHILD_TRANSITIONS[status, event]
    except KeyError:
        raise ForbiddenTransition(f"a child that is {status} cannot go by {event}") from None


def order_actions(status: OrderStatus, outcome: str) -> tuple[str, ...]:
    """Return the actions that a person may take on an order in this state.

    ``outcome`` is the final status that a closing order will have.
    """
    moves = (OrderEvent.PAUSE, OrderEvent.RESUME)
    found = [str(event) for event in moves if ORDER_TRANSITIONS.get((status, event)) not in (None, status)]
    if status in ORDER_AMENDABLE:
        found.append("amend")
    if status in ORDER_LIVE and not (status is OrderStatus.CLOSING and outcome == OrderStatus.CANCELLED):
        found.append("cancel")
    return tuple(found)
