"""An order with changed terms. It is checked by the rules of a new order, and planned for its remaining quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from execution.core.algorithms.registry import plan_order
from execution.core.algorithms.replan import fixed_end_problems
from execution.core.durations import as_clock
from execution.core.limits.judgement import WITHIN, Verdict
from execution.core.numbers import grouped, plain
from execution.core.orders.parameters import MAX_DURATION, MIN_SLICE, AlgorithmParameters, amendable_names
from execution.core.orders.plans import Plan, SlicePlan, base_quantity, check_limit_price, plan_bounds
from execution.core.orders.reservation import Cost
from execution.core.orders.terms import ALGORITHMS, parse_decimal, parse_parameters
from execution.core.orders.window import duration_problem
from execution.core.problem_codes import Code
from execution.core.problems import Problem, attempt, refuse, refuse_if
from execution.core.quantities import floor_to
from execution.core.types import ZERO, Side, Unit
from execution.models import Order, OrderTerms
from execution.selectors.decisions.exposure import done_of, exposure_of
from execution.selectors.decisions.order_view import accounts_of, plan_rows
from execution.selectors.markets import market_from_json
from execution.services.orders.affordability import unaffordable
from execution.services.orders.market_problems import band_problems, resume_problems
from execution.services.orders.order_market import OrderMarket, order_market

#: The terms that may change in every order. An algorithm may have amendable parameters besides.
TERMS = ("quantity", "limit_price", "duration", "end_at")
UNSENT = "The quantity that is not sent yet"


@dataclass(frozen=True, slots=True)
class Change:
    """One changed value. None stands for no value, such as no limit price."""

    name: str
    label: str
    before: str | None
    after: str | None

    @property
    def words(self) -> str:
        return f"{self.label.lower()} {self.shown_before} → {self.shown_after}"

    @property
    def shown_before(self) -> str:
        return self._shown(self.before)

    @property
    def shown_after(self) -> str:
        return self._shown(self.after)

    def _shown(self, value: str | None) -> str:
        if value is None:
            return "none"
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S} UTC" if self.name == "end_at" else value


@dataclass(frozen=True, slots=True)
class Amendment:
    """An order as it would be after an amendment. If there are ``problems``, the amendment is refused.

    ``before`` is the order's quantity until now, ``done`` the filled quantity, and ``remaining`` the quantity to plan.
    ``least`` is the lowest possible quantity: ``done`` plus the quantity of children that may still be filled.
    """

    order: Order
    terms: OrderTerms
    market: OrderMarket
    parameters: AlgorithmParameters
    before: Decimal
    quantity: Decimal
    limit_price: Decimal | None
    end_at: datetime
    done: Decimal
    least: Decimal
    changes: tuple[Change, ...] = ()
    plan: Plan | None = None
    problems: tuple[Problem, ...] = ()
    #: The limits that the amended order exceeds.
    verdict: Verdict = WITHIN

    @property
    def side(self) -> Side:
        return self.market.side

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.done

    @property
    def grows(self) -> bool:
        return self.quantity > self.before

    @property
    def need(self) -> Cost:
        """Return the most of the spent currency that the order's unsent quantity may cost, with fees."""
        unsent = max(self.quantity - self.least, ZERO)
        return self.market.needs(unsent, self.limit_price, self.parameters)

    @property
    def needs_more(self) -> bool:
        """Return True unless it is certain that the order needs no more money than before."""
        before = parse_parameters(self.order.algorithm, self.terms.parameters)
        unsent = max(self.before - self.least, ZERO)
        had, needs = self.market.needs(unsent, self.terms.limit_price, before), self.need
        return not (had.is_known and needs.is_known and needs.amount <= had.amount)

    @property
    def paid_by(self) -> str:
        """Return the name of the form field that shows the problem of a balance that is too small."""
        return "quantity" if self.quantity != self.before else "limit_price"

    @property
    def price(self) -> Decimal | None:
        """Return the price at which quantities are valued: the mid, however old, or else the limit price."""
        return self.market.price(self.limit_price)

    @property
    def notional(self) -> Decimal | None:
        return None if self.price is None else self.quantity * self.price

    @property
    def slices(self) -> tuple[SlicePlan, ...]:
        return () if self.plan is None else self.plan.slices

    def touches(self, *names: str) -> bool:
        return any(change.name in names for change in self.changes)


def market_of_order(order: Order, now: datetime) -> OrderMarket:
    """Return the order's current market, with the exchange's rules that were stored with the order."""
    return order_market(
        accounts=accounts_of(order),
        markets={public_id: market_from_json(market) for public_id, market in order.market.items()},
        symbol=order.symbol,
        side=Side(order.side),
        algorithm=order.algorithm,
        now=now,
        order_pk=order.pk,
    )


def amendment_of(order: Order, market: OrderMarket, raw: Mapping[str, Any]) -> Amendment:
    """Return the order with the changes in ``raw``.

    1. Read the changes. A change that cannot be read or made is a problem, and its value stays as it was.
    2. Judge the end time, then the quantity, the limit price and the balance.
    3. List the differences.
    4. Plan the remaining quantity, from now on.
    """
    if order.terms is None:
        raise RuntimeError(f"order {order.public_id} has no terms")
    problems: list[Problem] = []
    amended = _read(order, order.terms, market, raw, problems)
    attempt(problems, lambda: _judge_amounts(amended))
    attempt(problems, lambda: _judge_balance(amended))
    changed = replace(amended, changes=tuple(_changes(amended)))
    if not changed.changes and not problems:
        message = "The amendment changes nothing."
        problems.append(Problem("", message, code=Code.NOTHING_CHANGES))
    plan = None if problems else attempt(problems, lambda: _plan(changed))
    return replace(changed, plan=plan, problems=tuple(problems))


# --- what is asked for ---------------------------------------------------------------------------


def _read(
    order: Order, terms: OrderTerms, market: OrderMarket, raw: Mapping[str, Any], problems: list[Problem]
) -> Amendment:
    before = parse_parameters(order.algorithm, terms.parameters)
    amended = Amendment(
        order=order,
        terms=terms,
        market=market,
        parameters=before,
        before=order.quantity,
        quantity=order.quantity,
        limit_price=terms.limit_price,
        end_at=terms.end_at,
        done=done_of(order),
        least=exposure_of(order),
    )
    if "quantity" in raw:
        quantity = attempt(problems, lambda: parse_decimal("quantity", "Quantity", raw["quantity"]))
        amended = replace(amended, quantity=quantity or amended.quantity)
    if raw.get("limit_price", "") not in (None, ""):
        limit = attempt(problems, lambda: parse_decimal("limit_price", "Limit price", raw["limit_price"]))
        amended = replace(amended, limit_price=limit or amended.limit_price)
    elif "limit_price" in raw:
        amended = replace(amended, limit_price=None)
    parameters = attempt(problems, lambda: _parameters(amended, raw))
    if parameters is None:
        return amended
    amended = replace(amended, parameters=parameters)
    if (parameters.duration, parameters.end_at) != (before.duration, before.end_at):
        duration = parameters.duration or parameters.default_duration or timedelta(0)
        amended = replace(amended, end_at=parameters.end_at or terms.start_at + duration)
        if too_far := _end_problems(amended):
            problems += too_far
            return amended
    problems += fixed_end_problems(parameters, amended.end_at)
    return amended


def _parameters(amended: Amendment, raw: Mapping[str, Any]) -> AlgorithmParameters:
    algorithm = amended.order.algorithm
    allowed = amendable_names(ALGORITHMS[algorithm].parameters) | set(TERMS)
    names, code = ", ".join(sorted(allowed)), Code.NOT_AMENDABLE
    refuse_if(
        [
            Problem(
                name,
                f"{name} cannot change while the order runs. These can: {names}.",
                name,
                names,
                code=code,
            )
            for name in sorted(set(raw) - allowed)
        ]
    )
    given = {
        name: None if value == "" else value
        for name, value in raw.items()
        if name not in ("quantity", "limit_price")
    }
    # Who names only one of the two ends, means it instead of the other.
    for name, other in (("duration", "end_at"), ("end_at", "duration")):
        if given.get(name) is not None and other not in given:
            given[other] = None
    return parse_parameters(algorithm, {**amended.terms.parameters, **given})


def _end_problems(amended: Amendment) -> list[Problem]:
    end, start = amended.end_at, amended.terms.start_at
    name = "end_at" if amended.parameters.end_at is not None else "duration"
    soonest = max(start, amended.market.now) + MIN_SLICE
    if end < soonest:
        message = (
            f"The end would be {end:%Y-%m-%d %H:%M:%S} UTC. "
            f"It must not be before {soonest:%Y-%m-%d %H:%M:%S} UTC."
        )
        return [Problem(name, message, end, soonest, code=Code.END_TOO_EARLY)]
    return [duration_problem(name, end - start)] if end - start > MAX_DURATION else []


# --- whether it may be -----------------------------------------------------------------------------


def _judge_amounts(amended: Amendment) -> None:
    limits = amended.market.limits
    if amended.limit_price != amended.terms.limit_price:
        check_limit_price(amended.limit_price, limits)
        refuse_if(band_problems(amended.side, amended.limit_price, limits, amended.market.mid))
    if amended.quantity == amended.before:
        return
    if amended.grows:
        refuse_if(resume_problems(amended.side, amended.market.by_label))
    base_quantity(amended.quantity, Unit.BASE, limits, amended.price)
    if amended.quantity < amended.least:
        message = (
            f"Quantity {grouped(amended.quantity)} {limits.base} is below the {grouped(amended.least)} {limits.base} "
            "that are filled or may still be filled."
        )
        refuse("quantity", message, amended.quantity, amended.least, code=Code.QUANTITY_BELOW_EXECUTED)


def _judge_balance(amended: Amendment) -> None:
    market = amended.market
    if amended.needs_more:
        need = amended.need
        trader, field, label = amended.order.trader, amended.paid_by, UNSENT
        refuse_if(unaffordable(market.spending, market.accounts, trader, need, field=field, label=label))


def _changes(amended: Amendment) -> list[Change]:
    terms, order = amended.terms, amended.order
    model = ALGORITHMS[order.algorithm].parameters
    before, after = parse_parameters(order.algorithm, terms.parameters), amended.parameters
    found = []
    if amended.quantity != amended.before:
        found.append(Change("quantity", "Quantity", plain(amended.before), plain(amended.quantity)))
    if amended.limit_price != terms.limit_price:
        prices = _number(terms.limit_price), _number(amended.limit_price)
        found.append(Change("limit_price", "Limit price", *prices))
    # A fixed end in place of a duration that comes to the same moment is a change, too.
    if amended.end_at != terms.end_at or (before.end_at is None) != (after.end_at is None):
        found.append(Change("end_at", "End", terms.end_at.isoformat(), amended.end_at.isoformat()))
    for name in sorted(amendable_names(model)):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append(Change(name, model.model_fields[name].title or name, _word(old), _word(new)))
    return found


def _number(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _word(value: Any) -> str | None:
    if isinstance(value, Decimal):
        return plain(value)
    return as_clock(value) if isinstance(value, timedelta) else None if value is None else str(value)


# --- the new plan ----------------------------------------------------------------------------------


def _plan(amended: Amendment) -> Plan:
    order, market, end = amended.order, amended.market, amended.end_at
    limits, start = market.limits, max(market.now, amended.terms.start_at)
    if end <= start:
        message = f"The order's end, {end:%H:%M:%S} UTC, has passed. Give a later end."
        refuse("end_at", message, end, start, code=Code.END_IN_PAST)
    if amended.remaining <= ZERO:
        return Plan((), order.forecast, ("everything is filled: the order completes",))
    bounds = plan_bounds(amended.remaining, limits, amended.price, start, end)
    if amended.remaining < bounds.minimum:
        note = (
            f"what remains, {plain(amended.remaining)} {limits.base}, is under the exchange's minimum of "
            f"{plain(bounds.minimum)} {limits.base}"
        )
        return Plan((SlicePlan(1, start, end, amended.remaining),), order.forecast, (note,))
    quantity = floor_to(amended.remaining, limits.lot)
    parameters = _for_the_rest(amended, start, bounds.max_slices)
    given = market.plan_input(parameters, quantity, amended.limit_price, start, end, is_rest=True)
    plan = plan_order(order.algorithm, given)
    last = replace(plan.slices[-1], quantity=plan.slices[-1].quantity + amended.remaining - quantity)
    return replace(plan, slices=(*plan.slices[:-1], last))


def _for_the_rest(amended: Amendment, start: datetime, most: int) -> AlgorithmParameters:
    """Return the parameters with the number of slices for the remaining time.

    The former number was for the whole order. The new number keeps each slice about as long as before.
    """
    current = plan_rows(amended.order)
    if getattr(amended.parameters, "slices", None) is None or not current:
        return amended.parameters
    length = (current[-1].ends_at - current[0].starts_at) / len(current)
    count = max(1, min(most, round((amended.end_at - start) / length)))
    return amended.parameters.model_copy(update={"slices": count})
