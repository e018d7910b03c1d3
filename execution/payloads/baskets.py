"""Baskets: their previews, their rows and their progress."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, EpochMs, about
from execution.payloads.orders import OrderRow
from execution.payloads.previews import OrderPreview
from execution.payloads.problems import ProblemRow


class BasketNotional(TypedDict):
    """The amounts that a basket buys and sells, in the reporting currency. Null if a price or a rate is unknown."""

    currency: str
    bought: DecimalStr | None
    sold: DecimalStr | None
    net: Annotated[DecimalStr | None, about("bought less sold")]
    gross: Annotated[DecimalStr | None, about("bought and sold together")]


class BasketLimit(TypedDict):
    """A limit that some rows of a basket exceed, each alone or all together."""

    kind: str
    level: Annotated[
        str, about("hard refuses; approval: the rows wait for another person; soft wants a reason")
    ]
    rows: Annotated[list[int], about("numbers of the rows, from 1; a reason belongs to the first")]
    message: str


class BasketPreviewRow(OrderPreview):
    """A row of a basket, as its order would be if it were sent now."""

    row: Annotated[int, about("from 1")]
    expected_cost_bp: Annotated[
        DecimalStr | None,
        about("against arrival, with fees; + is cost; null: not known, or still being simulated"),
    ]


class BasketPreview(TypedDict):
    """The basket as it would be if it were sent now. If any row has a problem, none of its orders would be sent."""

    rows: list[BasketPreviewRow]
    notional: BasketNotional
    limits: list[BasketLimit]
    problems: Annotated[list[ProblemRow], about("every problem; the field of a row's begins with its order")]


#: ``waiting``: every live order waits for an approval; ``paused``: every live order is paused.
BasketState = Literal["live", "paused", "waiting", "done"]


class BasketRow(TypedDict):
    """A basket in a list."""

    id: str
    name: str
    trader: str
    created_at: EpochMs
    size: Annotated[int, about("orders that it was sent with")]
    state: Annotated[
        BasketState,
        about("paused, waiting: every live order is paused, or waits for approval; done: none is live"),
    ]
    needs_person: bool
    counts: Annotated[dict[str, int], about("orders by status")]
    filled_share: Annotated[DecimalStr | None, about("filled notional of the whole, 0 to 1; null: not known")]
    notional: BasketNotional
    filled: Annotated[BasketNotional, about("the part that is filled")]
    cost_bp: Annotated[
        DecimalStr | None,
        about(
            "of what is filled, against arrival, weighted by notional; + is cost; null: nothing, or not known"
        ),
    ]


class BasketDetail(BasketRow):
    """A basket with its orders, in the sequence of the basket's rows."""

    orders: list[OrderRow]


class Baskets(TypedDict):
    """The newest baskets."""

    baskets: list[BasketRow]
