"""The judgement of an order's figures against the limits.

If a figure is above its limit, the order is refused, needs a supervisor's approval, or needs a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from execution.core.limits.kinds import LIMIT_SPECS, LimitKind, LimitLevel, LimitScope, Measure
from execution.core.numbers import grouped
from execution.core.problems import as_sentence
from execution.core.types import ZERO

_CENT = Decimal("0.01")
#: A sentence for each level: how an order above the limit may still be sent.
_WAY_OUT = {
    LimitLevel.HARD: "Only a supervisor can raise the limit",
    LimitLevel.APPROVAL: "A supervisor has to approve the order",
    LimitLevel.SOFT: "Give a reason to send the order all the same",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in force. ``subject`` is a trader's name, an account's label or a symbol; "" for the desk.

    ``currency`` is the unit of ``value``: the currency of a notional, or the base currency of a quantity. It
    is "" for every other measure.
    """

    public_id: str
    kind: LimitKind
    scope: LimitScope
    subject: str
    level: LimitLevel
    value: Decimal
    currency: str = ""

    @property
    def whose(self) -> str:
        """Return the limit's subject: ``the desk``, ``trader anna``, ``account alpha`` or ``BTC/USDT``."""
        if self.scope is LimitScope.DESK:
            return "the desk"
        return self.subject if self.scope is LimitScope.SYMBOL else f"{self.scope} {self.subject}"

    def amount(self, value: Decimal) -> str:
        """Return ``value`` with the limit's unit.

        A quantity stays exact. Any other value is rounded upwards, to two decimals.
        """
        measure = LIMIT_SPECS[self.kind].measure
        if measure is Measure.BASE:
            return f"{grouped(value)} {self.currency}"
        rounded = value.quantize(_CENT, ROUND_CEILING)
        if measure is Measure.MONEY:
            return f"{rounded:,f} {self.currency}"
        units = {Measure.PERCENT: " %", Measure.BASIS_POINTS: " bp", Measure.PER_SECOND: " a second"}
        return f"{grouped(rounded)}{units.get(measure, '')}"


@dataclass(frozen=True, slots=True)
class Breach:
    """An exceeded limit.

    ``value`` is None if the figure is unknown. An unknown figure is treated as exceeding the limit.
    """

    limit: Limit
    value: Decimal | None

    @property
    def kind(self) -> LimitKind:
        return self.limit.kind

    @property
    def fact(self) -> str:
        """Return the figure and the limit in one clause, without a full stop."""
        limit, spec = self.limit, LIMIT_SPECS[self.limit.kind]
        of = f"the limit of {limit.amount(limit.value)} for {limit.whose}"
        if self.value is None:
            return f"{spec.noun} is not known, so it cannot be compared with {of}"
        return f"{spec.noun}, {limit.amount(self.value)}, is above {of}"

    @property
    def message(self) -> str:
        return f"{as_sentence(self.fact)} {_WAY_OUT[self.limit.level]}."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of judging an order: for each kind of exceeded limit, the breach whose effect is the strictest.

    Breaches in ``refused`` refuse the order, those in ``approvals`` need a supervisor's approval, and those in
    ``reasons`` need a reason. Only one breach of each kind is kept, because traders do not read long lists of
    warnings.
    """

    refused: tuple[Breach, ...] = ()
    approvals: tuple[Breach, ...] = ()
    reasons: tuple[Breach, ...] = ()

    @property
    def kinds_to_approve(self) -> frozenset[LimitKind]:
        return frozenset(breach.kind for breach in self.approvals)


#: Nothing is exceeded.
WITHIN = Verdict()


def is_exceeded(limit: Limit, value: Decimal | None) -> bool:
    """Return whether a figure exceeds a limit.

    An unknown figure (None) exceeds every limit except soft ones, which only ask for a reason.
    """
    if value is None:
        return limit.level is not LimitLevel.SOFT
    return value > limit.value


def judge(
    figures: Iterable[tuple[Limit, Decimal | None]], *, approved: Collection[LimitKind] = ()
) -> Verdict:
    """Compare each figure with its limit, and return the verdict on the order.

    Exceeding a limit of a kind in ``approved`` needs neither an approval nor a reason. Exceeded hard limits always
    refuse.
    """
    worst: dict[LimitKind, Breach] = {}
    for limit, value in figures:
        if not is_exceeded(limit, value) or (limit.level is not LimitLevel.HARD and limit.kind in approved):
            continue
        breach = Breach(limit, value)
        before = worst.get(limit.kind)
        if before is None or _rank(breach) > _rank(before):
            worst[limit.kind] = breach
    by_level = {
        level: tuple(breach for breach in worst.values() if breach.limit.level is level)
        for level in LimitLevel
    }
    return Verdict(by_level[LimitLevel.HARD], by_level[LimitLevel.APPROVAL], by_level[LimitLevel.SOFT])


def _rank(breach: Breach) -> tuple[int, bool, Decimal]:
    """Return the sort key of a breach: stricter levels first, then unknown figures, then the largest multiple of
    the limit.
    """
    strictness = [LimitLevel.SOFT, LimitLevel.APPROVAL, LimitLevel.HARD].index(breach.limit.level)
    if breach.value is None:
        return strictness, True, ZERO
    times = breach.value / breach.limit.value if breach.limit.value > ZERO else breach.value
    return strictness, False, times
