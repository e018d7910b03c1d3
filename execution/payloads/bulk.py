"""The result of one action on many orders, or its preview."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from execution.core.orders.bulk import BulkAction, BulkOutcome
from execution.payloads.fields import DecimalStr, StatusText, about
from execution.payloads.problems import ProblemRow


class BulkResultRow(TypedDict):
    """The result of the action for one order."""

    order: str
    outcome: Annotated[
        BulkOutcome,
        about(
            "unchanged: it was so already; waiting: another person must approve it; failed: send the same again"
        ),
    ]
    status: Annotated[StatusText | None, about("after the action; null: there is no order that you may see")]
    terms_version: Annotated[int | None, about("of the terms before the action")]
    problems: list[ProblemRow]


class BulkSum(TypedDict):
    """The open quantity in one symbol and on one side, summed over the orders that the action changes."""

    symbol: str
    side: str
    orders: int
    quantity: Annotated[DecimalStr, about("not filled yet, in base currency")]


class BulkAnswer(TypedDict):
    """The result for each order, in the sequence of the request."""

    action: BulkAction
    counts: Annotated[dict[str, int], about("orders by outcome; an outcome without any is left out")]
    results: list[BulkResultRow]


class BulkPreview(BulkAnswer):
    """The result that the action would have for each order now. Nothing was changed."""

    sums: Annotated[list[BulkSum], about("of the orders with the outcomes done and waiting")]
    notional: Annotated[
        dict[str, DecimalStr | None],
        about(
            "their open quantity at the mid of now, else of the arrival, by currency; null: a price is unknown"
        ),
    ]
