"""Bodies and answers of the halts' operations."""

from __future__ import annotations

from ninja import Schema
from pydantic import ConfigDict, Field

from dashboard.api.schemas import Known, Moment, Number, one_of
from execution.core.types import Side


class HaltAsked(Schema):
    model_config = ConfigDict(extra="forbid")

    kind: str = Field(
        description="stop cancels everything; no_new_orders lets what runs go on",
        json_schema_extra=one_of(["stop", "no_new_orders"]),
    )
    scope: str = Field(json_schema_extra=one_of(["desk", "account", "trader", "symbol"]))
    subject: str = Field(
        default="", description="an account's label or id, a trader's name, a symbol; empty for the desk"
    )


class HaltBody(HaltAsked):
    phrase: str = Field(description="as the preview gives it")
    reason: str = Field(description="stands in the audit and in every order that it pauses")


class LiftBody(Schema):
    model_config = ConfigDict(extra="forbid")

    reason: str


class HaltsAsked(Schema):
    """Which halts to list."""

    lifted: bool = Field(default=False, description="former ones instead of those in force")


class HaltCount(Schema):
    account: str
    orders: int
    children: int
    notional: dict[str, str | None] = Field(description="open quantity times price, by currency")


class HaltPreview(Schema):
    kind: str
    scope: str
    subject: str
    phrase: str
    orders: int
    children: int
    accounts: list[HaltCount]


class HaltChild(Schema):
    """A child that is still to be got off the book."""

    order: str
    account: str
    symbol: str
    side: Side
    quantity: Number
    filled: Number
    status: str
    reason: str = Field(description="what stands in the way; empty while the cancel is under way")


class Halt(Schema):
    id: str
    kind: str
    scope: str
    subject: str
    reason: str
    set_by: str
    set_at: Moment
    swept_at: Moment | None = Field(description="parents paused, cancels asked for")
    flat_at: Moment | None = Field(description="the exchanges confirmed that nothing is open")
    time_to_flat: int | None = Field(description="milliseconds from set_at to flat_at")
    lifted_by: Known
    lifted_at: Moment | None
    lift_reason: Known
    orders: int
    children: int
    settled: int
    open: list[HaltChild]


class Halts(Schema):
    halts: list[Halt]
