"""A filter as a person or program wrote it: in the address of a page, a socket, an export or an API request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlencode

from pydantic import ValidationError

from execution.core.orders.terms import ALGORITHMS
from execution.core.problems import Problem
from execution.core.states import OrderStatus
from execution.selectors.orders.blotter import filter_choices
from execution.selectors.orders.order_filter import STATE_GROUPS, DayFilter, FilterChoices, filter_problems

if TYPE_CHECKING:
    from execution.models import User

Filter = TypeVar("Filter", bound=DayFilter)
Option = tuple[str, str]

STATE_LABELS = dict(zip(STATE_GROUPS, ("All", "Needs attention", "Live", "Final"), strict=True))
#: The filter's names in a URL, in this order. The page number of a list is not part of the filter.
NAMES = (
    "group",
    "state",
    "side",
    "symbol",
    "algorithm",
    "venue",
    "account",
    "trader",
    "basket",
    "q",
    "sort",
    "from",
    "to",
    "source",
    "person",
    "order",
    "kind",
)


@dataclass(frozen=True, slots=True)
class FilterForm(Generic[Filter]):
    """A filter: the text as ``written``, the ``filter`` that was read from it, and the problems with the other
    fields.
    """

    filter: Filter
    choices: FilterChoices
    written: Mapping[str, str]
    problems: tuple[Problem, ...] = ()

    def query(self, **changes: str) -> str:
        """Return the filter as a query string, with ``changes`` applied. Empty fields and defaults are left out."""
        fields = type(self.filter).model_fields
        values = {
            name: self.written.get(name, "") for name in NAMES if name in fields or name in ("from", "to")
        }
        unset = {name: info.default for name, info in fields.items()}
        return urlencode(
            {name: text for name, text in (values | changes).items() if text and text != unset.get(name)}
        )

    @property
    def is_filtered(self) -> bool:
        """Return True if the filter leaves out orders. Grouping and sorting alone leave out none."""
        return bool(self.query(group="", sort=""))

    def selects(self) -> list[dict[str, Any]]:
        """Return the HTML selects of the filter bar. A select without choices is left out."""
        return [
            {
                "name": name,
                "label": name.capitalize(),
                "options": _options(options, written := self.written.get(name, "")),
                "active": written not in ("", "all"),
            }
            for name, options in self._options().items()
            if options and name in type(self.filter).model_fields
        ]

    def _options(self) -> dict[str, list[Option]]:
        choices = self.choices
        states = [(name, label) for name, label in STATE_LABELS.items() if name != "all"]
        return {
            "state": states + [(str(status), status.replace("_", " ")) for status in OrderStatus],
            "side": [("buy", "▲ BUY"), ("sell", "▼ SELL")],
            "symbol": [(name, name) for name in choices.symbols],
            "algorithm": [(name, algorithm.label) for name, algorithm in ALGORITHMS.items()],
            "venue": [(name, name) for name in choices.venues],
            "account": [(name, name) for name in choices.accounts],
            "trader": [(name, name) for name in choices.traders],
        }


def _options(options: list[Option], written: str) -> list[dict[str, Any]]:
    """Return the options, including the ``written`` value if it is unknown, so that a person can see and change it."""
    is_known = not written or written == "all" or written in dict(options)
    known = options if is_known else [*options, (written, written)]
    return [{"value": name, "label": label, "chosen": name == written} for name, label in known]


def read_filter(person: User, model: type[Filter], raw: Mapping[str, str]) -> FilterForm[Filter]:
    """Read the filter in ``raw``. Fields with problems are left out of the filter that is read."""
    written = {name: str(text).strip() for name, text in raw.items()}
    names, choices = model.names(), filter_choices(person)
    values = {name: text for name, text in written.items() if text or name not in names}
    problems: list[Problem] = []
    while True:
        try:
            read = model.model_validate(values, context=choices, by_alias=True, by_name=False)
        except ValidationError as error:
            problems += filter_problems(model, error)
            wrong = {details["loc"][0] if details["loc"] else "from" for details in error.errors()}
            values = {name: text for name, text in values.items() if name not in wrong}
        else:
            return FilterForm(read, choices, written, tuple(problems))
