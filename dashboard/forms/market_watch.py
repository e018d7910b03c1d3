"""A page's request for the market data that it shows beside its ticket or order."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from execution.core.numbers import decimal_number
from execution.core.types import Side

Positive = Annotated[Decimal, BeforeValidator(decimal_number), Field(gt=0)]
Name = Annotated[str, Field(max_length=40)]
MAX_ACCOUNTS = 100


class MarketWatch(BaseModel):
    """A page's request for market data. It names an order, or a ticket's symbol and accounts with values from
    its form.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["watch"]
    order: Name = ""
    symbol: Name = ""
    accounts: Annotated[tuple[Name, ...], Field(max_length=MAX_ACCOUNTS)] = ()
    side: Side | None = None
    slice: Positive | None = None
    quantity: Positive | None = None
    limit: Positive | None = None
    collar_bp: Positive | None = None
    #: The ticks of a step of the ladder; None if the desk is to choose.
    group: Literal[1, 10, 100, 1000] | None = None
    minutes: Literal[1, 5] = 1
