"""The services by which supervisors set and end limits.

For each kind, scope, subject, level and currency at most one limit is in force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from execution import notify
from execution.core.limits.kinds import LIMIT_SPECS, LimitKind, LimitLevel, LimitScope, Measure
from execution.core.numbers import grouped, plain
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, checked_number, not_allowed, refuse, refuse_if
from execution.models import Account, Market, Role, TradingLimit, User
from execution.selectors.halts import symbol_is_known
from execution.services.records.actors import person_actor
from execution.services.records.audit import audit_append
from execution.services.records.locking import gate_locked
from execution.services.records.reasons import kept_reason

#: The levels of limits, from the lowest value to the highest.
LEVELS = (LimitLevel.SOFT, LimitLevel.APPROVAL, LimitLevel.HARD)
MAX_CURRENCY_LENGTH = 20

#: Limits of the whole desk that a new installation begins with; money is in the reporting currency.
FIRST_LIMITS: tuple[tuple[LimitKind, LimitLevel, Decimal], ...] = (
    (LimitKind.ORDER_NOTIONAL, LimitLevel.APPROVAL, Decimal(5_000_000)),
    (LimitKind.ORDER_NOTIONAL, LimitLevel.HARD, Decimal(25_000_000)),
    (LimitKind.OPEN_NOTIONAL, LimitLevel.HARD, Decimal(100_000_000)),
    (LimitKind.DAILY_NOTIONAL, LimitLevel.HARD, Decimal(500_000_000)),
    (LimitKind.VOLUME_SHARE, LimitLevel.SOFT, Decimal(20)),
    (LimitKind.COLLAR, LimitLevel.HARD, Decimal(1_000)),
    (LimitKind.HOUR_MOVE, LimitLevel.SOFT, Decimal(1_000)),
    (LimitKind.ARRIVAL_MOVE, LimitLevel.HARD, Decimal(2_000)),
    (LimitKind.MESSAGE_RATE, LimitLevel.HARD, Decimal(200)),
)


#: A function that gets the limit in force, if there is one, and the limit that would replace it. It may raise.
Judge = Callable[[TradingLimit | None, TradingLimit], None]


class LimitNotFound(Exception):
    """There is no such limit."""


@dataclass(frozen=True, slots=True)
class LimitRequest:
    """A requested limit. ``subject`` is a trader's username, an account's label or a symbol; "" for the desk."""

    kind: LimitKind
    scope: LimitScope
    subject: str
    level: LimitLevel
    value: Decimal
    currency: str


def parse_limit_request(raw: Mapping[str, Any]) -> LimitRequest:
    """Parse ``raw``, which has a text for each field. Raises ``Refused`` with every problem."""
    problems: list[Problem] = []
    kind = _named(LimitKind, "kind", raw, problems)
    scope = _named(LimitScope, "scope", raw, problems)
    level = _named(LimitLevel, "level", raw, problems)
    subject = str(raw.get("subject") or "").strip()
    try:
        value = checked_number("value", "The limit", raw.get("value"), may_be_zero=True)
    except Refused as refused:
        problems.extend(refused.problems)
        value = Decimal(0)
    if kind is None or scope is None or level is None:
        raise Refused(problems)
    currency = str(raw.get("currency") or "").strip().upper()
    problems += _fitting(kind, scope, level, subject, currency)
    refuse_if(problems)
    return LimitRequest(
        kind,
        LimitScope(scope),
        subject,
        LimitLevel(level),
        value,
        _currency(kind, subject, currency),
    )


def _named(
    names: type[LimitKind] | type[LimitScope] | type[LimitLevel],
    field: str,
    raw: Mapping[str, Any],
    problems: list[Problem],
) -> Any:
    given = str(raw.get(field) or "").strip()
    if given in list(names):
        return names(given)
    problems.append(not_allowed(field, field.capitalize(), given, names))
    return None


def _fitting(
    kind: LimitKind, scope: LimitScope, level: LimitLevel, subject: str, currency: str
) -> list[Problem]:
    spec, problems = LIMIT_SPECS[kind], []
    for field, given, allowed in (("scope", scope, spec.scopes), ("level", level, spec.levels)):
        if given not in allowed:
            names = ", ".join(allowed)
            message = f"A limit of {spec.label.lower()} has one of these as its {field}: {names}."
            problems.append(Problem(field, message, given, names, code=Code.VALUE_NOT_ALLOWED))
    if (scope is LimitScope.DESK) == bool(subject):
        message = "A limit of the whole desk has no subject." if subject else f"Name the {scope}."
        code = Code.LIMIT_SUBJECT_UNKNOWN if subject else Code.VALUE_MISSING
        problems.append(Problem("subject", message, subject, code=code))
    if len(currency) > MAX_CURRENCY_LENGTH or (currency and not currency.isalnum()):
        message = f"{currency[:40]!r} is not a currency."
        problems.append(Problem("currency", message, currency, code=Code.VALUE_MALFORMED))
    return problems


def _currency(kind: LimitKind, subject: str, currency: str) -> str:
    measure = LIMIT_SPECS[kind].measure
    if measure is Measure.BASE:
        return subject.upper().partition("/")[0]
    return (currency or settings.TRANCHE_REPORTING_CURRENCY) if measure is Measure.MONEY else ""


# --- set and end ---------------------------------------------------------------------------------


@transaction.atomic
def limit_set(
    *, person: User, request: LimitRequest, reason: str, now: datetime, judge: Judge | None = None
) -> TradingLimit:
    """Put a limit in force. It replaces the limit of the same kind, scope, subject, level and currency.

    Every order that is submitted after this commit is judged by the limit, because submits lock the same row. If the
    value is the same as before, nothing changes. ``judge`` is called with the former and the new limit while this row
    is locked. It raises an exception to prevent the change. Raises ``Refused``.
    """
    refuse_all_but_supervisors(person)
    reason = kept_reason(reason)
    limit = _draft(request)
    limit.reason, limit.set_by, limit.set_at = reason, person, now
    gate_locked()
    before = TradingLimit.objects.filter(key=limit.key, ended_at=None).first()
    if before is not None and before.value == limit.value:
        return before
    if judge is not None:
        judge(before, limit)
    refuse_if(_order_problems(limit))
    if before is not None:
        _end(before, person, now)
    limit.save()
    _audit("limit_set", limit, person, reason, before, now)
    return limit


@transaction.atomic
def limit_end(*, public_id: str, person: User, reason: str, now: datetime) -> TradingLimit:
    """Take a limit out of force. Raises ``LimitNotFound``, and ``Refused`` when it has ended already."""
    refuse_all_but_supervisors(person)
    reason = kept_reason(reason)
    gate_locked()
    limit = TradingLimit.objects.filter(public_id=public_id).first()
    if limit is None:
        raise LimitNotFound(public_id)
    refuse_not_in_force(limit)
    _end(limit, person, now)
    _audit("limit_ended", limit, person, reason, limit, now)
    return limit


def first_limits_ensure(*, now: datetime) -> int:
    """Create the first limits of a desk that never had any. Return the number."""
    if TradingLimit.objects.exists():
        return 0
    for kind, level, value in FIRST_LIMITS:
        currency = _currency(kind, "", "")
        limit = _draft(LimitRequest(kind, LimitScope.DESK, "", level, value, currency))
        limit.reason, limit.set_at = "first limits of the installation", now
        limit.save()
    return len(FIRST_LIMITS)


def _end(limit: TradingLimit, person: User, now: datetime) -> None:
    limit.ended_by, limit.ended_at = person, now
    limit.save(update_fields=["ended_by", "ended_at"])


def _draft(request: LimitRequest) -> TradingLimit:
    limit = TradingLimit(
        kind=request.kind,
        scope=request.scope,
        level=request.level,
        value=request.value,
        currency=request.currency,
    )
    named, subject = "", request.subject
    if request.scope is LimitScope.ACCOUNT:
        limit.account = Account.objects.filter(Q(public_id=subject) | Q(label=subject)).first()
        if limit.account is not None:
            named, limit.subject = limit.account.public_id, limit.account.label
    elif request.scope is LimitScope.TRADER:
        limit.trader = User.objects.filter(
            Q(public_id=subject) | Q(username=subject), role=Role.TRADER
        ).first()
        if limit.trader is not None:
            named, limit.subject = limit.trader.public_id, limit.trader.username
    elif request.scope is LimitScope.SYMBOL and symbol_is_known(subject.upper()):
        named = limit.symbol = limit.subject = subject.upper()
    if request.scope is not LimitScope.DESK and not named:
        message = f"The desk has no {request.scope} {subject[:40]!r}."
        refuse("subject", message, subject, code=Code.LIMIT_SUBJECT_UNKNOWN)
    if LIMIT_SPECS[request.kind].measure is Measure.MONEY:
        _refuse_unknown_currency(request.currency)
    limit.key = ":".join((request.kind, request.scope, named, request.level, request.currency))
    return limit


def _refuse_unknown_currency(currency: str) -> None:
    """Refuse a limit that no order could ever reach, because no known market is quoted in its currency."""
    quotes = set(Market.objects.values_list("quote", flat=True).distinct())
    known = {*quotes, settings.TRANCHE_REPORTING_CURRENCY}
    if quotes and currency not in known:
        names = ", ".join(sorted(known))
        message = f"No market of the desk is quoted in {currency}. The limit must be in one of {names}."
        refuse("currency", message, currency, names, code=Code.VALUE_NOT_ALLOWED)


def _order_problems(limit: TradingLimit) -> list[Problem]:
    """Return a problem if the limit contradicts the same limit at another level.

    For example, an approval limit above the hard limit could never have an effect.
    """
    place = LEVELS.index(LimitLevel(limit.level))
    for other, level in enumerate(LEVELS):
        if other == place:
            continue
        key = ":".join([*limit.key.split(":")[:-2], level, limit.currency])
        beside = TradingLimit.objects.filter(key=key, ended_at=None).first()
        if beside is None or (limit.value < beside.value) == (place < other):
            continue
        bound = "below" if place < other else "above"
        message = (
            f"The {limit.level} limit {grouped(limit.value)} must be {bound} the {level} limit "
            f"{grouped(beside.value)} of the same kind."
        )
        return [Problem("value", message, limit.value, beside.value, code=Code.LIMITS_OUT_OF_ORDER)]
    return []


def refuse_not_in_force(limit: TradingLimit) -> None:
    if limit.ended_at is not None:
        message = f"The limit ended at {limit.ended_at:%Y-%m-%d %H:%M:%S} UTC."
        refuse("", message, limit.public_id, code=Code.LIMIT_NOT_IN_FORCE)


def refuse_all_but_supervisors(person: User) -> None:
    if person.role != Role.SUPERVISOR:
        message = f"Only a supervisor sets limits. {person.username} is a {person.role}."
        refuse("", message, person.role, Role.SUPERVISOR, code=Code.ROLE_NOT_ALLOWED)


def _audit(
    kind: str, limit: TradingLimit, person: User, reason: str, before: TradingLimit | None, now: datetime
) -> None:
    is_set = kind == "limit_set"
    audit_append(
        kind=kind,
        actor=person_actor(person),
        subject=limit.public_id,
        at=now,
        reason=reason,
        data={
            "limit": limit.key,
            "subject": limit.subject,
            "before": None if before is None else plain(before.value),
            "after": plain(limit.value) if is_set else None,
        },
    )
    notify.wall_changed()
