"""What a person confirms before an order is sent, enforced where it is created.

A limit price far on the wrong side is confirmed by programs too. The rest is the ticket's alone: the API has its
idempotency keys instead, and sees a look-alike in the preview's checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from execution.core.numbers import plain, without_grouping
from execution.core.orders.plans import far_prices
from execution.core.orders.terms import parse_decimal
from execution.core.problems import Problem, Refused
from execution.models import User
from execution.selectors.ticket import Lookalike
from execution.services.orders.preview import Preview


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What was confirmed: the quantity as it was typed again, that a look-alike is meant, and that a limit price or an
    I-would price is meant that is on the wrong side of the market by more than the collar."""

    quantity: str = ""
    lookalike: bool = False
    limit: bool = False
    i_would: bool = False
    on_ticket: bool = True

    def missing(self, far: Sequence[Problem]) -> list[Problem]:
        """The prices that are still to be confirmed."""
        given = {"confirm_limit": self.limit, "confirm_i_would": self.i_would}
        return [problem for problem in far if not given[problem.field]]


#: Not from a ticket, and nothing confirmed.
PROGRAM = Confirmation(on_ticket=False)


def quantity_must_be_typed(person: User, preview: Preview) -> bool:
    return must_be_typed(person, preview.notional)


def must_be_typed(person: User, notional: Decimal | None) -> bool:
    """Above the person's own threshold, and where nobody knows how much the order is worth."""
    if person.confirm_above is None:
        return False
    return notional is None or notional > person.confirm_above


def confirmation_problems(person: User, preview: Preview, given: Confirmation) -> list[Problem]:
    """What is still to be confirmed."""
    problems = given.missing(price_problems(preview))
    if not given.on_ticket:
        return problems
    if quantity_must_be_typed(person, preview):
        problems += typed_problems(preview.request.quantity, given.quantity)
    if not given.lookalike:
        problems += lookalike_problems(preview.lookalike)
    return problems


def typed_problems(quantity: Decimal, typed: str) -> list[Problem]:
    """What is wrong with the quantity as it was typed again."""
    if _typed(typed) == quantity:
        return []
    asked = plain(quantity)
    message = f"the quantity typed again is {typed.strip()[:40]!r}; it must be {asked}"
    if not typed.strip():
        message = "type the quantity again: the order is above your threshold, or its worth is not known"
    return [Problem("confirm_quantity", message, typed.strip(), asked)]


def price_problems(preview: Preview) -> list[Problem]:
    """Each price that lets the order pay more than the collar beyond the mid; the mid must be known."""
    if preview.parameters is None:
        return []
    request = preview.request
    return [*far_prices(request.side, request.limit_price, preview.parameters, preview.quote).values()]


def lookalike_problems(found: Lookalike | None) -> list[Problem]:
    if found is None:
        return []
    return [
        Problem("confirm_lookalike", f"{found.words}; confirm that a second one is meant", found.public_id)
    ]


def _typed(text: str) -> Decimal | None:
    try:
        return parse_decimal("confirm_quantity", "the quantity typed again", without_grouping(text))
    except Refused:
        return None
