"""One parameter model for each algorithm.

The ticket's form, its validation, the preview and the API's schema come from these models. A model also says which
parameters may change while an order runs. Quantities are in base units, prices in quote units. Shares are fractions
(0.1 is 10 %).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from execution.core.durations import parse_duration, parse_instant
from execution.core.numbers import decimal_number, plain, whole_number
from execution.core.orders.policies import AtEnd as AtEnd
from execution.core.orders.policies import InsufficientLiquidity as InsufficientLiquidity
from execution.core.orders.policies import OutsideLimit as OutsideLimit
from execution.core.orders.policies import RiskLevel as RiskLevel
from execution.core.orders.policies import RouteMode as RouteMode
from execution.core.orders.window import MAX_DURATION as MAX_DURATION
from execution.core.orders.window import order_window
from execution.core.problem_codes import Code

MIN_SLICE = timedelta(seconds=2)
MAX_SLICES = 10_000
MAX_LOOKBACK = 14  # days
#: Words for the kinds of a parameter's bounds.
BOUND_WORDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


@dataclass(frozen=True, slots=True)
class FormInput:
    """The kind of form input for a parameter."""

    widget: str
    unit: str = ""


Number = Annotated[Decimal, BeforeValidator(decimal_number)]
WholeNumber = Annotated[int, BeforeValidator(whole_number), FormInput("integer")]
Duration = Annotated[timedelta, BeforeValidator(parse_duration), FormInput("duration")]
Instant = Annotated[datetime, BeforeValidator(parse_instant), FormInput("datetime")]

PositiveDecimal = Annotated[Number, Field(gt=0), FormInput("decimal")]
Bp = Annotated[Number, Field(gt=0, le=500), FormInput("bp", "bp")]
WideBp = Annotated[Number, Field(gt=0, le=1000), FormInput("bp", "bp")]
Share = Annotated[Number, Field(gt=0, le=1), FormInput("percent", "%")]
Jitter = Annotated[Number, Field(ge=0, le=Decimal("0.5")), FormInput("percent", "%")]
Volatility = Annotated[Number, Field(gt=0, le=5), FormInput("percent", "% a day")]
Urgency = Annotated[Number, Field(ge=0, le=1), FormInput("share")]
Risk = Annotated[RiskLevel, FormInput("switch")]
RiskAversion = Annotated[Number, Field(ge=0, le=1), FormInput("decimal")]
SliceMultiple = Annotated[Number, Field(ge=1, le=100), FormInput("decimal", "× slice")]
SliceCount = Annotated[WholeNumber, Field(ge=1, le=MAX_SLICES)]
SliceLength = Annotated[Duration, Field(ge=MIN_SLICE, le=timedelta(hours=4))]
Pause = Annotated[Duration, Field(ge=timedelta(0), le=timedelta(hours=1))]
OrderDuration = Annotated[Duration, Field(gt=timedelta(0), le=MAX_DURATION)]
# The bounds stand first here: behind the validator JSON Schema would not show them.
Lookback = Annotated[
    int, Field(ge=1, le=MAX_LOOKBACK), BeforeValidator(whole_number), FormInput("integer", "days")
]
Seed = Annotated[WholeNumber, Field(ge=0, le=2**53)]


def _field(title: str, default: Any, *, advanced: bool = False, amendable: bool = False) -> Any:
    """Declare a parameter, described by the string below it. An ``amendable`` one may change while the order runs."""
    return Field(
        default=default, title=title, json_schema_extra={"advanced": advanced, "amendable": amendable}
    )


def bounds_of(info: FieldInfo) -> list[tuple[str, Any]]:
    """Return a parameter's bounds as pairs such as ``("ge", 0)``. The kinds are ``gt``, ``ge``, ``lt`` and ``le``."""
    return [
        (key, getattr(each, key)) for each in _metadata_of(info) for key in BOUND_WORDS if hasattr(each, key)
    ]


def form_input(info: FieldInfo) -> FormInput:
    """Return the form input that a parameter declares.

    A parameter that declares none, such as an enumeration, gets a choice.
    """
    return next((each for each in _metadata_of(info) if isinstance(each, FormInput)), FormInput("choice"))


def _metadata_of(info: FieldInfo) -> list[Any]:
    said = [*info.metadata]
    for kind in get_args(info.annotation):
        for each in getattr(kind, "__metadata__", ()):
            said += each.metadata if isinstance(each, FieldInfo) else [each]
    return said


def _field_error(field: str, message: str, *, code: Code, **bounds: Decimal) -> PydanticCustomError:
    """Return the error of a rule for several fields together. ``terms`` reports it at the field ``field``."""
    return PydanticCustomError("fields", message, {"field": field, "code": code, **bounds})


Parameters = TypeVar("Parameters", bound="AlgorithmParameters")


def narrowed(parameters: AlgorithmParameters, model: type[Parameters]) -> Parameters:
    """Return ``parameters`` unchanged, typed as ``model`` for the type checker.

    Raise ``TypeError`` if they belong to another algorithm, which would be a bug of the caller.
    """
    if not isinstance(parameters, model):
        raise TypeError(f"{type(parameters).__name__} are no {model.__name__}")
    return parameters


def amendable_names(model: type[AlgorithmParameters]) -> frozenset[str]:
    """Return the names of the parameters that may change while an order runs.

    The end may change too, but is not among them, because it is one of the order's terms.
    """
    fields: dict[str, Any] = model.model_fields
    return frozenset(
        name for name, info in fields.items() if (info.json_schema_extra or {}).get("amendable") is True
    )


class AlgorithmParameters(BaseModel):
    """The parameters that all algorithms have: the start, the end or duration, and the collar."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    #: The order's duration if neither a duration nor an end is given. None means that one of them is required.
    default_duration: ClassVar[timedelta | None] = None

    duration: OrderDuration | None = _field("Duration", None)
    """How long the order works. You can set an end instead."""
    end_at: Instant | None = _field("End (UTC)", None)
    """A fixed end instead of a duration."""
    start_at: Instant | None = _field("Start (UTC)", None)
    """Empty: now."""
    collar_bp: Bp = _field("Collar", Decimal(50), advanced=True, amendable=True)
    """The furthest price from the mid that a crossing order may have."""

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        neither = self.duration is None and self.end_at is None
        if neither and self.default_duration is not None:
            return self
        if (self.duration is None) == (self.end_at is None):
            message = "Give either a duration or an end, and not both."
            raise _field_error("duration", message, code=Code.DURATION_OR_END_REQUIRED)
        return self

    @classmethod
    def completed(cls, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return stored parameters with the names that this version of the model uses.

        Their meaning stays the same.
        """
        return dict(stored)

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the start and the end of the order if it is accepted at ``now``. Raises ``Refused``."""
        return order_window(
            now, self.start_at, self.end_at, self.duration or self.default_duration or timedelta(0)
        )


class SlicedParameters(AlgorithmParameters):
    """The parameters of every algorithm that works its quantity in slices through time."""

    urgency: Urgency = _field("Urgency", Decimal("0.5"), amendable=True)
    """0 only rests, 1 crosses at once. It sets the resting price, the patience and the repricing."""
    participation_cap: Share | None = _field("Participation cap", None, advanced=True, amendable=True)
    """The largest share of the market's volume that the order may be. Empty means no cap."""
    i_would_price: PositiveDecimal | None = _field("I-would price", None, advanced=True, amendable=True)
    """At this price or better the whole rest may fill at once."""
    catch_up_cap: SliceMultiple = _field("Catch-up cap", Decimal(3), advanced=True, amendable=True)
    """The most that one slice may fill, in multiples of its own quantity."""
    randomise_size: Jitter = _field("Randomise size", Decimal(0), advanced=True)
    """How far a slice's quantity may be from its planned one."""
    randomise_time: Jitter = _field("Randomise time", Decimal(0), advanced=True)
    """How far a slice's start may be from its planned one, as a share of a slice."""
    seed: Seed | None = _field("Seed", None, advanced=True)
    """Seed of all random choices in the order. If empty, the desk picks one when you send the order."""
    at_end: AtEnd = _field("At the end", AtEnd.CROSS, advanced=True, amendable=True)
    """For quantity left at the end: cross it, stop, or extend the order."""
    outside_limit: OutsideLimit = _field(
        "Outside the limit", OutsideLimit.WAIT, advanced=True, amendable=True
    )
    """While the market is beyond the limit price: wait and then catch up, or shift the schedule."""


def i_would_price(parameters: AlgorithmParameters) -> Decimal | None:
    """Return the price at which the order may trade its whole remaining quantity at once; None without such a
    price.
    """
    return parameters.i_would_price if isinstance(parameters, SlicedParameters) else None


class TwapParameters(SlicedParameters):
    """Time-weighted average price: even slices."""

    slices: SliceCount | None = _field("Slices", None)
    """If empty: one a minute and at least ten. Fewer if the exchange's minimum requires larger ones."""


class VwapParameters(SlicedParameters):
    """Volume-weighted average price: slices follow the expected volume, and then the traded volume."""

    lookback_days: Lookback = _field("Lookback", 7)
    """Days of market history from which the volume by time of day is learnt."""
    slice_length: SliceLength | None = _field("Slice length", None)
    """If empty: five minutes, or a twelfth of a shorter order."""


class IcebergParameters(AlgorithmParameters):
    """Iceberg: shows one part at a time, at the limit or on its own side of the book."""

    visible_quantity: PositiveDecimal = _field("Visible quantity", ...)
    """The most of the order that the books may show at any moment, over all accounts."""
    randomise_visible: Jitter = _field("Randomise visible", Decimal(0), advanced=True)
    """How far below the visible quantity a part may be."""
    seed: Seed | None = _field("Seed", None, advanced=True)
    """Seed of the random sizes. If empty, the desk picks one when you send the order."""
    refill_pause: Pause = _field("Pause between refills", timedelta(seconds=1), advanced=True, amendable=True)
    """Time from the end of one part to the next part."""
    move_after: SliceLength | None = _field("Move after", None, advanced=True, amendable=True)
    """A part that is not filled after this time follows the book. If empty: ten seconds."""
    follow_within_bp: Bp = _field("Follows within", Decimal(25), amendable=True)
    """Without a limit price: how far from the arrival price the parts may follow the book."""
    at_end: AtEnd = _field("At the end", AtEnd.STOP, advanced=True, amendable=True)
    """For quantity left at the end: cross it, stop, or extend the order."""


class SorParameters(AlgorithmParameters):
    """Smart order router: takes now, over all accounts, at the best total price after fees."""

    default_duration: ClassVar[timedelta | None] = timedelta(minutes=1)

    mode: RouteMode = _field("Route", RouteMode.SPLIT)
    """Split over the accounts, or use the single best one."""
    shortfall: InsufficientLiquidity = _field("Too little liquidity", InsufficientLiquidity.PART)
    """If the books hold too little within limit and collar: fill that part, or refuse the order."""


class PovParameters(SlicedParameters):
    """Percentage of volume: a share of the market's volume, which includes the order's own fills."""

    participation_rate: Share = _field("Participation rate", ..., amendable=True)
    """The order's share of the market's volume, its own fills included."""
    minimum_rate: Share | None = _field("Minimum rate", None, advanced=True, amendable=True)
    """Below this share it crosses to catch up. If empty: half of the rate."""
    maximum_rate: Share | None = _field("Maximum rate", None, advanced=True, amendable=True)
    """Above this share it waits until the market has traded more. If empty: 1.5 times the rate."""
    slice_length: SliceLength | None = _field("Slice length", None)
    """If empty: five minutes, or a twelfth of a shorter order."""

    @model_validator(mode="after")
    def _rates_in_order(self) -> Self:
        low, high, rate = self.minimum_rate, self.maximum_rate, self.participation_rate
        if low is not None and low > rate:
            message = f"Minimum rate is {plain(low)}. It must be at most {plain(rate)}."
            raise _field_error("minimum_rate", message, value=low, limit=rate, code=Code.RATES_OUT_OF_ORDER)
        if high is not None and high < rate:
            message = f"Maximum rate is {plain(high)}. It must be at least {plain(rate)}."
            raise _field_error("maximum_rate", message, value=high, limit=rate, code=Code.RATES_OUT_OF_ORDER)
        return self


class IsParameters(SlicedParameters):
    """Implementation shortfall (Almgren and Chriss, 2000): the trajectory of least cost and risk."""

    slices: SliceCount | None = _field("Slices", None)
    """If empty: one a minute and at least ten. Fewer if the exchange's minimum requires larger ones."""
    risk: Risk = _field("Risk aversion", RiskLevel.MEDIUM)
    """High trades earlier: it costs more and risks less. ``numbers`` takes λ instead."""
    risk_aversion: RiskAversion | None = _field("Risk aversion λ", None)
    """Weight of the cost's variance, per quote unit, with the risk aversion ``numbers``. 0 trades evenly."""
    volatility: Volatility | None = _field("Volatility", None, advanced=True)
    """Daily, as a share of the price. If empty, it is learnt from the market's candles."""
    impact_bp: WideBp | None = _field("Impact", None, advanced=True)
    """Temporary impact of trading as much as the market does. If empty, from spread and volume."""

    @classmethod
    def completed(cls, stored: Mapping[str, Any]) -> dict[str, Any]:
        # λ alone says how averse the order is. It was the only way before the levels.
        if stored.get("risk_aversion") is None or stored.get("risk") is not None:
            return dict(stored)
        return {**stored, "risk": RiskLevel.NUMBERS.value}

    @model_validator(mode="before")
    @classmethod
    def _lambda_alone(cls, raw: Any) -> Any:
        return cls.completed(raw) if isinstance(raw, Mapping) else raw

    @model_validator(mode="after")
    def _level_or_lambda(self) -> Self:
        by_numbers, number = self.risk is RiskLevel.NUMBERS, self.risk_aversion
        if by_numbers and number is None:
            message = "λ is missing. Give it, or choose a risk aversion of low, medium or high."
            raise _field_error("risk_aversion", message, code=Code.VALUE_MISSING)
        if not by_numbers and number is not None:
            message = f"λ is {plain(number)}, but the risk aversion is {self.risk}. Give only one of the two."
            raise _field_error("risk_aversion", message, value=number, code=Code.VALUE_NOT_ALLOWED)
        return self
