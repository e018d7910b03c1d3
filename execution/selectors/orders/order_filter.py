"""The filter of orders: one model for the page, its socket, its export and the API.

An empty field does not filter. A value that is not understood is refused with the possible values. If the desk ignored
such a value, somebody might take a list of all orders for the filtered list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from execution.core.numbers import NumberRefused, shortened, whole_number
from execution.core.orders.terms import ALGORITHMS
from execution.core.problem_codes import Code
from execution.core.problems import Problem, length_problem
from execution.core.states import OrderStatus
from execution.core.types import Side
from execution.payloads.reports import GROUPS, GroupBy

MAX_SEARCH = 64
FIRST_YEAR, LAST_YEAR = 2000, 2999
LAST_PAGE = 1_000_000
#: The names of groups of states in a filter; a single status is a state, too.
STATE_GROUPS = ("all", "needs", "live", "final")

#: The columns by which a list of orders may be sorted.
SORTS = (
    *("state", "id", "trader", "symbol", "side", "algorithm", "quantity", "filled", "done", "notional"),
    *("limit", "average", "arrival", "cost", "end", "last_fill", "created"),
)

#: The places where entries are searched: the orders' journals, or the audit.
SOURCES = ("orders", "audit")
#: The largest number of digits in the mark of a page's beginning.
MAX_MARK = 18


@dataclass(frozen=True, slots=True)
class FilterChoices:
    """The values that a person may filter by."""

    symbols: list[str]
    accounts: list[str]
    venues: list[str]
    #: The traders' names; empty for a person who sees only their own orders.
    traders: list[str]
    #: The person's own name if they see only their own orders.
    alone: str
    #: Called with a field and a value. Returns True if the person sees an order with a value that is no longer a
    #: choice.
    has_former: Callable[[str, str], bool]
    #: Returns True if the person sees a basket with this id.
    has_basket: Callable[[str], bool]


def _refused(field: str, message: str, value: str, limit: str, code: Code) -> PydanticCustomError:
    context = {"message": message, "field": field, "value": value, "limit": limit, "code": code}
    return PydanticCustomError("filter", "{message}", context)


def unlisted(label: str, value: str, names: Iterable[str]) -> str:
    """Return the message about a value that is not one of ``names``."""
    known = ", ".join(names)
    only = f"It must be one of {known}." if known else "There is none at all."
    return f"There is no {label} {shortened(value)!r}. {only}"


def unknown_filter(name: str, names: Iterable[str]) -> Problem:
    """Return the problem of an unknown filter field, with the possible ``names``."""
    known = list(names)
    return Problem(name, unlisted("filter", name, known), name, ", ".join(known), code=Code.FIELD_UNKNOWN)


@dataclass(frozen=True, slots=True)
class OneOf:
    """An annotation for a text that must be one of ``names``. The API's document lists them."""

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.names)}

    def _check(self, value: Any, info: ValidationInfo) -> Any:
        if value and value not in self.names:
            name = info.field_name or ""
            limit = ", ".join(self.names)
            raise _refused(name, unlisted(name, value, self.names), value, limit, Code.VALUE_NOT_ALLOWED)
        return value


def _listed(value: str, info: ValidationInfo) -> str:
    choices: FilterChoices | None = info.context
    name = info.field_name or ""
    if not value or choices is None:
        return value
    if name == "trader" and choices.alone:
        message = f"Trader is {shortened(value)!r}. You see your own orders only."
        raise _refused(name, message, value, choices.alone, Code.ROLE_NOT_ALLOWED)
    names: list[str] = getattr(choices, f"{name}s")
    if value not in names and not choices.has_former(name, value):
        raise _refused(name, unlisted(name, value, names), value, ", ".join(names), Code.VALUE_NOT_ALLOWED)
    return value


def _basket(value: str, info: ValidationInfo) -> str:
    choices: FilterChoices | None = info.context
    if value and choices is not None and not choices.has_basket(value):
        message = f"There is no basket {shortened(value)!r}."
        raise _refused("basket", message, value, "", Code.VALUE_NOT_ALLOWED)
    return value


def _day(name: str) -> BeforeValidator:
    def read(value: Any) -> date:
        try:
            day = value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            day = date.min
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            message = f"{name.capitalize()} is {shortened(value)!r}. It must be a day such as 2026-03-01."
            raise _refused(name, message, str(value), "YYYY-MM-DD", Code.VALUE_MALFORMED)
        return day

    return BeforeValidator(read)


def _page(value: Any) -> int:
    try:
        page = whole_number(value)
    except NumberRefused as refused:
        message = f"Page is {shortened(value)!r}: {refused}."
        raise _refused("page", message, str(value), "1", Code.VALUE_MALFORMED) from None
    if not 0 < page <= LAST_PAGE:
        message = f"Page is {page:,}. It must be from 1 to {LAST_PAGE:,}."
        raise _refused("page", message, str(page), str(LAST_PAGE), Code.VALUE_OUT_OF_RANGE)
    return page


def _mark(value: Any) -> tuple[datetime, int] | None:
    """Return the parts of ``before``: the time and primary key of the entry after which a page begins.

    The text has the time in microseconds since 1970. The key distinguishes entries of the same time.
    """
    if value is None or isinstance(value, tuple):
        return value
    at, _, row = str(value).partition("-")
    if not (at.isdecimal() and row.isdecimal() and len(at) <= MAX_MARK and len(row) <= MAX_MARK):
        message = f"Before is {shortened(str(value))!r}. Take it from the link of a page."
        raise _refused("before", message, str(value), "", Code.VALUE_MALFORMED)
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(at)), int(row)


def _search(value: str, info: ValidationInfo) -> str:
    name = info.field_name or "q"
    label = "The search" if name == "q" else name.capitalize()
    if len(value) > MAX_SEARCH:
        message = length_problem(name, label, value, MAX_SEARCH).message
        raise _refused(name, message, str(len(value)), str(MAX_SEARCH), Code.LENGTH_OUT_OF_RANGE)
    if "\x00" in value:
        raise _refused(name, f"{label} has a NUL character.", "", "", Code.VALUE_MALFORMED)
    return value


class Query(BaseModel):
    """The names that a query string may have. Any other name is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the fields as in a query string."""
        return [info.alias or name for name, info in cls.model_fields.items()]


class ReportDay(Query):
    """The day of a report."""

    day: Annotated[date | None, _day("day")] = Field(
        default=None, description="day, UTC, such as 2026-03-01; today if it is left out"
    )


class DayFilter(Query):
    """The range of days, which every filter has."""

    since: Annotated[date | None, _day("from")] = Field(
        default=None, alias="from", description="day, UTC, such as 2026-03-01"
    )
    until: Annotated[date | None, _day("to")] = Field(
        default=None, alias="to", description="day, UTC, included"
    )

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        if self.since and self.until and self.since > self.until:
            message = f"From {self.since} is after to {self.until}."
            raise _refused("from", message, str(self.since), str(self.until), Code.VALUE_OUT_OF_RANGE)
        return self


class OrderFilter(DayFilter):
    """The fields that the filter of the order list and that of the analysis have in common."""

    side: Annotated[str, OneOf(tuple(Side))] = ""
    symbol: Annotated[str, AfterValidator(_listed)] = ""
    algorithm: Annotated[str, OneOf(tuple(ALGORITHMS))] = ""
    trader: Annotated[
        str,
        AfterValidator(_listed),
        Field(description="trader's name; for people who see more than their own orders"),
    ] = ""


class OrderListFilter(OrderFilter):
    """The filter of a list of orders, with its page number and its sorting."""

    state: Annotated[str, OneOf((*STATE_GROUPS, *OrderStatus))] = "all"
    account: Annotated[str, AfterValidator(_listed), Field(description="account label")] = ""
    q: Annotated[
        str,
        AfterValidator(_search),
        Field(description="the beginning of the order's id, or a part of its client reference or of a tag"),
    ] = ""
    basket: Annotated[str, AfterValidator(_basket), Field(description="id of a basket: its orders")] = ""
    sort: Annotated[
        str,
        OneOf((*SORTS, *(f"-{name}" for name in SORTS))),
        Field(
            description="a column; a - before its name reverses the order; empty: what needs attention first"
        ),
    ] = ""
    page: Annotated[int, BeforeValidator(_page), Field(ge=1, le=LAST_PAGE)] = 1


class AnalysisFilter(OrderFilter):
    """The filter of the analysis, with its grouping. With a ``venue``, only the fills at that venue are analysed."""

    group: Annotated[GroupBy, OneOf(GROUPS)] = GROUPS[0]
    venue: Annotated[
        str, AfterValidator(_listed), Field(description="venue label; counts only its fills")
    ] = ""


class EntryFilter(DayFilter):
    """The filter of a search in the journals or the audit."""

    source: Annotated[str, OneOf(SOURCES)] = SOURCES[0]
    person: Annotated[str, AfterValidator(_search)] = ""
    order: Annotated[str, AfterValidator(_search)] = ""
    account: Annotated[str, AfterValidator(_listed), Field(description="account label")] = ""
    kind: Annotated[str, AfterValidator(_search)] = ""
    q: Annotated[
        str, AfterValidator(_search), Field(description="a part of the reason or of the details")
    ] = ""
    before: Annotated[tuple[datetime, int] | None, BeforeValidator(_mark)] = None


def filter_problems(model: type[Query], error: ValidationError) -> list[Problem]:
    """Return the problems of an invalid filter. Those of unknown field names come first."""
    problems: list[Problem] = []
    for details in error.errors(include_url=False):
        if details["type"] == "extra_forbidden":
            problems.insert(0, unknown_filter(str(details["loc"][0]), model.names()))
        else:
            problems.append(Problem(**details["ctx"]))
    return problems
