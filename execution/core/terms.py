"""What a trader asks for: the request, and one parameter model per algorithm.

A parameter model is the single source of the ticket's form, its validation, the preview and the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from execution.core.durations import as_clock, parse_duration, parse_instant
from execution.core.problems import Problem, Refused
from execution.core.types import ZERO, Side, Unit

MAX_DURATION = timedelta(days=7)
MIN_SLICE = timedelta(seconds=2)
MAX_SLICES = 10_000
MAX_REFERENCE = 64
#: What a person may type: beyond it arithmetic with 28 digits would round.
MAX_NUMBER = Decimal("1e15")
FINEST_NUMBER = Decimal("1e-12")
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")

Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Instant = Annotated[datetime, BeforeValidator(parse_instant)]


def _shown(widget: str, *, advanced: bool = False, unit: str = "") -> dict[str, Any]:
    return {"widget": widget, "advanced": advanced, "unit": unit}


class AlgorithmParameters(BaseModel):
    """What every algorithm takes: when to start and end, and how far from the mid it may pay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    collar_bp: Decimal = Field(
        default=Decimal(50),
        title="Collar",
        description="How far from the mid a crossing order may be priced.",
        gt=0,
        le=500,
        allow_inf_nan=False,
        json_schema_extra=_shown("bp", advanced=True, unit="bp"),
    )

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if (self.duration is None) == (self.end_at is None):
            raise ValueError("give either a duration or an end, not both and not neither")
        return self

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """Start and end of the order when it is accepted at ``now``; raises ``Refused``."""
        problems: list[Problem] = []
        start = self.start_at or now
        if start < now:
            problems.append(
                Problem("start_at", _past("start", start, now), start.isoformat(), now.isoformat())
            )
            start = now
        if start > datetime.max.replace(tzinfo=UTC) - MAX_DURATION:
            message = f"the start {start:%Y-%m-%d %H:%M:%S} UTC is at the end of all time"
            raise Refused([Problem("start_at", message, start.isoformat())])
        end = self.end_at if self.end_at is not None else start + (self.duration or timedelta(0))
        if end <= now:
            problems.append(Problem("end_at", _past("end", end, now), end.isoformat(), now.isoformat()))
        elif end <= start:
            message = f"the end {end:%H:%M:%S} UTC is not after the start {start:%H:%M:%S} UTC"
            problems.append(Problem("end_at", message, end.isoformat(), start.isoformat()))
        elif end - start > MAX_DURATION:
            message = f"the order would work for {as_clock(end - start)}; at most {MAX_DURATION.days} days"
            problems.append(Problem("end_at", message, as_clock(end - start), as_clock(MAX_DURATION)))
        if problems:
            raise Refused(problems)
        return start, end


def _past(what: str, instant: datetime, now: datetime) -> str:
    return f"the {what} {instant:%Y-%m-%d %H:%M:%S} UTC is in the past; it is {now:%Y-%m-%d %H:%M:%S} UTC now"


class TwapParameters(AlgorithmParameters):
    """Time-weighted average price: even slices, each rests first and crosses what is left."""

    slices: int | None = Field(
        default=None,
        title="Slices",
        description="Empty: one a minute, fewer where the exchange's minimum wants larger ones.",
        ge=1,
        le=MAX_SLICES,
        json_schema_extra=_shown("integer"),
    )
    rest_share: Decimal = Field(
        default=Decimal("0.8"),
        title="Rests for",
        description="Share of each slice's time that it rests at a passive price before it crosses.",
        ge=0,
        le=Decimal("0.95"),
        allow_inf_nan=False,
        json_schema_extra=_shown("percent", advanced=True, unit="%"),
    )
    catch_up_cap: Decimal = Field(
        default=Decimal(3),
        title="Catch-up cap",
        description="The most that one slice may do, in multiples of its own quantity.",
        ge=1,
        le=100,
        allow_inf_nan=False,
        json_schema_extra=_shown("decimal", advanced=True, unit="× slice"),
    )


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An entry of the registry."""

    name: str
    label: str
    parameters: type[TwapParameters]


ALGORITHMS: dict[str, Algorithm] = {"twap": Algorithm("twap", "TWAP", TwapParameters)}


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as asked for, parsed but not yet judged against a market."""

    symbol: str
    side: Side
    quantity: Decimal
    unit: Unit
    algorithm: str
    parameters: Mapping[str, Any]
    accounts: tuple[str, ...]
    limit_price: Decimal | None = None
    client_reference: str = ""
    tags: tuple[str, ...] = field(default=())


def parse_decimal(name: str, label: str, value: Any) -> Decimal:
    """A finite decimal above zero from text with or without thousands separators; raises ``Refused``.

    A decimal comma is refused: 1,5 must not become 15.
    """
    text = "" if value is None else str(value).strip()
    if not text:
        raise Refused([Problem(name, f"{label} is missing")])
    try:
        number = Decimal(text.replace(",", "") if _GROUPED.fullmatch(text) else text)
    except InvalidOperation:
        raise Refused([Problem(name, f"{label} {text!r} is not a number", text)]) from None
    if not number.is_finite():
        raise Refused([Problem(name, f"{label} {text} is not a finite number", text)])
    if number <= ZERO:
        raise Refused([Problem(name, f"{label} is {text}; it must be above 0", text, "0")])
    if number > MAX_NUMBER or number % FINEST_NUMBER:
        limit = f"{FINEST_NUMBER:f} to {MAX_NUMBER:f}"
        message = f"{label} {text:.40} is out of range: {limit}"
        raise Refused([Problem(name, message, text, limit)])
    return number


Named = TypeVar("Named", bound=StrEnum)


def _named(enum: type[Named], name: str, label: str) -> Callable[[Any], Named]:
    def parse(value: Any) -> Named:
        text = str(value or "").strip().lower()
        try:
            return enum(text)
        except ValueError:
            allowed = ", ".join(member.value for member in enum)
            raise Refused(
                [Problem(name, f"{label} is {text!r}; it must be one of {allowed}", text, allowed)]
            ) from None

    return parse


def _parse_algorithm(value: Any) -> str:
    name = str(value or "").strip().lower()
    if name not in ALGORITHMS:
        allowed = ", ".join(ALGORITHMS)
        raise Refused(
            [Problem("algorithm", f"algorithm is {name!r}; it must be one of {allowed}", name, allowed)]
        )
    return name


def _parse_symbol(value: Any) -> str:
    symbol = str(value or "").strip().upper()
    if not symbol:
        raise Refused([Problem("symbol", "symbol is missing")])
    return symbol


def _parse_limit(value: Any) -> Decimal | None:
    return None if value in (None, "") else parse_decimal("limit_price", "limit price", value)


def _parse_accounts(value: Any) -> tuple[str, ...]:
    """Public ids or labels of accounts, in the order in which ties between them are settled."""
    given = (value,) if isinstance(value, str) else tuple(value or ())
    accounts = tuple(text for text in (str(account).strip() for account in given) if text)
    if not accounts:
        raise Refused([Problem("accounts", "choose an account")])
    twice = [account for place, account in enumerate(accounts) if account in accounts[:place]]
    if twice:
        raise Refused([Problem("accounts", f"account {twice[0]} is named more than once", twice[0])])
    return accounts


def _parse_reference(value: Any) -> str:
    text = str(value or "").strip()
    if len(text) > MAX_REFERENCE:
        message = f"client reference has {len(text)} characters; at most {MAX_REFERENCE}"
        raise Refused([Problem("client_reference", message, str(len(text)), str(MAX_REFERENCE))])
    return text


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "symbol": _parse_symbol,
    "side": _named(Side, "side", "side"),
    "quantity": lambda value: parse_decimal("quantity", "quantity", value),
    "unit": _named(Unit, "unit", "unit"),
    "algorithm": _parse_algorithm,
    "accounts": _parse_accounts,
    "limit_price": _parse_limit,
    "client_reference": _parse_reference,
}


def parse_order_request(raw: Mapping[str, Any]) -> OrderRequest:
    """The request in ``raw`` (texts by field, ``parameters`` a mapping); raises ``Refused`` with every problem."""
    parsed: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, parse in _PARSERS.items():
        try:
            parsed[name] = parse(raw.get(name))
        except Refused as refused:
            problems.extend(refused.problems)
    given = raw.get("parameters") or {}
    if not isinstance(given, Mapping):
        problems.append(Problem("parameters", "parameters must be named values", str(given)[:40]))
        given = {}
    parameters = {name: value for name, value in given.items() if value not in (None, "")}
    if "algorithm" in parsed and not any(problem.field == "parameters" for problem in problems):
        try:
            parse_parameters(parsed["algorithm"], parameters)
        except Refused as refused:
            problems.extend(refused.problems)
    if problems:
        raise Refused(problems)
    return OrderRequest(**parsed, parameters=parameters, tags=tuple(raw.get("tags") or ()))


def parse_parameters(algorithm: str, raw: Mapping[str, Any]) -> TwapParameters:
    """The algorithm's parameters from ``raw``; raises ``Refused`` that names field, value and limit."""
    model = ALGORITHMS[algorithm].parameters
    try:
        return model.model_validate(dict(raw))
    except ValidationError as error:
        raise Refused([_problem(model, details) for details in error.errors()]) from None


_LIMIT_WORDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def _problem(model: type[BaseModel], details: Any) -> Problem:
    """One of pydantic's errors in our words, with the value and the limit."""
    location: Sequence[Any] = details["loc"]
    name = str(location[0]) if location else "duration"
    info = model.model_fields.get(name)
    title = (info.title if info else None) or name
    value = "" if not location else str(details.get("input"))
    context: Mapping[str, Any] = details.get("ctx") or {}
    for key, words in _LIMIT_WORDS.items():
        if key in context:
            # pydantic's context holds a duration's limit only as Python source: the field has it itself.
            limits = [getattr(bound, key) for bound in info.metadata if hasattr(bound, key)] if info else []
            limit = _plain(limits[0] if limits else context[key])
            return Problem(name, f"{title} is {value}; it must be {words} {limit}", value, limit)
    if details["type"] == "extra_forbidden":
        allowed = ", ".join(model.model_fields)
        return Problem(name, f"there is no parameter {name!r}; there are {allowed}", name, allowed)
    message = str(details["msg"]).removeprefix("Value error, ")
    if not location:
        return Problem(name, message, value)
    return Problem(
        name, f"{title}: {message}" if value in message else f"{title} is {value}: {message}", value
    )


def _plain(limit: Any) -> str:
    return as_clock(limit) if isinstance(limit, timedelta) else str(limit)
