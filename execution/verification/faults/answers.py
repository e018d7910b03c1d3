"""The simulated exchange's answers: its refusals, and its reports on orders."""

from __future__ import annotations

from dataclasses import replace

from execution.core.guarantees.promise import CreateAnswer, Guarantees
from execution.core.types import CreateOutcome, NotSent, OrderReport, Rejected, Unknown
from execution.verification.faults.ledger import VenueOrder
from execution.verification.faults.virtual import at


class Refused(Exception):
    """A refusal by the exchange. ``kind`` is the name of ccxt's exception class."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def report_of(order: VenueOrder) -> OrderReport:
    """Return the complete report on an order."""
    return OrderReport(
        symbol=order.request.symbol,
        client_id=order.request.client_id,
        exchange_id=order.exchange_id,
        status=order.status,
        filled=order.filled,
        side=order.request.side,
        quantity=order.request.quantity,
        price=order.request.price,
        at=at(order.created),
    )


def create_refused(error: Refused) -> CreateOutcome:
    """Return the outcome of a create that the exchange refused."""
    if error.kind in ("InvalidNonce", "RateLimitExceeded"):
        return NotSent(error.kind)
    if error.kind in ("DuplicateOrderId", "ExchangeNotAvailable"):
        return Unknown(error.kind)
    return Rejected(error.kind, "refused by the simulated exchange")


def answer_of(guarantees: Guarantees, report: OrderReport) -> OrderReport:
    """Return what the answer to a create contains of ``report``.

    Some exchanges answer without status and fills.
    """
    if guarantees.create_answer.value is CreateAnswer.IDS:
        return replace(report, status=None, filled=None)
    return report
