"""What amending over the API takes and gives; schemas.py says how numbers and times are written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field, StrictInt

from dashboard.api.schemas import MAX_REASON, ConfirmsPrices, Number, PlannedSlice, Problem


class ChangesBody(ConfirmsPrices):
    """What is to change: what is left out stays as it is, a null takes away."""

    model_config = ConfigDict(extra="forbid")

    quantity: str | None = Field(
        default=None, description="in base currency; not below what is filled and what may be live"
    )
    limit_price: str | None = Field(default=None, description="null: no limit any more")
    parameters: dict[str, Any] = Field(
        default={},
        description="duration or end_at, and those of the algorithm that may change while it runs",
    )


class AmendBody(ChangesBody):
    terms_version: StrictInt = Field(
        ge=1, le=2**31 - 1, description="of the order, as it was when the changes were made"
    )
    reason: str = Field(default="", max_length=MAX_REASON, description="stands in the order's journal")


class TermsChange(Schema):
    name: str
    label: str
    before: str | None
    after: str | None


class AmendPreview(Schema):
    """What the order would be with the changes. With problems they would be refused."""

    terms_version: int = Field(description="to be sent with the changes")
    changes: list[TermsChange]
    quantity: Number
    done: Number = Field(description="executed already, in base currency")
    remaining: Number = Field(description="what the new plan is for")
    least: Number = Field(
        description="what the quantity may not fall under: done, and what may still be live"
    )
    notional: Number | None
    limit_price: Number | None
    end_at: datetime
    slices: list[PlannedSlice]
    notes: list[str]
    problems: list[Problem]
