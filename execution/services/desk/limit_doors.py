"""Changes of limits. A second person has to confirm a larger value, or the end of a limit.

A smaller value is in force at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from execution.core.access import ShownChange
from execution.core.limits.kinds import LIMIT_SPECS, LimitKind, LimitLevel, LimitScope, Measure
from execution.core.numbers import grouped, plain
from execution.core.problems import refuse_if
from execution.models import AccessRequest, TradingLimit, User
from execution.services.desk.four_eyes import Change, access_ask, door, outdated
from execution.services.desk.limits import (
    LimitNotFound,
    LimitRequest,
    limit_end,
    limit_set,
    refuse_all_but_supervisors,
    refuse_not_in_force,
)
from execution.services.records.reasons import kept_reason

NO_LIMIT = "no limit"
_UNITS = {Measure.PERCENT: "%", Measure.BASIS_POINTS: "bp", Measure.PER_SECOND: "a second"}


@dataclass(frozen=True, slots=True)
class LimitAsked:
    """The result of asking for a limit: the new limit if it is in force, or the request that waits for a second
    person.
    """

    limit: TradingLimit | None
    waiting: AccessRequest | None


class _Widens(Exception):
    """Raised when the new value is larger than that of the limit in force. ``before`` is the limit in force."""

    def __init__(self, before: TradingLimit) -> None:
        super().__init__(before.key)
        self.before = before


def limit_set_ask(*, person: User, request: LimitRequest, reason: str, now: datetime) -> LimitAsked:
    """Put a limit in force. If a second person has to confirm the value, only request the change.

    A second person has to confirm a value that is larger than before, if there is a second person. The values are
    compared while the row of ``HaltGate`` is locked. So the change cannot undo a smaller value that somebody else sets
    at the same moment.
    """
    try:
        limit = limit_set(person=person, request=request, reason=reason, now=now, judge=_refuse_to_widen)
        return LimitAsked(limit, None)
    except _Widens as widens:
        before = widens.before
    reason = kept_reason(reason)
    content = {
        "kind": request.kind.value,
        "scope": request.scope.value,
        "subject": request.subject,
        "level": request.level.value,
        "value": plain(request.value),
        "currency": request.currency,
        "former": before.public_id,
        "reason": reason,
    }
    lines = [ShownChange(_name_of(before), _amount(before, before.value), _amount(before, request.value))]
    change = Change("limit.set", _subject_of(before), f"limit:{before.key}", content, lines)
    waiting = access_ask(change=change, person=person, reason=reason, now=now)
    return LimitAsked(None, waiting) if waiting else LimitAsked(_in_force(before.key), None)


def _in_force(key: str) -> TradingLimit:
    return TradingLimit.objects.get(key=key, ended_at=None)


def _refuse_to_widen(before: TradingLimit | None, limit: TradingLimit) -> None:
    if before is not None and limit.value > before.value:
        raise _Widens(before)


@door("limit.set")
def _limit_set(content: Mapping[str, Any], _secret: bytes, person: User, now: datetime) -> bool:
    request = LimitRequest(
        LimitKind(content["kind"]),
        LimitScope(content["scope"]),
        content["subject"],
        LimitLevel(content["level"]),
        Decimal(content["value"]),
        content["currency"],
    )

    def refuse_if_outdated(before: TradingLimit | None, limit: TradingLimit) -> None:
        if before is None or before.public_id != content["former"]:
            current = NO_LIMIT if before is None else _amount(before, before.value)
            former = TradingLimit.objects.get(public_id=content["former"])
            name = f"the limit of {_name_of(limit)}"
            refuse_if([outdated("the desk", name, current, _amount(former, former.value))])

    limit_set(person=person, request=request, reason=content["reason"], now=now, judge=refuse_if_outdated)
    return True


def limit_end_ask(*, person: User, public_id: str, reason: str, now: datetime) -> AccessRequest | None:
    """Take a limit out of force, or request that a second person confirms it. Return the request; None if none was
    needed.

    Raises as ``limit_end`` does.
    """
    refuse_all_but_supervisors(person)
    reason = kept_reason(reason)
    limit = TradingLimit.objects.filter(public_id=public_id).first()
    if limit is None:
        raise LimitNotFound(public_id)
    refuse_not_in_force(limit)
    content = {"limit": public_id, "reason": reason}
    lines = [ShownChange(_name_of(limit), _amount(limit, limit.value), NO_LIMIT)]
    change = Change("limit.end", _subject_of(limit), f"limit:{limit.key}", content, lines)
    return access_ask(change=change, person=person, reason=reason, now=now)


@door("limit.end")
def _limit_end(content: Mapping[str, Any], _secret: bytes, person: User, now: datetime) -> bool:
    limit_end(public_id=content["limit"], person=person, reason=content["reason"], now=now)
    return True


def _subject_of(limit: TradingLimit) -> str:
    return f"{LIMIT_SPECS[LimitKind(limit.kind)].label} for {limit.subject or 'the desk'}"


def _name_of(limit: TradingLimit) -> str:
    return f"{_subject_of(limit)}, {limit.level}"


def _amount(limit: TradingLimit, value: Decimal) -> str:
    unit = limit.currency or _UNITS.get(LIMIT_SPECS[LimitKind(limit.kind)].measure, "")
    return f"{grouped(value)} {unit}".strip()
