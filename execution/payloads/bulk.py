"""What one action did, or would do, to many orders."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from execution.core.orders.bulk import BulkAction, BulkOutcome
from execution.payloads.fields import DecimalStr, StatusText, about
from execution.payloads.problems import ProblemRow


class BulkResultRow(TypedDict):
    """What became of one order."""

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
    """What the orders that the action does have open in one symbol and on one side."""

    symbol: str
    side: str
    orders: int
    quantity: Annotated[DecimalStr, about("not filled yet, in base currency")]


class BulkAnswer(TypedDict):
    """What became of each order, in the order of the request."""

    action: BulkAction
    counts: Annotated[dict[str, int], about("orders by outcome; an outcome without any is left out")]
    results: list[BulkResultRow]


class BulkPreview(BulkAnswer):
    """What would become of each order now. Nothing was changed."""

    sums: Annotated[list[BulkSum], about("of the orders with the outcomes done and waiting")]
    notional: Annotated[
        dict[str, DecimalStr | None],
        about(
            "their open quantity at the mid of now, else of the arrival, by currency; null: a price is unknown"
        ),
    ]
