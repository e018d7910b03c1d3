"""The times from which a poll that does not find a child is evidence, by the guarantees of the child's exchange."""

from __future__ import annotations

from datetime import datetime

from execution.core.guarantees.promise import FOR_EVER, Guarantees
from execution.core.reconcile import evidence_counts_from
from execution.models import ChildOrder


def was_shown(child: ChildOrder) -> bool:
    """Return True if the exchange has shown the child, which proves that it reached the book."""
    return bool(child.exchange_id or child.filled or child.reported_filled)


def misses_trades(child: ChildOrder) -> bool:
    """Return True if the exchange reported a larger filled quantity for the child than the desk has trades for."""
    return child.reported_filled is not None and child.reported_filled > child.filled


def polls_count_from(child: ChildOrder, guarantees: Guarantees) -> datetime | None:
    """Return the time from which a poll without the child is evidence that the exchange does not have it.

    None if such a poll is never evidence.
    """
    return evidence_counts_from(child.last_possible_send_at, guarantees, was_shown=was_shown(child))


def may_be_forgotten_from(child: ChildOrder, guarantees: Guarantees) -> datetime | None:
    """Return the time from which the exchange may no longer list an ended child.

    Return None if the exchange lists ended orders for ever, or for an unknown time. Before the returned time the
    exchange should still list the child. So until then, a look-up that does not find it does not mean that the
    exchange has dropped it.
    """
    kept = (guarantees.ended_kept if child.filled else guarantees.cancelled_kept).value
    sent = child.last_possible_send_at
    return None if kept is None or kept == FOR_EVER or sent is None else sent + kept
