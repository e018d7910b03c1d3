"""The analysis' filter in the URL, for its page, its API and its export alike; read as the blotter's is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dashboard.forms.filters import read_filter
from execution.core.problems import Problem
from execution.selectors.orders.blotter import BlotterChoices
from execution.selectors.tca.analysis import GROUPS, AnalysisFilter, analysis_venues

if TYPE_CHECKING:
    from execution.models import User

#: Names that mean what they mean in the blotter.
SHARED = ("algorithm", "symbol", "trader", "side", "from", "to")
NAMES = ("group", "venue", *SHARED)


@dataclass(frozen=True, slots=True)
class Analysed:
    """A filter as it was written, as it was read, what there is to choose, and what could not be read."""

    filter: AnalysisFilter
    choices: BlotterChoices
    venues: list[str]
    written: Mapping[str, str]
    problems: tuple[Problem, ...]

    def query(self, **changes: str) -> str:
        values = {name: self.written.get(name, "") for name in NAMES} | changes
        shown = {name: value for name, value in values.items() if value}
        return urlencode(
            {name: value for name, value in shown.items() if (name, value) != ("group", GROUPS[0])}
        )


def read_analysis(person: User, given: Mapping[str, str]) -> Analysed:
    """The filter of a query string; every name and value that is not understood is a problem."""
    written = {name: str(given[name]).strip() for name in given}
    shared = read_filter(person, {name: written[name] for name in SHARED if name in written})
    problems = list(shared.problems)
    problems += [_unknown(name, "filter", name, NAMES) for name in written if name not in NAMES]
    group, venue = written.get("group") or GROUPS[0], written.get("venue", "")
    venues = analysis_venues()
    if group not in GROUPS:
        problems.append(_unknown("group", "group", group, GROUPS))
    if venue and venue not in venues:
        problems.append(_unknown("venue", "venue", venue, venues))
    return Analysed(
        AnalysisFilter(shared.filter, group, venue), shared.choices, venues, written, tuple(problems)
    )


def _unknown(name: str, label: str, value: str, allowed: tuple[str, ...] | list[str]) -> Problem:
    limit = ", ".join(allowed)
    return Problem(name, f"there is no {label} {value[:40]!r}; there are {limit or 'none'}", value, limit)
