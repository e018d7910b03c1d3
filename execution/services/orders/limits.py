"""The check of limits when a person submits, amends or resumes an order.

The caller has locked the row of ``HaltGate``. So if twenty orders are submitted at once, each check includes the
orders that were written before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from execution.core.limits.judgement import WITHIN, Breach, Verdict, judge
from execution.core.limits.kinds import AT_SUBMIT, LimitKind
from execution.core.problem_codes import Code
from execution.core.problems import Problem, length_problem
from execution.core.types import Side
from execution.models import ApprovalState, Order, OrderApproval
from execution.selectors.decisions.limits import (
    AskedOrder,
    figures_of,
    figures_together,
    limits_applying,
)
from execution.services.orders.amend_preview import Amendment
from execution.services.orders.order_market import OrderMarket
from execution.services.orders.stages import Preview
from execution.services.records.reasons import MAX_REASON_LENGTH

#: The beginning of the name of a form's field for the reason to exceed a soft limit. The limit's kind follows.
REASON_FIELD = "limit_reason_"
#: The form's field beside which a limit's problem is shown, for the kinds where that is not the quantity.
_FIELDS = {LimitKind.COLLAR: "collar_bp", LimitKind.HOUR_MOVE: "limit_price"}
_OF_SIZE = AT_SUBMIT - {LimitKind.COLLAR, LimitKind.HOUR_MOVE}


def preview_verdict(preview: Preview, *, order_pk: int | None = None) -> Verdict:
    """Judge a new order by the limits.

    A figure that cannot be known yet, such as the order's quantity, is judged later.

    ``order_pk`` is the primary key of the order if it is written already, so that the order is not counted twice.
    """
    return verdicts_together([preview], order_pks=[order_pk], now=preview.now)[0]


def verdicts_together(
    previews: Sequence[Preview | None], *, order_pks: Sequence[int | None], now: datetime
) -> list[Verdict]:
    """Judge new orders that are sent together. If a limit bounds a sum over orders, the sum includes all of them."""
    asked = [
        None if preview is None else _asked(preview, pk)
        for preview, pk in zip(previews, order_pks, strict=True)
    ]
    there = [each for each in asked if each is not None]
    if not there:
        return [WITHIN] * len(asked)
    figures = iter(figures_together(there, now))
    return [WITHIN if each is None else judge(next(figures)) for each in asked]


def _asked(preview: Preview, order_pk: int | None) -> AskedOrder | None:
    """Return the order in the form that a check of limits takes; None while its quantity is unknown."""
    market, terms, person = preview.market, preview.terms, preview.person
    if market is None or terms.quantity is None or terms.parameters is None or person is None:
        return None
    request = preview.request
    return AskedOrder(
        trader_pk=person.pk,
        account_pks=tuple(account.pk for account in market.accounts),
        venue_pks=tuple(account.venue_id for account in market.accounts),
        symbol=request.symbol,
        side=request.side,
        quantity=terms.quantity,
        rest=terms.quantity,
        price=market.price(request.limit_price),
        collar_bp=terms.parameters.collar_bp,
        limit_price=request.limit_price,
        order_pk=order_pk,
    )


def amendment_verdict(amendment: Amendment) -> Verdict:
    """Judge an amendment by the limits. Only what it changes is judged: a larger size, another collar or limit price.

    A smaller size is not judged.
    """
    kinds: set[LimitKind] = set()
    if amendment.grows:
        kinds |= _OF_SIZE
    if amendment.touches("collar_bp"):
        kinds.add(LimitKind.COLLAR)
    if amendment.touches("limit_price"):
        kinds.add(LimitKind.HOUR_MOVE)
    asked = _asked_again(
        amendment.order,
        amendment.market,
        quantity=amendment.quantity,
        rest=amendment.remaining,
        limit_price=amendment.limit_price,
        collar_bp=amendment.parameters.collar_bp,
    )
    return judge(figures_of(asked, amendment.market.now, kinds))


def is_limited(order: Order) -> bool:
    """Return True if at least one limit applies to the order when it is submitted."""
    accounts = list(order.accounts.values_list("pk", flat=True))
    return bool(limits_applying(order.trader_id, accounts, order.symbol, AT_SUBMIT))


def order_verdict(order: Order, market: OrderMarket, *, done: Decimal) -> Verdict:
    """Judge an existing order by the current limits. ``done`` is its executed quantity."""
    if order.terms is None:
        raise RuntimeError(f"order {order.public_id} has no terms")
    asked = _asked_again(
        order,
        market,
        quantity=order.quantity,
        rest=order.quantity - done,
        limit_price=order.terms.limit_price,
        collar_bp=Decimal(str(order.terms.parameters["collar_bp"])),
    )
    return judge(figures_of(asked, market.now), approved=kinds_approved(order))


def _asked_again(
    order: Order,
    market: OrderMarket,
    *,
    quantity: Decimal,
    rest: Decimal,
    limit_price: Decimal | None,
    collar_bp: Decimal,
) -> AskedOrder:
    return AskedOrder(
        trader_pk=order.trader_id,
        account_pks=tuple(account.pk for account in market.accounts),
        venue_pks=tuple(account.venue_id for account in market.accounts),
        symbol=order.symbol,
        side=Side(order.side),
        quantity=quantity,
        rest=rest,
        price=market.price(limit_price),
        collar_bp=collar_bp,
        limit_price=limit_price,
        order_pk=order.pk,
    )


def kinds_approved(order: Order) -> frozenset[LimitKind]:
    """Return the kinds of limits that another person has approved for the order."""
    lists = order.approvals.filter(state=ApprovalState.APPROVED).values_list("kinds", flat=True)
    return frozenset(LimitKind(kind) for kinds in lists for kind in kinds)


# --- problems ------------------------------------------------------------------------------------


def limit_problems(verdict: Verdict) -> list[Problem]:
    """Return a problem for each hard limit in the verdict."""
    return [_problem(breach, Code.LIMIT_EXCEEDED) for breach in verdict.refused]


def approval_problems(verdict: Verdict) -> list[Problem]:
    """Return a problem for each exceeded limit that needs another person's approval."""
    return [_problem(breach, Code.APPROVAL_NEEDED) for breach in verdict.approvals]


def _problem(breach: Breach, code: Code) -> Problem:
    value = "" if breach.value is None else breach.value
    return Problem(_FIELDS.get(breach.kind, "quantity"), breach.message, value, breach.limit.value, code=code)


def reason_problems(verdict: Verdict, reasons: Mapping[str, str]) -> list[Problem]:
    """Return a problem for each exceeded soft limit for which no reason is given. Each limit needs its own reason."""
    problems = []
    for breach in verdict.reasons:
        field, reason = f"{REASON_FIELD}{breach.kind}", reasons.get(breach.kind, "").strip()
        if len(reason) > MAX_REASON_LENGTH:
            problems.append(length_problem(field, "The reason", reason, MAX_REASON_LENGTH, 1))
        elif not reason:
            value = "" if breach.value is None else breach.value
            code = Code.LIMIT_REASON_MISSING
            problems.append(Problem(field, breach.message, value, breach.limit.value, code=code))
    return problems


def reasons_kept(verdict: Verdict, reasons: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the journal's data about exceeded soft limits: for each the fact and the reason that the person gave."""
    return [
        {"limit": breach.limit.public_id, "fact": breach.fact, "reason": reasons[breach.kind].strip()}
        for breach in verdict.reasons
    ]


def waiting_approval(order: Order) -> OrderApproval | None:
    """Return the order's request for approval that nobody has decided yet; None when there is none."""
    return order.approvals.filter(state=ApprovalState.WAITING).first()
