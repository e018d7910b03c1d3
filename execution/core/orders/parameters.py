"""One parameter model per algorithm: the single source of the ticket's form, its validation, the preview, the
API's schema, and of what may change while an order runs.

Quantities are in base units, prices in quote units, shares are fractions (0.1 is 10 %).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from execution.core.durations import parse_duration, parse_instant
from execution.core.numbers import decimal_number, plain, whole_number
from execution.core.orders.policies import AtEnd as AtEnd
from execution.core.orders.policies import InsufficientLiquidity as InsufficientLiquidity
from execution.core.orders.policies import OutsideLimit as OutsideLimit
from execution.core.orders.policies import RouteMode as RouteMode
from execution.core.orders.window import MAX_DURATION as MAX_DURATION
from execution.core.orders.window import order_window

MIN_SLICE = timedelta(seconds=2)
MAX_SLICES = 10_000
MAX_LOOKBACK = 14  # days

Number = Annotated[Decimal, BeforeValidator(decimal_number)]
WholeNumber = Annotated[int, BeforeValidator(whole_number)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Instant = Annotated[datetime, BeforeValidator(parse_instant)]


def _shown(widget: str, *, advanced: bool = False, unit: str = "", amendable: bool = False) -> dict[str, Any]:
    """How a form shows the field, and whether it may change while the order runs."""
    return {"widget": widget, "advanced": advanced, "unit": unit, "amendable": amendable}


Parameters = TypeVar("Parameters", bound="AlgorithmParameters")


def narrowed(parameters: AlgorithmParameters, model: type[Parameters]) -> Parameters:
    """The parameters as those of ``model``; another algorithm's are a fault of ours."""
    if not isinstance(parameters, model):
        raise TypeError(f"{type(parameters).__name__} are no {model.__name__}")
    return parameters


def amendable_names(model: type[AlgorithmParameters]) -> frozenset[str]:
    """The parameters that may change while an order runs; its end does by the terms."""
    fields: dict[str, Any] = model.model_fields
    return frozenset(
        name for name, info in fields.items() if (info.json_schema_extra or {}).get("amendable") is True
    )


class AlgorithmParameters(BaseModel):
    """What every algorithm takes: when to start and end, how urgent it is, and what it may pay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: How long it works when neither a duration nor an end is named; None: one of them must be.
    default_duration: ClassVar[timedelta | None] = None

    duration: Duration | None = Field(
        default=None,
        title="Duration",
        description="How long the order works; or name its end.",
        gt=timedelta(0),
        le=MAX_DURATION,
        json_schema_extra=_shown("duration"),
    )
    end_at: Instant | None = Field(
        default=None,
        title="End (UTC)",
        description="A fixed end instead of a duration.",
        json_schema_extra=_shown("datetime"),
    )
    start_at: Instant | None = Field(
        default=None,
        title="Start (UTC)",
        description="Empty: now.",
        json_schema_extra=_shown("datetime"),
    )
    collar_bp: Number = Field(
        default=Decimal(50),
        title="Collar",
        description="How far from the mid a crossing order may be priced.",
        gt=0,
        le=500,
        json_schema_extra=_shown("bp", advanced=True, unit="bp", amendable=True),
    )

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        neither = self.duration is None and self.end_at is None
        if neither and self.default_duration is not None:
            return self
        if (self.duration is None) == (self.end_at is None):
            raise ValueError("give either a duration or an end, not both and not neither")
        return self

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """Start and end of the order when it is accepted at ``now``; raises ``Refused``."""
        return order_window(
            now, self.start_at, self.end_at, self.duration or self.default_duration or timedelta(0)
        )


class SlicedParameters(AlgorithmParameters):
    """What every algorithm takes that works its quantity in slices through time."""

    urgency: Number = Field(
        default=Decimal("0.5"),
        title="Urgency",
        description="0 only rests, 1 crosses at once: sets the resting price, the patience and the repricing.",
        ge=0,
        le=1,
        json_schema_extra=_shown("share", amendable=True),
    )
    participation_cap: Number | None = Field(
        default=None,
        title="Participation cap",
        description="The most that the order may be of what the market trades; empty: no cap.",
        gt=0,
        le=1,
        json_schema_extra=_shown("percent", advanced=True, unit="%", amendable=True),
    )
    i_would_price: Number | None = Field(
        default=None,
        title="I-would price",
        description="At this price or better everything that is left may be done at once.",
        gt=0,
        json_schema_extra=_shown("decimal", advanced=True, amendable=True),
    )
    catch_up_cap: Number = Field(
        default=Decimal(3),
        title="Catch-up cap",
        description="The most that one slice may do, in multiples of its own quantity.",
        ge=1,
        le=100,
        json_schema_extra=_shown("decimal", advanced=True, unit="× slice", amendable=True),
    )
    randomise_size: Number = Field(
        default=Decimal(0),
        title="Randomise size",
        description="How far a slice's quantity may be from its planned one.",
        ge=0,
        le=Decimal("0.5"),
        json_schema_extra=_shown("percent", advanced=True, unit="%"),
    )
    randomise_time: Number = Field(
        default=Decimal(0),
        title="Randomise time",
        description="How far a slice's start may be from its planned one, as a share of a slice.",
        ge=0,
        le=Decimal("0.5"),
        json_schema_extra=_shown("percent", advanced=True, unit="%"),
    )
    seed: WholeNumber | None = Field(
        default=None,
        title="Seed",
        description="Of all that is random in the order; empty: drawn when it is sent.",
        ge=0,
        le=2**53,
        json_schema_extra=_shown("integer", advanced=True),
    )
    at_end: AtEnd = Field(
        default=AtEnd.CROSS,
        title="At the end",
        description="What becomes of a quantity that is left: cross it, stop, or extend the order.",
        json_schema_extra=_shown("choice", advanced=True, amendable=True),
    )
    outside_limit: OutsideLimit = Field(
        default=OutsideLimit.WAIT,
        title="Outside the limit",
        description="While the market is beyond the limit price: wait and catch up, or shift the schedule.",
        json_schema_extra=_shown("choice", advanced=True, amendable=True),
    )


def i_would_price(parameters: AlgorithmParameters) -> Decimal | None:
    """The price at which everything that is left may be done at once; None where there is none."""
    return parameters.i_would_price if isinstance(parameters, SlicedParameters) else None


def _slices_field() -> Any:
    return Field(
        default=None,
        title="Slices",
        description="Empty: one a minute, ten if it is short; fewer where the exchange's minimum wants larger ones.",
        ge=1,
        le=MAX_SLICES,
        json_schema_extra=_shown("integer"),
    )


def _slice_length_field() -> Any:
    return Field(
        default=None,
        title="Slice length",
        description="Empty: five minutes, or a twelfth of a shorter order.",
        ge=MIN_SLICE,
        le=timedelta(hours=4),
        json_schema_extra=_shown("duration"),
    )


class TwapParameters(SlicedParameters):
    """Time-weighted average price: even slices."""

    slices: WholeNumber | None = _slices_field()


class VwapParameters(SlicedParameters):
    """Volume-weighted average price: slices follow the volume that is expected, and what is then traded."""

    lookback_days: WholeNumber = Field(
        default=7,
        title="Lookback",
        description="Days of the market's history from which the volume by time of day is learnt.",
        ge=1,
        le=MAX_LOOKBACK,
        json_schema_extra=_shown("integer", unit="days"),
    )
    slice_length: Duration | None = _slice_length_field()


class IcebergParameters(AlgorithmParameters):
    """Shows a part at a time, at the limit or at the own side of the book."""

    visible_quantity: Number = Field(
        title="Visible quantity",
        description="The most of the order that may be seen in the books at any moment, over all accounts.",
        gt=0,
        json_schema_extra=_shown("decimal"),
    )
    randomise_visible: Number = Field(
        default=Decimal(0),
        title="Randomise visible",
        description="How far below the visible quantity a part may be.",
        ge=0,
        le=Decimal("0.5"),
        json_schema_extra=_shown("percent", advanced=True, unit="%"),
    )
    seed: WholeNumber | None = Field(
        default=None,
        title="Seed",
        description="Of the random sizes; empty: drawn when the order is sent.",
        ge=0,
        le=2**53,
        json_schema_extra=_shown("integer", advanced=True),
    )
    refill_pause: Duration = Field(
        default=timedelta(seconds=1),
        title="Pause between refills",
        description="From a part's end to the next part.",
        ge=timedelta(0),
        le=timedelta(hours=1),
        json_schema_extra=_shown("duration", advanced=True, amendable=True),
    )
    move_after: Duration | None = Field(
        default=None,
        title="Move after",
        description="A part that is not filled after this time follows the book; empty: ten seconds.",
        ge=MIN_SLICE,
        le=timedelta(hours=4),
        json_schema_extra=_shown("duration", advanced=True, amendable=True),
    )
    follow_within_bp: Number = Field(
        default=Decimal(25),
        title="Follows within",
        description="Without a limit price: how far from the arrival price the parts may follow the book.",
        gt=0,
        le=500,
        json_schema_extra=_shown("bp", unit="bp", amendable=True),
    )
    at_end: AtEnd = Field(
        default=AtEnd.STOP,
        title="At the end",
        description="What becomes of a quantity that is left: cross it, stop, or extend the order.",
        json_schema_extra=_shown("choice", advanced=True, amendable=True),
    )


class SorParameters(AlgorithmParameters):
    """Smart order router: takes now, over all accounts, at the best total after fees."""

    default_duration: ClassVar[timedelta | None] = timedelta(minutes=1)

    mode: RouteMode = Field(
        default=RouteMode.SPLIT,
        title="Route",
        description="Split over the accounts, or the single best one.",
        json_schema_extra=_shown("choice"),
    )
    shortfall: InsufficientLiquidity = Field(
        default=InsufficientLiquidity.PART,
        title="Too little liquidity",
        description="Do the part that the books carry within limit and collar, or refuse.",
        json_schema_extra=_shown("choice"),
    )


def _field_error(field: str, message: str, value: Decimal, limit: Decimal) -> PydanticCustomError:
    """An error of one field that only the others make wrong; ``terms`` says it at that field."""
    context = {"field": field, "value": plain(value), "limit": plain(limit)}
    return PydanticCustomError("fields", message, context)


class PovParameters(SlicedParameters):
    """Percentage of volume: a share of what the market trades; own volume is not the market's."""

    participation_rate: Number = Field(
        title="Participation rate",
        description="The order's share of all that is traded, its own included.",
        gt=0,
        le=1,
        json_schema_extra=_shown("percent", unit="%", amendable=True),
    )
    minimum_rate: Number | None = Field(
        default=None,
        title="Minimum rate",
        description="Below this share it crosses to catch up; empty: half of the rate.",
        gt=0,
        le=1,
        json_schema_extra=_shown("percent", advanced=True, unit="%", amendable=True),
    )
    maximum_rate: Number | None = Field(
        default=None,
        title="Maximum rate",
        description="Above this share it stops until the market has traded more; empty: one and a half of the rate.",
        gt=0,
        le=1,
        json_schema_extra=_shown("percent", advanced=True, unit="%", amendable=True),
    )
    slice_length: Duration | None = _slice_length_field()

    @model_validator(mode="after")
    def _rates_in_order(self) -> Self:
        low, high, rate = self.minimum_rate, self.maximum_rate, self.participation_rate
        if low is not None and low > rate:
            raise _field_error(
                "minimum_rate", f"Minimum rate is {plain(low)}; it must be at most {plain(rate)}", low, rate
            )
        if high is not None and high < rate:
            raise _field_error(
                "maximum_rate",
                f"Maximum rate is {plain(high)}; it must be at least {plain(rate)}",
                high,
                rate,
            )
        return self


class IsParameters(SlicedParameters):
    """Implementation shortfall (Almgren and Chriss, 2000): the trajectory of least cost and risk."""

    slices: WholeNumber | None = _slices_field()
    risk_aversion: Number = Field(
        default=Decimal("0.000001"),
        title="Risk aversion",
        description="Weight of the variance of the cost, per quote unit; larger does more of it early.",
        ge=0,
        le=1,
        json_schema_extra=_shown("decimal"),
    )
    volatility: Number | None = Field(
        default=None,
        title="Volatility",
        description="Of a day, as a share of the price; empty: from the market's candles.",
        gt=0,
        le=5,
        json_schema_extra=_shown("percent", advanced=True, unit="% a day"),
    )
    impact_bp: Number | None = Field(
        default=None,
        title="Impact",
        description="Temporary impact of trading as much as the market does; empty: by spread and volume.",
        gt=0,
        le=1000,
        json_schema_extra=_shown("bp", advanced=True, unit="bp"),
    )
