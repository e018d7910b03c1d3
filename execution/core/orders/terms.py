"""A trader's request for an order, parsed, and the registry of algorithms with their parameter models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from execution.core.durations import as_clock
from execution.core.numbers import plain, shortened
from execution.core.orders.parameters import (
    BOUND_WORDS,
    AlgorithmParameters,
    IcebergParameters,
    IsParameters,
    PovParameters,
    SlicedParameters,
    SorParameters,
    TwapParameters,
    VwapParameters,
    bounds_of,
)
from execution.core.problem_codes import Code, pydantic_code
from execution.core.problems import (
    Problem,
    Refused,
    attempt,
    checked_number,
    length_problem,
    not_allowed,
    refuse,
    refuse_if,
)
from execution.core.texts import first_unseen, visible
from execution.core.types import Side, Unit

MAX_REFERENCE = 64
#: Most characters of any text of a request but its reference: a symbol, an account, a parameter.
MAX_TEXT = 80


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One algorithm that the ticket offers."""

    name: str
    label: str
    parameters: type[AlgorithmParameters]

    @property
    def is_sliced(self) -> bool:
        """Return True if the plan has slices. Other algorithms work their full quantity from the start."""
        return issubclass(self.parameters, SlicedParameters)

    @property
    def has_schedule(self) -> bool:
        """Return True if an order can be ahead of its plan or behind it.

        An order that follows the market's volume (POV) cannot be. Its slices are right only if the market trades
        evenly.
        """
        return self.is_sliced and not issubclass(self.parameters, PovParameters)


ALGORITHMS: dict[str, Algorithm] = {
    "twap": Algorithm("twap", "TWAP", TwapParameters),
    "vwap": Algorithm("vwap", "VWAP", VwapParameters),
    "iceberg": Algorithm("iceberg", "Iceberg", IcebergParameters),
    "sor": Algorithm("sor", "SOR", SorParameters),
    "pov": Algorithm("pov", "POV", PovParameters),
    "is": Algorithm("is", "IS", IsParameters),
}


def algorithm_label(name: str, unknown: str | None = None) -> str:
    """Return an algorithm's label.

    For a name that this version does not know, return ``unknown`` if given, else the name.
    """
    if name in ALGORITHMS:
        return ALGORITHMS[name].label
    return name if unknown is None else unknown


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A request for an order, parsed but not yet checked against a market."""

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
    """Return a hash that is equal for requests with the same contents."""
    body = asdict(request) | {
        "quantity": plain(request.quantity),
        "limit_price": None if request.limit_price is None else plain(request.limit_price),
        "parameters": {name: str(value) for name, value in request.parameters.items()},
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def parse_decimal(name: str, label: str, value: Any) -> Decimal:
    """Return ``value`` as a decimal above zero. Raise ``Refused`` with the reason, the value and the limit."""
    if value in (None, ""):
        refuse(name, f"{label} is missing.", code=Code.VALUE_MISSING)
    return checked_number(name, label, value)


Named = TypeVar("Named", bound=StrEnum)


def _named(enum: type[Named], name: str, label: str) -> Callable[[Any], Named]:
    def parse(value: Any) -> Named:
        text = str(value or "").strip().lower()
        try:
            return enum(text)
        except ValueError:
            raise Refused([not_allowed(name, label, text, enum)]) from None

    return parse


def _parse_algorithm(value: Any) -> str:
    name = str(value or "").strip().lower()
    if name not in ALGORITHMS:
        raise Refused([algorithm_problem(name)])
    return name


def algorithm_problem(name: str) -> Problem:
    """Return the problem for a name that is not the name of an algorithm."""
    allowed = ", ".join(ALGORITHMS)
    message = f"There is no algorithm {shortened(name)!r}. It must be one of {allowed}."
    return Problem("algorithm", message, name, allowed, code=Code.ALGORITHM_UNKNOWN)


def _parse_symbol(value: Any) -> str:
    symbol = str(value or "").strip().upper()
    if not symbol:
        refuse("symbol", "Symbol is missing.", code=Code.VALUE_MISSING)
    _refuse_long("symbol", "Symbol", symbol)
    return symbol


def _refuse_long(name: str, label: str, text: str, most: int = MAX_TEXT) -> None:
    if len(text) > most:
        raise Refused([length_problem(name, label, text, most)])


def _parse_limit(value: Any) -> Decimal | None:
    return None if value in (None, "") else parse_decimal("limit_price", "Limit price", value)


def _parse_accounts(value: Any) -> tuple[str, ...]:
    """Return the accounts as public ids or labels. Among equally good ones, an order uses the first."""
    given = (value,) if isinstance(value, str) else tuple(value or ())
    accounts = tuple(text for text in (str(account).strip() for account in given) if text)
    if not accounts:
        refuse("accounts", "Choose an account.", code=Code.VALUE_MISSING)
    for account in accounts:
        _refuse_long("accounts", "Account", account)
    twice = [account for place, account in enumerate(accounts) if account in accounts[:place]]
    if twice:
        refuse("accounts", f"Account {twice[0]} is named more than once.", twice[0], code=Code.VALUE_REPEATED)
    return accounts


def _parse_reference(value: Any) -> str:
    text = str(value or "").strip()
    _refuse_long("client_reference", "Client reference", text, MAX_REFERENCE)
    if (unseen := first_unseen(text)) is not None:
        message = f"Client reference has a character that cannot be seen: {unseen}. Remove it."
        refuse("client_reference", message, visible(text), code=Code.VALUE_MALFORMED)
    return text


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "symbol": _parse_symbol,
    "side": _named(Side, "side", "Side"),
    "quantity": lambda value: parse_decimal("quantity", "Quantity", value),
    "unit": _named(Unit, "unit", "Unit"),
    "algorithm": _parse_algorithm,
    "accounts": _parse_accounts,
    "limit_price": _parse_limit,
    "client_reference": _parse_reference,
}


def parse_order_request(raw: Mapping[str, Any]) -> OrderRequest:
    """Parse ``raw``: texts by field, and a mapping ``parameters``. Raise ``Refused`` with every problem."""
    parsed: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, parse in _PARSERS.items():
        try:
            parsed[name] = parse(raw.get(name))
        except Refused as refused:
            problems.extend(refused.problems)
    given = raw.get("parameters") or {}
    if not isinstance(given, Mapping):
        message = "Parameters must be an object of named values."
        problems.append(Problem("parameters", message, shortened(given), code=Code.VALUE_WRONG_TYPE))
        given = {}
    parameters = {name: value for name, value in given.items() if value not in (None, "")}
    if "algorithm" in parsed and not any(problem.field == "parameters" for problem in problems):
        attempt(problems, partial(parse_parameters, parsed["algorithm"], parameters))
    refuse_if(problems)
    return OrderRequest(**parsed, parameters=parameters, tags=tuple(raw.get("tags") or ()))


def parse_parameters(algorithm: str, raw: Mapping[str, Any]) -> AlgorithmParameters:
    """Parse the algorithm's parameters in ``raw``. Raise ``Refused`` that names field, value and limit."""
    model = ALGORITHMS[algorithm].parameters
    # A long text is refused before anything reads it.
    refuse_if(
        [
            length_problem(name, _title(model, name), value, MAX_TEXT)
            for name, value in raw.items()
            if isinstance(value, str) and len(value) > MAX_TEXT
        ]
    )
    try:
        return model.model_validate(dict(raw))
    except ValidationError as error:
        raise Refused([_problem(model, details) for details in error.errors()]) from None


def _title(model: type[BaseModel], name: str) -> str:
    info = model.model_fields.get(name)
    return (info.title if info else None) or shortened(name)


def _problem(model: type[BaseModel], details: Any) -> Problem:
    location: Sequence[Any] = details["loc"]
    name = str(location[0]) if location else "duration"
    title, code = _title(model, name), pydantic_code(details["type"])
    if code is Code.VALUE_MISSING:
        return Problem(name, f"{title} is missing.", code=code)
    value = "" if not location else shortened(details.get("input"))
    context: Mapping[str, Any] = details.get("ctx") or {}
    if "field" in context:
        return Problem(message=str(details["msg"]), **context)
    # pydantic's context holds a duration's limit only as Python source: the field has it itself.
    for key, bound in bounds_of(model.model_fields[name]) if name in model.model_fields else ():
        if key in context:
            limit = as_clock(bound) if isinstance(bound, timedelta) else str(bound)
            message = f"{title} is {value}. It must be {BOUND_WORDS[key]} {limit}."
            return Problem(name, message, value, limit, code=code)
    if code is Code.FIELD_UNKNOWN:
        allowed = ", ".join(model.model_fields)
        message = f"There is no parameter {shortened(name)!r}. The parameters are {allowed}."
        return Problem(name, message, name, allowed, code=code)
    message = str(details["msg"]).removeprefix("Value error, ")
    return Problem(name, f"{title} is {value}: {message}.", value, code=code)
