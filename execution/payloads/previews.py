"""The payloads of previews of orders and of amendments."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from typing_extensions import TypedDict

from execution.payloads.catalogue import Quote
from execution.payloads.fields import DecimalStr, about
from execution.payloads.problems import ProblemRow


class Check(TypedDict):
    state: Literal["ok", "warn", "fail", "unknown"]
    text: str
    orders: Annotated[list[str], about("ids of the orders that it is about: those that reserve a balance")]


class PlannedSlice(TypedDict):
    number: int
    starts_at: datetime
    ends_at: datetime
    quantity: DecimalStr


class RouteAccount(TypedDict):
    """The router's result for one account; prices and cash are after fees."""

    account: str
    label: str
    full_price: Annotated[
        DecimalStr | None,
        about("price of the full quantity at this account alone; null: it cannot fill all of it"),
    ]
    full_cash: DecimalStr | None
    takes: Annotated[DecimalStr, about("the most that it can fill")]
    quantity: Annotated[DecimalStr, about("what it gets")]
    price: Annotated[DecimalStr | None, about("limit price of the child order at this account")]
    average_price: Annotated[
        DecimalStr | None, about("average price of its part, after fees; null: its fee is not known")
    ]
    net_cash: Annotated[DecimalStr | None, about("amount that its part costs (buy) or returns (sell)")]
    trouble: Annotated[str, about("why it gets no part; empty if it can")]
    is_best_alone: Annotated[bool, about("the best single account; the saving is measured against it")]


class Route(TypedDict):
    """The route of the quantity at this moment, within limit and collar, and the reason for it."""

    filled: DecimalStr
    unfilled: DecimalStr
    net_cash: DecimalStr | None
    average_price: Annotated[DecimalStr | None, about("average price of the filled quantity, after fees")]
    saved_bp: Annotated[DecimalStr | None, about("against the best single account; + is a saving")]
    why: str
    accounts: list[RouteAccount]


class OrderPreview(TypedDict):
    """The order as it would be if it were sent now. If there are problems, it would be refused."""

    quantity: Annotated[DecimalStr | None, about("in base currency, a multiple of the lot")]
    notional: DecimalStr | None
    minimum: Annotated[DecimalStr | None, about("minimum quantity of a child order")]
    max_slices: int | None
    worst_cost_bp: Annotated[
        DecimalStr | None, about("cost if everything fills at the limit, against the current mid")
    ]
    start_at: datetime | None
    end_at: datetime | None
    quote: Quote | None
    slices: list[PlannedSlice]
    route: Annotated[
        Route | None,
        about("null: the order does not fill at once, or its order books have not arrived (see checks)"),
    ]
    checks: list[Check]
    approvals: Annotated[
        list[str], about("limits above which the order waits until another person approves it")
    ]
    problems: list[ProblemRow]


class TermsChange(TypedDict):
    name: str
    label: str
    before: str | None
    after: str | None


class AmendPreview(TypedDict):
    """The order as it would be with the changes. If there are problems, the changes would be refused."""

    terms_version: Annotated[int, about("send it with the changes")]
    changes: list[TermsChange]
    quantity: DecimalStr
    done: Annotated[DecimalStr, about("already filled, in base currency")]
    remaining: Annotated[DecimalStr, about("quantity of the new plan")]
    least: Annotated[DecimalStr, about("lower bound of the quantity: filled, and what may still fill")]
    notional: DecimalStr | None
    limit_price: DecimalStr | None
    end_at: datetime
    slices: list[PlannedSlice]
    notes: list[str]
    approvals: Annotated[
        list[str], about("limits above which the changes wait until another person approves them")
    ]
    problems: list[ProblemRow]
