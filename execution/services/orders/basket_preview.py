"""The preview of a basket that does not exist yet. Each row is judged like a single order, then all rows together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from execution.core.limits.judgement import Breach, Verdict
from execution.core.limits.kinds import LimitKind, LimitLevel
from execution.core.orders.basket import (
    BasketRow,
    BasketSums,
    basket_problems,
    basket_sums,
    in_row,
    repeated_rows,
    rows_words,
)
from execution.core.orders.reservation import Cost
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse_if
from execution.models import User
from execution.selectors.decisions.rates import conversion
from execution.selectors.decisions.spending import OrderReserve
from execution.services.orders.affordability import unaffordable
from execution.services.orders.limits import limit_problems, verdicts_together
from execution.services.orders.preview import order_stages, with_verdict
from execution.services.orders.stages import Preview

#: A function that returns the time, UTC.
Clock = Callable[[], datetime]
#: The kinds of limits that treat all rows of one symbol and side as one order.
_OF_ONE_ORDER = frozenset({LimitKind.ORDER_QUANTITY, LimitKind.ORDER_NOTIONAL, LimitKind.VOLUME_SHARE})
_BALANCE = frozenset({Code.INSUFFICIENT_BALANCE, Code.BALANCE_RESERVED})


@dataclass(frozen=True, slots=True)
class BasketBreach:
    """A limit that one row exceeds, or several rows together. The person gives a reason once, with the first of these
    rows.
    """

    breach: Breach
    rows: tuple[int, ...]
    #: True if the figure is a sum over the rows.
    is_sum: bool = False

    @property
    def level(self) -> LimitLevel:
        return self.breach.limit.level

    @property
    def first(self) -> int:
        return self.rows[0]

    @property
    def whose(self) -> str:
        """Return words for the rows, such as ``Row 3`` or ``Rows 1 and 4 together``."""
        together = " together" if self.is_sum and len(self.rows) > 1 else ""
        return f"{rows_words(self.rows).capitalize()}{together}"

    @property
    def fact(self) -> str:
        """Return a clause with the figure and the limit, in the plural if the figure is a sum over several rows."""
        return self._of_rows(self.breach.fact)

    def _of_rows(self, words: str) -> str:
        """Return words about one order, changed to the plural if the figure is a sum over several rows."""
        if not self.is_sum or len(self.rows) == 1:
            return words
        for one, several in (("with this order", "with these orders"), ("he order's", "heir")):
            words = words.replace(one, several)
        return words

    def said(self, problem: Problem) -> Problem:
        """Return ``problem`` with the rows named in its message. If there is a single row, the problem belongs to that
        row.
        """
        if len(self.rows) == 1:
            return in_row(problem, self.first)
        name = in_row(problem, self.first).field
        message = f"{self.whose}: {self._of_rows(problem.message)}"
        return Problem(name, message, problem.value, problem.limit, code=problem.code)


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A row with its preview. The preview is None if the row cannot be read."""

    row: BasketRow
    preview: Preview | None = None

    @property
    def number(self) -> int:
        return self.row.number

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self.row.problems, *(self.preview.problems if self.preview else ()))


@dataclass(frozen=True, slots=True)
class BasketPreview:
    """A basket as it would be if it were sent now. ``problems`` are only those of several rows together, or of the
    whole basket.
    """

    name: str
    rows: tuple[JudgedRow, ...]
    sums: BasketSums
    now: datetime
    breaches: tuple[BasketBreach, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def every_problem(self) -> list[Problem]:
        """Return the problems of the whole basket, then those of each row, with the row's number."""
        return [*self.problems, *(in_row(each, row.number) for row in self.rows for each in row.problems)]

    @property
    def previews(self) -> list[Preview]:
        """Return the rows' previews. Raises ``RuntimeError`` if a row cannot be read."""
        found = [row.preview for row in self.rows if row.preview is not None]
        if len(found) < len(self.rows):
            raise RuntimeError("a basket without problems has a row that cannot be read")
        return found

    def at_level(self, level: LimitLevel) -> list[BasketBreach]:
        return [each for each in self.breaches if each.level is level]


def basket_preview(*, person: User, name: str, rows: Sequence[BasketRow], clock: Clock) -> BasketPreview:
    """Judge a basket. Nothing is written. Raises ``Refused`` only for an invalid basket, such as an empty one.

    The market is read again for each row, because after a hundred rows the first reading would be old.

    1. Judge each row like a single order, without limits, and find repeated rows.
    2. Judge the limits of all rows together.
    3. Find out whether the accounts can pay for all rows.
    4. Calculate the sums.
    """
    refuse_if(basket_problems(name, rows))
    repeated = repeated_rows(rows)
    judged = [
        JudgedRow(
            replace(row, problems=(*row.problems, repeated[row.number])) if row.number in repeated else row,
            None if row.request is None else order_stages(person=person, request=row.request, now=clock()),
        )
        for row in rows
    ]
    now = clock()
    sums = _sums(judged, now)
    return with_verdicts(
        BasketPreview(name, tuple(judged), sums, now, problems=tuple(_balance_problems(person, judged))),
        verdicts_together([row.preview for row in judged], order_pks=[None] * len(judged), now=now),
    )


def with_verdicts(basket: BasketPreview, verdicts: Sequence[Verdict]) -> BasketPreview:
    """Return the basket with the limits that its rows exceed.

    A limit that several rows exceed together is a problem of the basket, and not of each row.
    """
    breaches = _breaches(basket.rows, verdicts)
    shared = {id(each.breach): each for each in breaches if len(each.rows) > 1}
    several = {(each.breach.limit.public_id, each.breach.value) for each in shared.values()}
    rows = []
    for row, verdict in zip(basket.rows, verdicts, strict=True):
        if row.preview is None or row.preview.market is None:
            rows.append(row)
            continue
        own = tuple(each for each in verdict.refused if (each.limit.public_id, each.value) not in several)
        rows.append(replace(row, preview=with_verdict(row.preview, replace(verdict, refused=own))))
    problems = [
        each.said(problem)
        for each in shared.values()
        for problem in limit_problems(Verdict(refused=(each.breach,)))
        if each.level is LimitLevel.HARD
    ]
    return replace(basket, rows=tuple(rows), breaches=tuple(breaches), problems=(*basket.problems, *problems))


def _breaches(rows: Sequence[JudgedRow], verdicts: Sequence[Verdict]) -> list[BasketBreach]:
    """Return the exceeded limits, each with its rows. Rows with the same limit and the same figure share one
    breach.
    """
    found: dict[tuple[object, ...], list[tuple[JudgedRow, Breach]]] = defaultdict(list)
    for row, verdict in zip(rows, verdicts, strict=True):
        for breach in (*verdict.refused, *verdict.approvals, *verdict.reasons):
            found[breach.limit.public_id, breach.value].append((row, breach))
    return [
        BasketBreach(
            members[0][1], tuple(row.number for row, _ in members), is_sum=_is_sum(members[0][1], members)
        )
        for members in found.values()
    ]


def _is_sum(breach: Breach, members: Sequence[tuple[JudgedRow, Breach]]) -> bool:
    if breach.kind in (LimitKind.OPEN_NOTIONAL, LimitKind.DAILY_NOTIONAL):
        return True
    requests = {(row.row.request.symbol, row.row.request.side) for row, _ in members if row.row.request}
    return breach.kind in _OF_ONE_ORDER and len(requests) == 1


# --- balances ------------------------------------------------------------------------------------


def _balance_problems(person: User, rows: Sequence[JudgedRow]) -> list[Problem]:
    """Return a problem for each set of accounts that cannot pay for all its rows together.

    The amounts that the basket's other rows reserve on these accounts are first subtracted from the balance. If a row
    cannot be paid even alone, its set is left out, because that row has its own problem.
    """
    groups: dict[tuple[tuple[str, ...], str], list[JudgedRow]] = defaultdict(list)
    reserves: dict[int, OrderReserve] = {}
    for row in rows:
        preview = row.preview
        if preview is None or preview.market is None or (reserve := _reserve(person, preview)) is None:
            continue
        reserves[row.number] = reserve
        groups[tuple(sorted(preview.market.markets)), preview.market.spends].append(row)
    if len(reserves) < 2:
        return []
    problems = []
    for (_, currency), members in groups.items():
        if not any(problem.code in _BALANCE for row in members for problem in row.problems):
            numbers = {row.number for row in members}
            others = [
                reserves[row.number]
                for (_, spent), beside in groups.items()
                if spent == currency
                for row in beside
                if row.number not in numbers
            ]
            problems += _unaffordable(person, members, others)
    return problems


def _unaffordable(
    person: User,
    members: Sequence[JudgedRow],
    others: Sequence[OrderReserve],
) -> list[Problem]:
    preview = members[0].preview
    if preview is None or preview.market is None:
        return []
    spending = replace(preview.market.spending, orders=(*preview.market.spending.orders, *others))
    need = sum((_needs(row.preview) for row in members if row.preview), Cost())
    label = total_label([row.number for row in members])
    return unaffordable(spending, preview.accounts, person, need, field="orders", label=label)


def total_label(numbers: Sequence[int]) -> str:
    """Return the rows as the subject of a sentence, such as ``The total of rows 1 and 4``."""
    words = rows_words(numbers)
    return words.capitalize() if len(numbers) == 1 else f"The total of {words}"


def _needs(preview: Preview) -> Cost:
    market, terms = preview.market, preview.terms
    if market is None or terms.quantity is None:
        return Cost(is_known=False)
    return market.needs(terms.quantity, preview.request.limit_price, terms.parameters)


def _reserve(person: User, preview: Preview) -> OrderReserve | None:
    """Return the amount that a row would reserve; None while its quantity is not known."""
    market, terms = preview.market, preview.terms
    if market is None or terms.quantity is None:
        return None
    reserve = market.reserve(terms.quantity, preview.request.limit_price, terms.parameters)
    return OrderReserve(0, "", person.pk, len(market.accounts), reserve)


# --- sums ----------------------------------------------------------------------------------------


def _sums(rows: Sequence[JudgedRow], now: datetime) -> BasketSums:
    parts = [
        None
        if row.preview is None
        else (
            row.preview.request.side,
            row.preview.request.symbol.partition("/")[2],
            row.preview.terms.notional,
        )
        for row in rows
    ]
    return basket_sums(parts, conversion({part[1] for part in parts if part is not None}, now))
