"""What a trader asks for: the request, parsed; and the registry of algorithms with their parameter models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from execution.core.durations import as_clock
from execution.core.numbers import NumberRefused, decimal_number, plain, shortened
from execution.core.orders.parameters import (
    AlgorithmParameters,
    IcebergParameters,
    IsParameters,
    PovParameters,
    SlicedParameters,
    SorParameters,
    TwapParameters,
    VwapParameters,
)
from execution.core.problems import Problem, Refused
from execution.core.types import Side, Unit

MAX_REFERENCE = 64
#: Characters of any other text of a request: a symbol, an account, a parameter.
MAX_TEXT = 80


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An entry of the registry."""

    name: str
    label: str
    parameters: type[AlgorithmParameters]

    @property
    def is_sliced(self) -> bool:
        """Whether it works by a schedule; the others do as much as they may from the start."""
        return issubclass(self.parameters, SlicedParameters)


ALGORITHMS: dict[str, Algorithm] = {
    "twap": Algorithm("twap", "TWAP", TwapParameters),
    "vwap": Algorithm("vwap", "VWAP", VwapParameters),
    "iceberg": Algorithm("iceberg", "Iceberg", IcebergParameters),
    "sor": Algorithm("sor", "SOR", SorParameters),
    "pov": Algorithm("pov", "POV", PovParameters),
    "is": Algorithm("is", "IS", IsParameters),
}


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


def request_hash(request: OrderRequest) -> str:
    """The same for requests that ask for the same."""
    body = asdict(request) | {
        "quantity": plain(request.quantity),
        "limit_price": None if request.limit_price is None else plain(request.limit_price),
        "parameters": {name: str(value) for name, value in request.parameters.items()},
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def parse_decimal(name: str, label: str, value: Any) -> Decimal:
    """Return a decimal above zero; raises ``Refused`` with the reason, the value and the limit."""
    if value in (None, ""):
        raise Refused([Problem(name, f"{label} is missing")])
    try:
        number = decimal_number(value)
    except NumberRefused as refused:
        raise Refused([Problem(name, f"{label} is {shortened(value)}: {refused}", str(value))]) from None
    if number <= 0:
        raise Refused([Problem(name, f"{label} is {plain(number)}; it must be above 0", plain(number), "0")])
    return number


Named = TypeVar("Named", bound=StrEnum)


def _named(enum: type[Named], name: str, label: str) -> Callable[[Any], Named]:
    def parse(value: Any) -> Named:
        text = str(value or "").strip().lower()
        try:
            return enum(text)
        except ValueError:
            allowed = ", ".join(member.value for member in enum)
            message = f"{label} is {shortened(text)!r}; it must be one of {allowed}"
            raise Refused([Problem(name, message, text, allowed)]) from None

    return parse


def _parse_algorithm(value: Any) -> str:
    name = str(value or "").strip().lower()
    if name not in ALGORITHMS:
        allowed = ", ".join(ALGORITHMS)
        message = f"algorithm is {shortened(name)!r}; it must be one of {allowed}"
        raise Refused([Problem("algorithm", message, name, allowed)])
    return name


def _parse_symbol(value: Any) -> str:
    symbol = str(value or "").strip().upper()
    if not symbol:
        raise Refused([Problem("symbol", "symbol is missing")])
    _refuse_long("symbol", "symbol", symbol)
    return symbol


def _refuse_long(name: str, label: str, text: str) -> None:
    if len(text) > MAX_TEXT:
        message = f"{label} has {len(text):,} characters; at most {MAX_TEXT}"
        raise Refused([Problem(name, message, str(len(text)), str(MAX_TEXT))])


def _parse_limit(value: Any) -> Decimal | None:
    return None if value in (None, "") else parse_decimal("limit_price", "limit price", value)


def _parse_accounts(value: Any) -> tuple[str, ...]:
    """Public ids or labels of accounts, in the order in which ties between them are settled."""
    given = (value,) if isinstance(value, str) else tuple(value or ())
    accounts = tuple(text for text in (str(account).strip() for account in given) if text)
    if not accounts:
        raise Refused([Problem("accounts", "choose an account")])
    for account in accounts:
        _refuse_long("accounts", "account", account)
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


def parse_parameters(algorithm: str, raw: Mapping[str, Any]) -> AlgorithmParameters:
    """The algorithm's parameters from ``raw``; raises ``Refused`` that names field, value and limit."""
    model = ALGORITHMS[algorithm].parameters
    if problems := [problem for name, value in raw.items() if (problem := _too_long(model, name, value))]:
        raise Refused(problems)
    try:
        return model.model_validate(dict(raw))
    except ValidationError as error:
        raise Refused([_problem(model, details) for details in error.errors()]) from None


def _too_long(model: type[BaseModel], name: str, value: Any) -> Problem | None:
    """Refuse a long text before anything reads it."""
    if not isinstance(value, str) or len(value) <= MAX_TEXT:
        return None
    message = f"{_title(model, name)} has {len(value):,} characters; at most {MAX_TEXT}"
    return Problem(name, message, str(len(value)), str(MAX_TEXT))


def _title(model: type[BaseModel], name: str) -> str:
    info = model.model_fields.get(name)
    return (info.title if info else None) or shortened(name)


_LIMIT_WORDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def _problem(model: type[BaseModel], details: Any) -> Problem:
    """One of pydantic's errors in our words, with the value and the limit."""
    location: Sequence[Any] = details["loc"]
    name = str(location[0]) if location else "duration"
    title = _title(model, name)
    if details["type"] == "missing":
        return Problem(name, f"{title} is missing")
    value = "" if not location else shortened(details.get("input"))
    context: Mapping[str, Any] = details.get("ctx") or {}
    if "field" in context:
        return Problem(context["field"], str(details["msg"]), context["value"], context["limit"])
    for key, words in _LIMIT_WORDS.items():
        if key in context:
            # pydantic's context holds a duration's limit only as Python source: the field has it itself.
            info = model.model_fields[name]
            limits = [getattr(bound, key) for bound in info.metadata if hasattr(bound, key)]
            limit = _plain(limits[0] if limits else context[key])
            return Problem(name, f"{title} is {value}; it must be {words} {limit}", value, limit)
    if details["type"] == "extra_forbidden":
        allowed = ", ".join(model.model_fields)
        return Problem(name, f"there is no parameter {shortened(name)!r}; there are {allowed}", name, allowed)
    message = str(details["msg"]).removeprefix("Value error, ")
    return Problem(name, f"{title} is {value}: {message}" if location else message, value)


def _plain(limit: Any) -> str:
    return as_clock(limit) if isinstance(limit, timedelta) else str(limit)
