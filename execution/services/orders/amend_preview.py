"""What an order would be with changed terms: judged by the rules of a new order, planned for what remains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from execution.core import types
from execution.core.algorithms.registry import ALGORITHM_SPECS, plan_order
from execution.core.algorithms.replan import fixed_end_problems
from execution.core.durations import as_clock
from execution.core.numbers import plain
from execution.core.orders.parameters import (
    MAX_DURATION,
    MAX_LOOKBACK,
    MIN_SLICE,
    AlgorithmParameters,
    amendable_names,
)
from execution.core.orders.plans import (
    Plan,
    PlanInput,
    SlicePlan,
    base_quantity,
    check_limit_price,
    plan_bounds,
)
from execution.core.orders.terms import ALGORITHMS, parse_decimal, parse_parameters
from execution.core.orders.view import MAX_QUOTE_AGE
from execution.core.problems import Problem, Refused
from execution.core.quantities import combined_market, floor_to
from execution.core.routing.account_selection import reference_quote
from execution.core.types import ZERO, Candle, Quote, Side, Unit
from execution.models import Order, OrderTerms
from execution.selectors.candles import candles_of
from execution.selectors.decisions.exposure import done_of, exposure_of
from execution.selectors.decisions.order_view import accounts_of, plan_rows
from execution.selectors.markets import balances_free, balances_sum, market_from_json
from execution.selectors.quotes import quote_latest
from execution.services.orders.checks import round_down, round_up

#: What may change of any order beside its algorithm's amendable parameters.
TERMS = ("quantity", "limit_price", "duration", "end_at")


@dataclass(frozen=True, slots=True)
class OrderMarket:
    """What an order's plan is judged against, read before its row is locked."""

    limits: types.Market
    quote: Quote | None
    candles: tuple[Candle, ...]
    free: Decimal | None
    now: datetime

    @property
    def fresh_quote(self) -> Quote | None:
        return self.quote if self.quote and self.now - self.quote.at <= MAX_QUOTE_AGE else None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that becomes another; None is nothing, such as no limit price."""

    name: str
    label: str
    before: str | None
    after: str | None

    @property
    def words(self) -> str:
        return f"{self.label.lower()} {self.before or 'none'} → {self.after or 'none'}"


@dataclass(slots=True)
class Amendment:
    """An order's terms as they would be; ``before`` is its quantity as it was. ``problems`` refuse it.

    ``done`` is what is executed already, ``remaining`` what the plan is for; ``least`` is what the quantity may
    not fall under: done, and what may still be filled of its children.
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
    problems: list[Problem] = field(default_factory=list)

    @property
    def side(self) -> Side:
        return Side(self.order.side)

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.done

    @property
    def grows(self) -> bool:
        return self.quantity > self.before

    @property
    def price(self) -> Decimal | None:
        """The price that quantities are judged at: the mid, however old, else the limit."""
        quote = self.market.quote
        return quote.mid if quote is not None and quote.is_sane else self.limit_price

    @property
    def notional(self) -> Decimal | None:
        return None if self.price is None else self.quantity * self.price

    @property
    def slices(self) -> tuple[SlicePlan, ...]:
        return () if self.plan is None else self.plan.slices

    def touches(self, *names: str) -> bool:
        return any(change.name in names for change in self.changes)


def order_market(order: Order, now: datetime) -> OrderMarket:
    """The order's market now: its own limits, the venues' quotes and history, and what its accounts have free."""
    accounts = accounts_of(order)
    limits = combined_market([market_from_json(market) for market in order.market.values()])
    quotes = [quote_latest(account.venue_id, order.symbol) for account in accounts]
    known = [quote for quote in quotes if quote is not None]
    candles: tuple[Candle, ...] = ()
    if ALGORITHM_SPECS[order.algorithm].wants_candles:
        since = now - timedelta(days=MAX_LOOKBACK)
        candles = candles_of([account.venue_id for account in accounts], order.symbol, since=since, until=now)
    spends = limits.quote if order.side == Side.BUY else limits.base
    free = balances_sum(balances_free(accounts, spends).values())
    return OrderMarket(limits, reference_quote(known, now) or next(iter(known), None), candles, free, now)


def amendment_of(order: Order, market: OrderMarket, raw: Mapping[str, Any], now: datetime) -> Amendment:
    """The order with ``raw`` changes.

    1. Read them; what cannot be read or changed is a problem each. 2. The end. 3. The quantity, the limit price
    and the balance. 4. What is different at all. 5. The plan for what remains, from now on.
    """
    terms = order.terms
    if terms is None:
        raise RuntimeError(f"order {order.public_id} has no terms")
    amended = Amendment(
        order=order,
        terms=terms,
        market=market,
        parameters=parse_parameters(order.algorithm, terms.parameters),
        before=order.quantity,
        quantity=order.quantity,
        limit_price=terms.limit_price,
        end_at=terms.end_at,
        done=done_of(order),
        least=exposure_of(order),
    )
    steps: tuple[Callable[[], None], ...] = (
        lambda: _read_amounts(amended, raw),
        lambda: _read_parameters(amended, raw, now),
        lambda: _judge_amounts(amended),
        lambda: _judge_balance(amended),
        lambda: _note_changes(amended),
    )
    for step in steps:
        _collect(amended, step)
    if not amended.problems:
        _collect(amended, lambda: _plan(amended, now))
    return amended


def _collect(amended: Amendment, step: Callable[[], None]) -> None:
    try:
        step()
    except Refused as refused:
        amended.problems.extend(refused.problems)


# --- what is asked for ---------------------------------------------------------------------------


def _read_amounts(amended: Amendment, raw: Mapping[str, Any]) -> None:
    problems: list[Problem] = []
    readers: dict[str, Callable[[Any], Any]] = {
        "quantity": lambda value: parse_decimal("quantity", "quantity", value),
        "limit_price": lambda value: (
            None if value in (None, "") else parse_decimal("limit_price", "limit price", value)
        ),
    }
    for name, read in readers.items():
        if name in raw:
            try:
                setattr(amended, name, read(raw[name]))
            except Refused as refused:
                problems.extend(refused.problems)
    if problems:
        raise Refused(problems)


def _read_parameters(amended: Amendment, raw: Mapping[str, Any], now: datetime) -> None:
    """The parameters as they would be, and with a new duration or end the new end."""
    algorithm, before = amended.order.algorithm, amended.parameters
    allowed = amendable_names(ALGORITHMS[algorithm].parameters) | set(TERMS)
    if unknown := sorted(set(raw) - allowed):
        names = ", ".join(sorted(allowed))
        raise Refused(
            [
                Problem(name, f"{name} cannot change while the order runs; these can: {names}", name, names)
                for name in unknown
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
    amended.parameters = parse_parameters(algorithm, {**amended.terms.parameters, **given})
    if (amended.parameters.duration, amended.parameters.end_at) != (before.duration, before.end_at):
        amended.end_at = _end(amended)
        _judge_end(amended, now)
    if problems := fixed_end_problems(amended.parameters, amended.end_at):
        raise Refused(problems)


def _end(amended: Amendment) -> datetime:
    parameters = amended.parameters
    duration = parameters.duration or parameters.default_duration or timedelta(0)
    return parameters.end_at or amended.terms.start_at + duration


def _judge_end(amended: Amendment, now: datetime) -> None:
    end, start = amended.end_at, amended.terms.start_at
    name = "end_at" if amended.parameters.end_at is not None else "duration"
    soonest = max(start, now) + MIN_SLICE
    if end < soonest:
        message = f"the end would be {end:%Y-%m-%d %H:%M:%S} UTC; it must be at least {soonest:%Y-%m-%d %H:%M:%S} UTC"
        raise Refused([Problem(name, message, end.isoformat(), soonest.isoformat())])
    if end - start > MAX_DURATION:
        message = f"the order would work for {as_clock(end - start)}; at most {MAX_DURATION.days} days"
        raise Refused([Problem(name, message, as_clock(end - start), as_clock(MAX_DURATION))])


# --- whether it may be -----------------------------------------------------------------------------


def _judge_amounts(amended: Amendment) -> None:
    limits = amended.market.limits
    if amended.limit_price != amended.terms.limit_price:
        check_limit_price(amended.limit_price, limits)
    if amended.quantity == amended.before:
        return
    base_quantity(amended.quantity, Unit.BASE, limits, amended.price)
    if amended.quantity < amended.least:
        message = (
            f"quantity {plain(amended.quantity)} {limits.base} is under what is filled and what may still be of the "
            f"children that are out: {plain(amended.least)} {limits.base}"
        )
        raise Refused([Problem("quantity", message, plain(amended.quantity), plain(amended.least))])


def _judge_balance(amended: Amendment) -> None:
    """What needs more than before must be there: what is not out yet, at its limit, with fees."""
    price = amended.limit_price or amended.price
    need = _need(amended, amended.quantity, price)
    before = _need(amended, amended.before, amended.terms.limit_price or amended.price)
    free, limits = amended.market.free, amended.market.limits
    if need is None or free is None or need <= free or (before is not None and need <= before):
        return
    currency = limits.quote if amended.side is Side.BUY else limits.base
    message = (
        f"what is not sent yet needs {round_up(need):,f} {currency} with fees; the accounts have "
        f"{round_down(free):,f} {currency} free"
    )
    name = "quantity" if amended.quantity != amended.before else "limit_price"
    raise Refused([Problem(name, message, plain(round_up(need)), plain(free))])


def _need(amended: Amendment, quantity: Decimal, price: Decimal | None) -> Decimal | None:
    unsent = max(quantity - amended.least, ZERO)
    if amended.side is Side.SELL:
        return unsent
    return None if price is None else unsent * price * (1 + (amended.market.limits.taker_fee or ZERO))


def _note_changes(amended: Amendment) -> None:
    """What is different; nothing at all is refused where nothing else is wrong."""
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
    amended.changes = tuple(found)
    if not amended.changes and not amended.problems:
        raise Refused([Problem("", "nothing would change")])


def _number(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _word(value: Any) -> str | None:
    if isinstance(value, Decimal):
        return plain(value)
    return as_clock(value) if isinstance(value, timedelta) else None if value is None else str(value)


# --- the new plan ----------------------------------------------------------------------------------


def _plan(amended: Amendment, now: datetime) -> None:
    """The algorithm's own plan for what remains, on the lot; what is finer goes with the last slice."""
    order, limits, start = amended.order, amended.market.limits, max(now, amended.terms.start_at)
    if amended.end_at <= start:
        message = f"the order's time is over since {amended.end_at:%H:%M:%S} UTC; give a later end"
        raise Refused([Problem("end_at", message, amended.end_at.isoformat(), start.isoformat())])
    if amended.remaining <= ZERO:
        amended.plan = Plan((), order.forecast, ("everything is filled: the order completes",))
        return
    bounds = plan_bounds(amended.remaining, limits, amended.price, start, amended.end_at)
    if amended.remaining < bounds.minimum:
        note = (
            f"what remains, {plain(amended.remaining)} {limits.base}, is under the exchange's minimum of "
            f"{plain(bounds.minimum)} {limits.base}"
        )
        only = SlicePlan(1, start, amended.end_at, amended.remaining)
        amended.plan = Plan((only,), order.forecast, (note,))
        return
    quantity = floor_to(amended.remaining, limits.lot)
    given = PlanInput(
        now=now,
        side=amended.side,
        quantity=quantity,
        parameters=_for_the_rest(amended, start, bounds.max_slices),
        limit_price=amended.limit_price,
        start=start,
        end=amended.end_at,
        market=limits,
        price=amended.price,
        quote=amended.market.fresh_quote,
        candles=amended.market.candles,
        is_rest=True,
    )
    plan = plan_order(order.algorithm, given)
    last = replace(plan.slices[-1], quantity=plan.slices[-1].quantity + amended.remaining - quantity)
    amended.plan = replace(plan, slices=(*plan.slices[:-1], last))


def _for_the_rest(amended: Amendment, start: datetime, most: int) -> AlgorithmParameters:
    """A number of slices was of the whole order: for the rest as many as keep their length."""
    current = plan_rows(amended.order)
    if getattr(amended.parameters, "slices", None) is None or not current:
        return amended.parameters
    length = (current[-1].ends_at - current[0].starts_at) / len(current)
    count = max(1, min(most, round((amended.end_at - start) / length)))
    return amended.parameters.model_copy(update={"slices": count})
