"""The result of an action on many orders, or its preview, for pages and the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from dashboard.present.numbers import DASH, amount
from execution.core.durations import as_words
from execution.core.numbers import grouped
from execution.core.orders.bulk import BulkAction, BulkOutcome, BulkRequest
from execution.core.problems import Problem
from execution.payloads.bulk import BulkAnswer, BulkPreview, BulkResultRow
from execution.payloads.problems import problem_row
from execution.selectors.orders.pages import order_statuses
from execution.selectors.wall.chosen import chosen_sums
from execution.services.orders.bulk import BulkResult

#: Outcomes of the orders that a review counts and sums.
DOES = (BulkOutcome.DONE, BulkOutcome.WAITING)


def bulk_answer(action: BulkAction, results: Sequence[BulkResult]) -> BulkAnswer:
    statuses = order_statuses([each.order_pk for each in results if each.order_pk is not None])
    counts = Counter(each.outcome for each in results)
    return BulkAnswer(
        action=action,
        counts={str(outcome): counts[outcome] for outcome in BulkOutcome if counts[outcome]},
        results=[
            BulkResultRow(
                order=each.public_id,
                outcome=each.outcome,
                status=None if each.order_pk is None else statuses[each.order_pk],
                terms_version=each.terms_version,
                problems=[problem_row(problem) for problem in each.problems],
            )
            for each in results
        ],
    )


def bulk_preview(action: BulkAction, results: Sequence[BulkResult]) -> BulkPreview:
    sums, notional = chosen_sums(
        [each.order_pk for each in results if each.outcome in DOES and each.order_pk]
    )
    return BulkPreview(**bulk_answer(action, results), sums=sums, notional=notional)


# --- the page's review and its answer ------------------------------------------------------------

#: The verb of each action, and the word for an order to which it has been applied.
VERBS = {
    BulkAction.PAUSE: ("Pause", "paused"),
    BulkAction.RESUME: ("Resume", "resumed"),
    BulkAction.CANCEL: ("Cancel", "cancelled"),
    BulkAction.EXTEND: ("Extend", "extended"),
    BulkAction.URGENCY: ("Change the urgency of", "changed"),
}
#: The words for orders that the action leaves unchanged.
ALREADY = {
    BulkAction.PAUSE: "paused already",
    BulkAction.RESUME: "working already",
    BulkAction.CANCEL: "cancelled already",
    BulkAction.EXTEND: "extended already",
    BulkAction.URGENCY: "at this urgency already",
}
CONSEQUENCES = {
    BulkAction.PAUSE: "Their open orders at the exchange are cancelled, and nothing new is sent until they resume.",
    BulkAction.CANCEL: "Their open orders at the exchange are cancelled and nothing new is sent. Fills are kept. "
    "This cannot be undone.",
}
MODES = {
    "catch_up": "Schedules and ends stay as they are. What was missed is made up, within each catch-up cap.",
    "shift": "The rest of each schedule and its end move by the time lost.",
}
#: The most orders that a review or an answer lists with their reasons. The rest is only counted.
LISTED = 20


def _orders(count: int) -> str:
    return f"{count:,} order{'' if count == 1 else 's'}"


def _consequence(request: BulkRequest) -> str:
    if request.mode is not None:
        return MODES[request.mode]
    if request.by is not None:
        return f"They end {as_words(request.by)} later. What remains is planned anew over the longer time."
    if request.urgency is not None:
        return f"Their urgency becomes {grouped(request.urgency)}. What remains is planned anew."
    return CONSEQUENCES.get(request.action, "")


def refused_review(action: BulkAction, count: int, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return the review of a request that is wrong for every order, such as an extension without a length."""
    return {
        "action": action,
        "title": f"{VERBS[action][0]} {_orders(count)}",
        "problems": problems,
        "does": 0,
    }


def review(request: BulkRequest, results: Sequence[BulkResult]) -> dict[str, Any]:
    """Return the data of the review: counts, sums, and the orders that the action leaves out, with the reason.

    The page then sends the action only for the other orders.
    """
    action, found = request.action, bulk_preview(request.action, results)
    does = [each for each in results if each.outcome in DOES]
    counted = _orders(len(results))
    if len(does) < len(results):
        counted = f"{len(does):,} of {counted}"
    return {
        "action": action,
        "title": f"{VERBS[action][0]} {counted}",
        "verb": VERBS[action][0] if action is not BulkAction.URGENCY else "Change",
        "does": len(does),
        "consequence": _consequence(request),
        "chosen": [f"{each.public_id}.{each.terms_version or ''}" for each in does],
        "sums": [{**row, "quantity": amount(row["quantity"])} for row in found["sums"]],
        "notional": [(amount(worth, 2), currency) for currency, worth in found["notional"].items()],
        **_left_out(action, results),
    }


def done(request: BulkRequest, results: Sequence[BulkResult]) -> dict[str, Any]:
    """Return the data of the message about a finished action on many orders."""
    counts = Counter(each.outcome for each in results)
    return {
        "action": request.action,
        "done": f"{_orders(counts[BulkOutcome.DONE])} {VERBS[request.action][1]}",
        "is_complete": all(each.outcome in (*DOES, BulkOutcome.UNCHANGED) for each in results),
        "failed": counts[BulkOutcome.FAILED],
        **_left_out(request.action, results),
    }


def _left_out(action: BulkAction, results: Sequence[BulkResult]) -> dict[str, Any]:
    counts = Counter(each.outcome for each in results)
    refused = [each for each in results if each.outcome in (BulkOutcome.REFUSED, BulkOutcome.FAILED)]
    unchanged = counts[BulkOutcome.UNCHANGED]
    gone = counts[BulkOutcome.NOT_FOUND]
    return {
        "waiting": counts[BulkOutcome.WAITING],
        "unchanged": f"{_orders(unchanged)} {'is' if unchanged == 1 else 'are'} {ALREADY[action]}"
        if unchanged
        else "",
        "gone": f"{_orders(gone)} cannot be found" if gone else "",
        "refused": [
            {"id": each.public_id, "why": " ".join(problem.message for problem in each.problems) or DASH}
            for each in refused[:LISTED]
        ],
        "more_refused": max(0, len(refused) - LISTED),
        "refused_count": len(refused),
    }
