"""The parsing of the confirmations that a person gives in a review."""

from __future__ import annotations

from collections.abc import Mapping

from execution.services.orders.confirmation import Confirmation
from execution.services.orders.limits import REASON_FIELD

#: Names of fields that the review asks for, and the form does not.
CONFIRMATIONS = ("confirm_quantity", "confirm_lookalike", "confirm_limit", "confirm_i_would")


def confirmed_in(form: Mapping[str, str]) -> Confirmation:
    return Confirmation(
        quantity=form.get("confirm_quantity", ""),
        lookalike=form.get("confirm_lookalike") == "yes",
        limit=form.get("confirm_limit") == "yes",
        i_would=form.get("confirm_i_would") == "yes",
        limit_reasons=limit_reasons_in(form),
    )


def limit_reasons_in(posted: Mapping[str, str]) -> dict[str, str]:
    """Return the reasons for exceeding soft limits in a form, by the kind of the limit."""
    return {
        name.removeprefix(REASON_FIELD): text
        for name, text in posted.items()
        if name.startswith(REASON_FIELD)
    }


def is_confirmation(field: str) -> bool:
    """Return True if the field is a confirmation or a reason that a review asks for."""
    return field in CONFIRMATIONS or field.startswith(REASON_FIELD)
