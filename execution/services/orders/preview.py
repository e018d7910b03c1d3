"""What an order would be: its plan, its numbers and its checks, before anything exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeVar

from execution import notify
from execution.core import types
from execution.core.algorithms.registry import ALGORITHM_SPECS, plan_order
from execution.core.algorithms.replan import fixed_end_problems
from execution.core.numbers import plain
from execution.core.orders.parameters import MAX_LOOKBACK, AlgorithmParameters
from execution.core.orders.plans import (
    Plan,
    PlanInput,
    SlicePlan,
    base_quantity,
    check_limit_price,
    plan_bounds,
)
from execution.core.orders.terms import OrderRequest, parse_parameters
from execution.core.orders.view import MAX_QUOTE_AGE, AccountView
from execution.core.problems import Problem, Refused
from execution.core.quantities import combined_market, side_cost_bp
from execution.core.routing.account_selection import reference_quote
from execution.core.routing.sor import may_take_at_once
from execution.core.routing.split import Split
from execution.core.types import ZERO, Quote, Side
from execution.models import Account, CredentialState, Role, User
from execution.selectors.candles import candles_of
from execution.selectors.halts import ANY_KIND, halt_covering, halt_problem
from execution.selectors.markets import balances_free, balances_sum, markets_of
from execution.selectors.quotes import quote_latest
from execution.selectors.room import room_problem
from execution.selectors.ticket import Lookalike, lookalike_find
from execution.selectors.venues import account_views
from execution.services.orders.checks import Check, checks_of, round_down, round_up
from execution.services.orders.seeds import seeded

T = TypeVar("T")

#: A book is there well within this time of being asked for. After it the venue is said to give none.
BOOKS_COME_WITHIN = timedelta(seconds=5)


@dataclass(slots=True)
class Preview:
    """An order that does not exist yet. What is unknown is None; ``problems`` refuse it.

    ``markets`` and ``balances`` (free of what the order spends) are by the account's public id; ``market``
    has the limits within which a slice fits all of them. ``quote`` is the reference of the accounts' quotes
    (``reference_quote``), or the first account's however old when none is fresh and sane.

    ``route`` is where an order that takes at once would go now. While the books of ``books_awaited`` (labels)
    are on their way it is None; the accounts of ``books_missing`` gave none, and their touch stands for it.
    """

    request: OrderRequest
    now: datetime
    accounts: tuple[Account, ...] = ()
    markets: dict[str, types.Market] = field(default_factory=dict)
    market: types.Market | None = None
    quotes: dict[str, Quote] = field(default_factory=dict)
    quote: Quote | None = None
    balances: dict[str, Decimal | None] = field(default_factory=dict)
    parameters: AlgorithmParameters | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    quantity: Decimal | None = None
    notional: Decimal | None = None
    minimum: Decimal | None = None
    max_slices: int | None = None
    limit_distance: Decimal | None = None
    worst_cost_bp: Decimal | None = None
    plan: Plan | None = None
    takes_at_once: bool = False
    route: Split | None = None
    books_asked: dict[int, datetime] = field(default_factory=dict)
    books_awaited: tuple[str, ...] = ()
    books_missing: tuple[str, ...] = ()
    lookalike: Lookalike | None = None
    checks: tuple[Check, ...] = ()
    problems: list[Problem] = field(default_factory=list)

    @property
    def slices(self) -> tuple[SlicePlan, ...]:
        """The plan's; empty without one."""
        return () if self.plan is None else self.plan.slices

    @property
    def quote_age(self) -> float | None:
        """Seconds since the quote was received."""
        return None if self.quote is None else max((self.now - self.quote.at).total_seconds(), 0.0)

    @property
    def quote_is_fresh(self) -> bool:
        return self.quote_age is not None and self.quote_age <= MAX_QUOTE_AGE.total_seconds()

    @property
    def price(self) -> Decimal | None:
        """The price that quantities are judged at: the mid, however old, else the limit."""
        if self.quote is not None and self.quote.is_sane:
            return self.quote.mid
        return self.request.limit_price

    @property
    def spends(self) -> str:
        """The currency that the order takes from the balances."""
        if self.market is None:
            return ""
        return self.market.quote if self.request.side is Side.BUY else self.market.base

    @property
    def needs(self) -> Decimal | None:
        """How much of ``spends`` it takes: a buy quote and fee, a sell base; None if unknown."""
        price = self.request.limit_price or self.price
        if self.quantity is None or self.request.side is Side.SELL:
            return self.quantity
        if price is None or self.market is None:
            return None
        return self.quantity * price * (1 + (self.market.taker_fee or ZERO))


def order_preview(*, person: User, request: OrderRequest, now: datetime) -> Preview:
    """Judge a request against its market, balance and clock; creates nothing.

    1. Who and where: the person may trade, the accounts are theirs, the symbol is listed at each, no halt
       covers it (the submit looks again, under the gate).
       Nor is one taken while the disk is nearly full.
    2. When: start and end. 3. At what limit, how much, and whether the balances pay for it. 4. The slices.
    5. The checks. What one step refuses does not keep the next from what it knows.
    """
    preview = Preview(request=request, now=now)
    try:
        _place(preview, person)
    except Refused as refused:
        preview.problems.extend(refused.problems)
        return preview
    who_and_when = (_room, partial(_halt, person=person), partial(_window, person=person))
    for step in (*who_and_when, _limit, _amount, _balance, _plan):
        try:
            step(preview)
        except Refused as refused:
            preview.problems.extend(refused.problems)
    preview.lookalike = lookalike_find(person=person, request=request, now=now)
    preview.checks = tuple(checks_of(preview))
    return preview


def _place(preview: Preview, person: User) -> None:
    """Accounts, limits, quotes and balances; every account that does not fit is a problem of its own."""
    request = preview.request
    if person.role != Role.TRADER:
        raise Refused([Problem("", f"a {person.role} does not trade", person.role, Role.TRADER.value)])
    accounts = _accounts(person, request.accounts)
    listings = markets_of(accounts, request.symbol)
    if problems := [_unlisted(account, request.symbol) for account in accounts if account.pk not in listings]:
        raise Refused(problems)
    preview.accounts = tuple(accounts)
    preview.markets = {account.public_id: listings[account.pk] for account in accounts}
    preview.market = combined_market(tuple(preview.markets.values()))
    quotes = {account.public_id: quote_latest(account.venue_id, request.symbol) for account in accounts}
    preview.quotes = {public_id: quote for public_id, quote in quotes.items() if quote is not None}
    known = tuple(preview.quotes.values())
    preview.quote = reference_quote(known, preview.now) or next(iter(known), None)
    venues = [account.venue_id for account in accounts]
    preview.books_asked = notify.look_at(venues, request.symbol, preview.now)
    free = balances_free(accounts, preview.spends)
    preview.balances = {account.public_id: free[account.pk] for account in accounts}


def _room(_preview: Preview) -> None:
    """A disk that is nearly full keeps its last space for the orders that run."""
    if (problem := room_problem()) is not None:
        raise Refused([problem])


def _halt(preview: Preview, *, person: User) -> None:
    halt = halt_covering(
        trader_pk=person.pk,
        symbol=preview.request.symbol,
        account_pks=[account.pk for account in preview.accounts],
        kinds=ANY_KIND,
    )
    if halt is not None:
        raise Refused([halt_problem(halt)])


def _accounts(person: User, named: tuple[str, ...]) -> list[Account]:
    """The person's accounts, by public id or label, in the order in which they are named."""
    theirs = list(person.accounts.filter(is_active=True).select_related("venue"))
    by_name = {account.label: account for account in theirs} | {
        account.public_id: account for account in theirs
    }
    problems = [
        Problem("accounts", f"you have no account {name!r}", name) for name in named if name not in by_name
    ]
    found = [by_name[name] for name in named if name in by_name]
    usable = {CredentialState.ACTIVE, CredentialState.UNCHECKED}
    keyed = set(
        Account.objects.filter(
            pk__in=[account.pk for account in found], credentials__state__in=usable
        ).values_list("pk", flat=True)
    )
    for place, account in enumerate(found):
        if account in found[:place]:
            message = f"account {account.label} is named more than once"
            problems.append(Problem("accounts", message, account.label))
        elif account.pk not in keyed:
            message = f"account {account.label} has no key in use"
            problems.append(Problem("accounts", message, account.label))
    if problems:
        raise Refused(problems)
    return found


def _unlisted(account: Account, symbol: str) -> Problem:
    message = f"symbol {symbol!r} is not traded on {account.label}"
    if symbol in account.symbols:
        message = f"limits of {symbol} on {account.label} are not known yet; the venue has not answered"
    return Problem("symbol", message, symbol, ", ".join(account.symbols))


def _window(preview: Preview, *, person: User) -> None:
    parameters = parse_parameters(preview.request.algorithm, preview.request.parameters)
    preview.parameters = seeded(parameters, person=person, request=preview.request, now=preview.now)
    preview.start_at, preview.end_at = parameters.window(preview.now)
    if problems := fixed_end_problems(parameters, preview.end_at):
        raise Refused(problems)


def _limit(preview: Preview) -> None:
    request = preview.request
    if preview.quote is not None and preview.quote.is_sane and request.limit_price is not None:
        preview.limit_distance = request.limit_price / preview.quote.mid - 1
        preview.worst_cost_bp = side_cost_bp(request.side, request.limit_price, preview.quote.mid)
    check_limit_price(request.limit_price, _known(preview.market))


def _amount(preview: Preview) -> None:
    request, market, price = preview.request, _known(preview.market), preview.price
    preview.quantity = base_quantity(request.quantity, request.unit, market, price)
    if price is not None:
        preview.notional = preview.quantity * price


def _balance(preview: Preview) -> None:
    """Balances that are known and together too small refuse; unknown ones are said in the checks."""
    need, free = preview.needs, balances_sum(preview.balances.values())
    if need is None or free is None or free >= need:
        return
    currency = preview.spends
    labels = [account.label for account in preview.accounts]
    holds = f"{labels[0]} has" if len(labels) == 1 else f"{', '.join(labels)} together have"
    needs = f"the order needs {round_up(need):,f} {currency} with fees"
    message = f"{needs}; {holds} {round_down(free):,f} {currency} free"
    raise Refused([Problem("quantity", message, plain(round_up(need)), plain(free))])


def _plan(preview: Preview) -> None:
    if (
        preview.quantity is None
        or preview.start_at is None
        or preview.end_at is None
        or preview.parameters is None
    ):
        return
    market, price = _known(preview.market), preview.price
    bounds = plan_bounds(preview.quantity, market, price, preview.start_at, preview.end_at)
    preview.minimum, preview.max_slices = bounds.minimum, bounds.max_slices
    algorithm = preview.request.algorithm
    given = PlanInput(
        now=preview.now,
        side=preview.request.side,
        quantity=preview.quantity,
        parameters=preview.parameters,
        limit_price=preview.request.limit_price,
        start=preview.start_at,
        end=preview.end_at,
        market=market,
        price=price,
        quote=preview.quote if preview.quote_is_fresh else None,
        candles=_candles(preview) if ALGORITHM_SPECS[algorithm].wants_candles else (),
    )
    preview.plan = plan_order(algorithm, given)
    _judge(preview, given)


def _judge(preview: Preview, given: PlanInput) -> None:
    """Where it would go now, for an algorithm that takes at once, and whether that is what was asked for."""
    working = ALGORITHM_SPECS[preview.request.algorithm]
    if not may_take_at_once(given.parameters):
        return
    venues = account_views(
        preview.accounts,
        preview.request.symbol,
        markets=preview.markets,
        quotes=preview.quotes,
        balances=preview.balances,
        now=preview.now,
    )
    found = working.route(given, venues)
    if found is None:
        return
    preview.takes_at_once = True
    _note_books(preview, venues)
    preview.route = None if preview.books_awaited else found
    if working.judge is not None:
        working.judge(given, venues, found)


def _note_books(preview: Preview, venues: Sequence[AccountView]) -> None:
    """Whose books are still coming, and who gave none in the time that one takes."""
    bookless = {venue.account for venue in venues if venue.book is None and not venue.trouble(preview.now)}
    late = {
        account.public_id
        for account in preview.accounts
        if preview.now - preview.books_asked.get(account.venue_id, preview.now) > BOOKS_COME_WITHIN
    }
    labels = {account.public_id: account.label for account in preview.accounts}
    preview.books_awaited = tuple(labels[key] for key in labels if key in bookless - late)
    preview.books_missing = tuple(labels[key] for key in labels if key in bookless & late)


def _candles(preview: Preview) -> tuple[types.Candle, ...]:
    """What of the venues' history is known, as much as any plan looks back."""
    venues = [account.venue_id for account in preview.accounts]
    since = preview.now - timedelta(days=MAX_LOOKBACK)
    return candles_of(venues, preview.request.symbol, since=since, until=preview.now)


def _known(value: T | None) -> T:
    """A value that an earlier step has set; its absence is a fault of ours."""
    if value is None:
        raise RuntimeError("a step of the preview ran before the one that it needs")
    return value
