"""The confirmations that a person gives before a basket is sent: for each row and for the whole basket.

The person types the notional of the whole basket again, not each quantity, because the usual mistake in a basket is
its size. If a part of the notional is unknown, each row is confirmed like a single order instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from execution.core.limits.judgement import WITHIN, Verdict
from execution.core.limits.kinds import LimitLevel
from execution.core.numbers import round_up, without_grouping
from execution.core.orders.basket import BasketSums, in_row
from execution.core.orders.terms import parse_decimal
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused
from execution.models import User
from execution.services.orders.basket_preview import BasketPreview
from execution.services.orders.confirmation import PROGRAM, Confirmation, confirmation_problems, must_be_typed
from execution.services.orders.limits import reason_problems

#: The largest difference, as a share of the notional, at which a typed notional still counts as the same. The market
#: moves while a person types.
SAME_WITHIN = Decimal("0.01")
NOTIONAL_FIELD = "confirm_notional"


@dataclass(frozen=True, slots=True)
class BasketConfirmation:
    """The confirmations of a basket: those of each row by its number, and the notional that the person typed.

    If several rows exceed the same soft limit together, the person's reason is stored with the first of these rows.
    """

    rows: Mapping[int, Confirmation] = field(default_factory=dict)
    notional: str = ""
    #: The confirmation of each row that is not in ``rows``.
    others: Confirmation = PROGRAM

    def of(self, number: int) -> Confirmation:
        return self.rows.get(number, self.others)


def notional_must_be_typed(person: User, sums: BasketSums) -> bool:
    """Return True if the basket's notional is above the person's own threshold. Return False if it is unknown.

    Nobody can type an unknown notional. Each row is then confirmed by itself.
    """
    return sums.gross is not None and must_be_typed(person, sums.gross)


def basket_confirmation_problems(
    person: User, basket: BasketPreview, confirmed: BasketConfirmation
) -> list[Problem]:
    """Return a problem for each confirmation that is still missing."""
    problems: list[Problem] = []
    for row in basket.rows:
        if row.preview is None:
            continue
        given = confirmed.of(row.number)
        given = replace(given, is_retyped=given.is_retyped and basket.sums.gross is None)
        alone = replace(row.preview, verdict=WITHIN)  # the limits are confirmed once for all rows, below
        problems += [in_row(each, row.number) for each in confirmation_problems(person, alone, given)]
    for breach in basket.at_level(LimitLevel.SOFT):
        missing = reason_problems(Verdict(reasons=(breach.breach,)), confirmed.of(breach.first).limit_reasons)
        problems += [breach.said(each) for each in missing]
    is_retyped = any(confirmed.of(row.number).is_retyped for row in basket.rows)
    if is_retyped and notional_must_be_typed(person, basket.sums):
        problems += _typed_problems(basket.sums, confirmed.notional)
    return problems


def reasons_of(basket: BasketPreview, confirmed: BasketConfirmation, number: int) -> Confirmation:
    """Return a row's confirmation, with the reasons for all soft limits that it exceeds, alone or with other rows."""
    reasons = {
        str(breach.breach.kind): confirmed.of(breach.first).limit_reasons.get(breach.breach.kind, "")
        for breach in basket.at_level(LimitLevel.SOFT)
        if number in breach.rows
    }
    return replace(confirmed.of(number), limit_reasons=reasons)


def _typed_problems(sums: BasketSums, typed: str) -> list[Problem]:
    """Return a problem if the typed notional is not the basket's."""
    gross = sums.gross
    number = _number(typed)
    if gross is None or (number is not None and abs(number - gross) <= gross * SAME_WITHIN):
        return []
    shown = f"{round_up(gross):,f} {sums.currency}"
    message = f"The notional typed again is {typed.strip()[:40]!r}. It must be within 1 % of {shown}."
    if not typed.strip():
        message = f"Type the notional again, {shown}: the basket is above your threshold."
    code = Code.NOTIONAL_NOT_CONFIRMED
    return [Problem(NOTIONAL_FIELD, message, typed.strip(), round_up(gross), code=code)]


def _number(text: str) -> Decimal | None:
    try:
        return parse_decimal(NOTIONAL_FIELD, "The notional typed again", without_grouping(text))
    except Refused:
        return None
