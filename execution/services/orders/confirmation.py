"""The confirmations that a person gives before an order is sent. The service that creates the order enforces them.

API clients give the same confirmations, except for look-alikes (an order that is like one sent a moment ago). The API
has idempotency keys instead, and shows a look-alike among the preview's checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from execution.core.numbers import grouped, without_grouping
from execution.core.orders.plans import far_prices
from execution.core.orders.terms import parse_decimal
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, as_sentence
from execution.models import User
from execution.selectors.ticket import Lookalike
from execution.services.orders.limits import reason_problems
from execution.services.orders.stages import Preview


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The confirmations that a person gives for one order.

    ``quantity`` is the quantity typed again. ``lookalike`` confirms that a similar order is not a mistake. ``limit``
    and ``i_would`` each confirm a price that is worse than the mid by more than the collar. ``on_ticket`` is True on a
    page, where look-alikes have to be confirmed.
    """

    quantity: str = ""
    lookalike: bool = False
    limit: bool = False
    i_would: bool = False
    on_ticket: bool = True
    #: True if an order above the person's threshold needs its quantity a second time. So it is for pages and for the
    #: API. The desk's own code sends it once.
    is_retyped: bool = True
    #: The reason for exceeding each soft limit, by the limit's kind.
    limit_reasons: Mapping[str, str] = field(default_factory=dict)

    def missing(self, far: Sequence[Problem]) -> list[Problem]:
        """Return the problems in ``far`` that the person has not confirmed. Each is about a price far from
        the market.
        """
        given = {"confirm_limit": self.limit, "confirm_i_would": self.i_would}
        return [problem for problem in far if not given[problem.field]]


#: The confirmation of an order that the desk's own code sends: not from a ticket, and nothing is confirmed.
PROGRAM = Confirmation(on_ticket=False, is_retyped=False)


def quantity_must_be_typed(person: User, preview: Preview) -> bool:
    return must_be_typed(person, preview.terms.notional)


def must_be_typed(person: User, notional: Decimal | None) -> bool:
    """Return True if the person must type the quantity again: the notional is above the person's threshold, or
    unknown.
    """
    if person.confirm_above is None:
        return False
    return notional is None or notional > person.confirm_above


def confirmation_problems(person: User, preview: Preview, confirmation: Confirmation) -> list[Problem]:
    """Return a problem for each confirmation that is still missing."""
    problems = confirmation.missing(price_problems(preview))
    problems += reason_problems(preview.verdict, confirmation.limit_reasons)
    if confirmation.is_retyped and quantity_must_be_typed(person, preview):
        problems += typed_problems(preview.request.quantity, confirmation.quantity)
    if confirmation.on_ticket and not confirmation.lookalike:
        problems += lookalike_problems(preview.lookalike)
    return problems


def typed_problems(quantity: Decimal, typed: str) -> list[Problem]:
    """Return a problem if the quantity that the person typed again is not ``quantity``."""
    if _typed(typed) == quantity:
        return []
    message = f"The quantity typed again is {typed.strip()[:40]!r}. It must be {grouped(quantity)}."
    if not typed.strip():
        message = "Type the quantity again: the order is above your threshold, or its value is not known."
    code = Code.QUANTITY_NOT_CONFIRMED
    return [Problem("confirm_quantity", message, typed.strip(), quantity, code=code)]


def price_problems(preview: Preview) -> list[Problem]:
    """Return a problem for each of the order's prices that is worse than the mid by more than the collar.

    Without a known mid no problem is returned.
    """
    request, parameters = preview.request, preview.terms.parameters
    if parameters is None:
        return []
    return [*far_prices(request.side, request.limit_price, parameters, preview.quote).values()]


def lookalike_problems(lookalike: Lookalike | None) -> list[Problem]:
    if lookalike is None:
        return []
    message = f"{as_sentence(lookalike.words)} Confirm that you mean a second one."
    return [Problem("confirm_lookalike", message, lookalike.public_id, code=Code.LOOKALIKE_NOT_CONFIRMED)]


def _typed(text: str) -> Decimal | None:
    try:
        return parse_decimal("confirm_quantity", "the quantity typed again", without_grouping(text))
    except Refused:
        return None
