"""A basket for pages and the API: its review by row, its missing confirmations, and its sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dashboard.present.numbers import DASH, amount, percent, points, tone
from dashboard.present.plan_data import plan_subtitle
from dashboard.present.predictions import predicted_now
from dashboard.present.sentences import unit_word
from dashboard.present.ticket_figures import Predicted
from execution.core.limits.kinds import LimitLevel
from execution.core.numbers import grouped
from execution.core.orders.basket import BasketSums, rows_words
from execution.core.orders.basket_csv import COLUMNS, OPTIONAL, PARAMETERS, REQUIRED
from execution.core.orders.terms import ALGORITHMS
from execution.core.problems import Problem
from execution.payloads.baskets import BasketRow
from execution.payloads.encode import moment_of
from execution.services.orders.basket_confirmation import NOTIONAL_FIELD, notional_must_be_typed
from execution.services.orders.basket_preview import BasketBreach, BasketPreview, JudgedRow
from execution.services.orders.confirmation import price_problems, quantity_must_be_typed
from execution.services.orders.limits import REASON_FIELD
from execution.services.orders.stages import Preview

if TYPE_CHECKING:
    from execution.models import User

#: States of the checks that are shown beside a row's problems. A check with another state is not shown.
_SHOWN = ("warn", "alarm", "unknown")


def columns_help() -> dict[str, Any]:
    """Return the help for a basket's columns: those that every order has, and each algorithm's parameters."""
    return {
        "required": REQUIRED,
        "optional": OPTIONAL,
        "count": len(COLUMNS),
        "parameters": [
            {
                "name": name,
                "algorithms": ", ".join(
                    each.label for each in ALGORITHMS.values() if name in each.parameters.model_fields
                ),
                "about": _about(name),
            }
            for name in PARAMETERS
        ],
    }


def _about(name: str) -> str:
    info = next(
        each.parameters.model_fields[name]
        for each in ALGORITHMS.values()
        if name in each.parameters.model_fields
    )
    return info.description or ""


# --- the review ----------------------------------------------------------------------------------


def review(
    person: User, basket: BasketPreview, posted: Mapping[str, str], missing: Sequence[Problem] = ()
) -> dict[str, Any]:
    """Return the data of a basket's review. ``missing`` are the confirmations that a refused send lacked."""
    said = {problem.field: problem.message for problem in missing}
    rows = [_row(person, basket, row, posted, said) for row in basket.rows]
    wrong = [row["number"] for row in rows if row["problems"]]
    awaited = any(row.preview is not None and row.preview.books_awaited for row in basket.rows)
    return {
        "basket": basket,
        "rows": rows,
        "sums": sums_shown(basket.sums, is_read=all(row.preview is not None for row in basket.rows)),
        "problems": basket.problems,
        "wrong": wrong,
        "wrong_words": rows_words(wrong) if wrong else "",
        "is_sendable": not wrong and not basket.problems and not awaited,
        "waits": awaited,
        "reasons": [_reason(each, posted, said) for each in basket.at_level(LimitLevel.SOFT)],
        "approvals": [
            {"whose": each.whose, "fact": each.fact} for each in basket.at_level(LimitLevel.APPROVAL)
        ],
        "approval_rows": len(
            {number for each in basket.at_level(LimitLevel.APPROVAL) for number in each.rows}
        ),
        "must_type": notional_must_be_typed(person, basket.sums),
        "typed": posted.get(NOTIONAL_FIELD, ""),
        "typed_missing": said.get(NOTIONAL_FIELD, ""),
    }


def sums_shown(sums: BasketSums, *, is_read: bool) -> list[dict[str, str]]:
    """Return the tiles with the basket's sums. An unknown sum is a dash. ``is_read`` is False if a row could not be
    read.
    """
    unknown = "a price or a rate is not known" if is_read else "a row cannot be read"
    figures = (("buys", sums.bought), ("sells", sums.sold), ("net", sums.net), ("gross", sums.gross))
    return [
        {
            "name": name,
            "value": amount(figure, 2),
            "hint": sums.currency if figure is not None else unknown,
        }
        for name, figure in figures
    ]


def _row(
    person: User,
    basket: BasketPreview,
    row: JudgedRow,
    posted: Mapping[str, str],
    said: Mapping[str, str],
) -> dict[str, Any]:
    preview, written = row.preview, row.row.written
    shown = _written_row(written) if preview is None else _order_row(preview, written)
    return {
        **shown,
        "number": row.number,
        "problems": [{"message": each.message, "allowed": _allowed(each)} for each in row.problems],
        "warnings": _warnings(preview),
        "cost": _cost(
            preview, None if preview is None or row.problems else predicted_now(preview, basket.now)
        ),
        "confirms": [] if preview is None or row.problems else _confirms(person, basket, row, posted, said),
    }


def _allowed(problem: Problem) -> str:
    """Return the names that the problem allows, if its message does not list them, else ""."""
    has_names = any(character.isalpha() for character in problem.limit)
    return problem.limit if has_names and problem.limit not in problem.message else ""


def _written_row(written: Mapping[str, str]) -> dict[str, Any]:
    """Return a row that cannot be read, with its cells as the person wrote them."""
    return {
        "side": written.get("side", "").strip().lower(),
        "symbol": written.get("symbol", ""),
        "quantity": written.get("quantity", ""),
        "unit": written.get("unit", ""),
        "algorithm": written.get("algorithm", ""),
        "accounts": written.get("accounts", ""),
        "notional": DASH,
        "plan": DASH,
    }


def _order_row(preview: Preview, written: Mapping[str, str]) -> dict[str, Any]:
    request, market = preview.request, preview.limits
    labels = ", ".join(account.label for account in preview.accounts) or written.get("accounts", "")
    return {
        "side": request.side.value,
        "symbol": request.symbol,
        "quantity": grouped(request.quantity),
        "unit": unit_word(preview) or request.unit.value,
        "algorithm": ALGORITHMS[request.algorithm].label,
        "accounts": labels,
        "reference": request.client_reference,
        "notional": amount(preview.terms.notional, 2),
        "currency": market.quote if market else "",
        "plan": plan_subtitle(preview, market) if preview.slices else DASH,
    }


def _warnings(preview: Preview | None) -> list[str]:
    """Return the texts of warnings that need no confirmation. The others are shown beside their confirmations."""
    checks = () if preview is None else preview.checks
    return [check.text for check in checks if check.state in _SHOWN and not check.confirmed_by]


def _cost(preview: Preview | None, predicted: Predicted | None) -> dict[str, str]:
    if preview is None or predicted is None:
        return {"text": DASH, "title": "not known", "key": ""}
    return {**cost_shown(predicted), "key": predicted.key}


def cost_shown(predicted: Predicted) -> dict[str, str]:
    """Return an expected cost as text, title and colour of its cell."""
    if predicted.pending:
        return {"text": "…", "title": "being simulated", "tone": "muted"}
    if predicted.cost_bp is None:
        return {"text": DASH, "title": predicted.hint or "not simulated", "tone": "muted"}
    error = (
        ""
        if predicted.error_bp is None
        else f"± {predicted.error_bp:.1f} bp over {predicted.markets} markets"
    )
    return {
        "text": points(predicted.cost_bp),
        "title": predicted.hint or error,
        "tone": tone(str(predicted.cost_bp)),
    }


# --- what is to be confirmed ---------------------------------------------------------------------


def _reason(breach: BasketBreach, posted: Mapping[str, str], said: Mapping[str, str]) -> dict[str, str]:
    name = f"{REASON_FIELD}{breach.breach.kind}"
    field = f"{breach.first}.{name}"
    return {
        "field": field,
        "whose": breach.whose,
        "fact": breach.fact,
        "given": posted.get(field, ""),
        "missing": said.get(_place(breach.first, name), ""),
    }


def _place(number: int, field: str) -> str:
    return f"orders.{number - 1}.{field}"


def _confirms(
    person: User,
    basket: BasketPreview,
    row: JudgedRow,
    posted: Mapping[str, str],
    said: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return the confirmations that a row needs. They are those that the same order alone would need."""
    preview = row.preview
    if preview is None:
        return []
    questions = [
        (problem.field, "I confirm this I-would price" if "i_would" in problem.field else "I confirm this limit",
         problem.message)
        for problem in price_problems(preview)
    ]  # fmt: skip
    if preview.lookalike is not None:
        questions.append(("confirm_lookalike", "Send it a second time", f"{preview.lookalike.words}."))
    found: list[dict[str, Any]] = [
        {
            "field": f"{row.number}.{field}",
            "label": label,
            "about": about,
            "given": posted.get(f"{row.number}.{field}", "") == "yes",
            "missing": said.get(_place(row.number, field), ""),
            "is_box": True,
        }
        for field, label, about in questions
    ]
    if basket.sums.gross is None and quantity_must_be_typed(person, preview):
        field = f"{row.number}.confirm_quantity"
        found.append(
            {
                "field": field,
                "label": f"Type the quantity of row {row.number} again, in {unit_word(preview)}",
                "about": "Its value, or that of another row, is not known.",
                "given": posted.get(field, ""),
                "missing": said.get(_place(row.number, "confirm_quantity"), ""),
                "is_box": False,
            }
        )
    return found


# --- a basket that was sent ----------------------------------------------------------------------

#: The words and the colour of each state of a basket.
STATES = {
    "live": ("working", "plain"),
    "paused": ("paused", "warn"),
    "waiting": ("waiting for approval", "warn"),
    "done": ("done", "good"),
}


def list_row(row: BasketRow) -> dict[str, Any]:
    """Return a basket as a row of the list shows it."""
    notional, (words, kind) = row["notional"], STATES[row["state"]]
    return {
        **row,
        "state_words": words,
        "state_tone": "bad" if row["needs_person"] else kind,
        "created": moment_of(row["created_at"]),
        "counts_words": ", ".join(
            f"{count} {status.replace('_', ' ')}" for status, count in row["counts"].items()
        ),
        "filled_words": percent(row["filled_share"]),
        "bought": amount(notional["bought"], 2),
        "sold": amount(notional["sold"], 2),
        "net": amount(notional["net"], 2),
        "currency": notional["currency"],
        "cost": points(row["cost_bp"]),
        "cost_tone": tone(row["cost_bp"]),
    }
