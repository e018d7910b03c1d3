"""The preview of an order that does not exist yet: its plan, its numbers and its checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from execution import notify
from execution.core.algorithms.registry import ALGORITHM_SPECS, plan_order
from execution.core.algorithms.replan import fixed_end_problems
from execution.core.limits.judgement import Verdict
from execution.core.orders.parameters import AlgorithmParameters
from execution.core.orders.plans import PlanInput, base_quantity, check_limit_price, plan_bounds
from execution.core.orders.terms import OrderRequest, parse_parameters
from execution.core.orders.view import AccountView
from execution.core.problem_codes import Code
from execution.core.problems import Problem, attempt, refuse, refuse_if
from execution.core.routing.sor import may_take_at_once
from execution.core.types import Market, MarketStatus
from execution.models import Account, CredentialState, Role, User
from execution.selectors.halts import ANY_KIND, halt_covering, halt_problem
from execution.selectors.markets import markets_of
from execution.selectors.room import room_problem
from execution.selectors.ticket import lookalike_find
from execution.selectors.venues import account_views
from execution.services.orders.affordability import unaffordable
from execution.services.orders.checks import checks_of
from execution.services.orders.limits import limit_problems, preview_verdict
from execution.services.orders.market_problems import band_problems, closed_problems, size_problems
from execution.services.orders.order_market import OrderMarket, order_market
from execution.services.orders.seeds import seeded
from execution.services.orders.stages import PlannedOrder, Preview, RequestedTerms, Route

#: The time within which a requested order book arrives. After it the venue is shown as giving none.
BOOKS_COME_WITHIN = timedelta(seconds=5)


def order_preview(*, person: User, request: OrderRequest, now: datetime) -> Preview:
    """Judge a request for an order by its market, its balances and the time. Nothing is written.

    Limits and checks come last, because they need everything that is known of the order.
    """
    preview = order_stages(person=person, request=request, now=now)
    return preview if preview.market is None else with_verdict(preview, preview_verdict(preview))


def with_verdict(preview: Preview, verdict: Verdict) -> Preview:
    """Return the preview with the limits that the order exceeds, the resulting problems, and the ticket's checks."""
    problems = (*preview.problems, *limit_problems(verdict))
    preview = replace(preview, problems=problems, verdict=verdict)
    return replace(preview, checks=tuple(checks_of(preview)))


def order_stages(*, person: User, request: OrderRequest, now: datetime) -> Preview:
    """Judge a request by everything but the limits.

    Limits are judged later, because they may bound several orders together.

    1. The market: the person may trade, the accounts are the person's, the symbol is listed at each.
    2. Whether any order may start: the disk has room, and there is no halt. The submit checks that again under a lock.
    3. The terms: when, at what limit, how much, and whether the balances pay for it.
    4. The slices and the route.

    If a step finds a problem, the later steps still judge as much as they can.
    """
    problems: list[Problem] = []
    market = attempt(problems, lambda: _market(person, request, now))
    if market is None:
        return Preview(request, now, problems=tuple(problems))
    asked = notify.request_books([account.venue_id for account in market.accounts], request.symbol, now)
    problems += _standing_problems(person, request, market)
    terms = _terms(person, request, market, problems)
    problems += _closed_problems(market, terms)
    planned = _planned(request, market, terms, asked, problems)
    lookalike = lookalike_find(person=person, request=request, now=now)
    return Preview(request, now, market, terms, planned, lookalike, tuple(problems), person=person)


# --- the market ----------------------------------------------------------------------------------


def _market(person: User, request: OrderRequest, now: datetime) -> OrderMarket:
    if person.role != Role.TRADER:
        message = f"A {person.role} does not trade."
        refuse("", message, person.role, Role.TRADER.value, code=Code.ROLE_NOT_ALLOWED)
    accounts, listings = _listings(person, request.accounts, request.symbol)
    return order_market(
        accounts=accounts,
        markets={account.public_id: listings[account.pk] for account in accounts},
        symbol=request.symbol,
        side=request.side,
        algorithm=request.algorithm,
        now=now,
    )


def with_listing_problems(
    problems: Sequence[Problem], *, person: User, accounts: Sequence[str], symbol: str
) -> list[Problem]:
    """Return the problems of an order that cannot be read, and those of its accounts and symbol.

    A person then sees everything that is wrong at once. If the accounts or the symbol are among the problems already,
    nothing is added.
    """
    found: list[Problem] = []
    if not {"accounts", "symbol"} & {problem.field for problem in problems}:
        attempt(found, lambda: _listings(person, accounts, symbol.strip().upper()))
    return [*problems, *found]


def _listings(person: User, named: Sequence[str], symbol: str) -> tuple[list[Account], dict[int, Market]]:
    """Return the accounts, and the rules of the symbol's market on each, by the account's primary key."""
    accounts = _accounts(person, named)
    listings = markets_of(accounts, symbol)
    refuse_if([_unlisted(account, symbol) for account in accounts if account.pk not in listings])
    return accounts, listings


def _accounts(person: User, named: Sequence[str]) -> list[Account]:
    theirs = list(person.accounts.filter(is_active=True).select_related("venue"))
    by_name = {account.label: account for account in theirs} | {
        account.public_id: account for account in theirs
    }
    problems = [
        Problem("accounts", f"You have no account {name!r}.", name, code=Code.ACCOUNT_UNKNOWN)
        for name in named
        if name not in by_name
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
            message = f"Account {account.label} is named more than once."
            problems.append(Problem("accounts", message, account.label, code=Code.VALUE_REPEATED))
        elif account.pk not in keyed:
            message = f"Account {account.label} has no key in use."
            problems.append(Problem("accounts", message, account.label, code=Code.ACCOUNT_WITHOUT_KEY))
    refuse_if(problems)
    return found


def _unlisted(account: Account, symbol: str) -> Problem:
    if symbol in account.symbols:
        message = (
            f"The lot and tick of {symbol} on {account.label} are not known yet: the venue has not answered."
        )
        return Problem("symbol", message, symbol, code=Code.MARKET_UNKNOWN)
    message = f"Symbol {symbol!r} is not traded on {account.label}."
    return Problem("symbol", message, symbol, ", ".join(account.symbols), code=Code.SYMBOL_NOT_LISTED)


def _standing_problems(person: User, request: OrderRequest, market: OrderMarket) -> list[Problem]:
    problems = [room_problem()]
    accounts = [account.pk for account in market.accounts]
    halt = halt_covering(
        trader_pk=person.pk,
        symbol=request.symbol,
        algorithm=request.algorithm,
        account_pks=accounts,
        kinds=ANY_KIND,
    )
    if halt is not None:
        problems.append(halt_problem(halt))
    return [problem for problem in problems if problem is not None]


def _closed_problems(market: OrderMarket, terms: RequestedTerms) -> list[Problem]:
    """Return a problem for each market that takes no new order of this side now.

    When an order that starts later begins, a market that is closed now may be open. So for such an order only a
    market that is no longer listed is a problem.
    """
    starts_later = terms.start_at is not None and terms.start_at > market.now
    judged = {
        label: limits
        for label, limits in market.by_label.items()
        if not starts_later or limits.status is MarketStatus.NOT_LISTED
    }
    return closed_problems(market.side, judged)


# --- the terms -----------------------------------------------------------------------------------


def _terms(
    person: User, request: OrderRequest, market: OrderMarket, problems: list[Problem]
) -> RequestedTerms:
    parameters = attempt(problems, lambda: _parameters(person, request, market.now))
    start_at, end_at = None, None
    if parameters is not None and (window := attempt(problems, lambda: parameters.window(market.now))):
        start_at, end_at = window
        problems += fixed_end_problems(parameters, end_at)
    attempt(problems, lambda: check_limit_price(request.limit_price, market.limits))
    price = market.price(request.limit_price)
    quantity = attempt(problems, lambda: base_quantity(request.quantity, request.unit, market.limits, price))
    notional = None
    if quantity is not None:
        notional = None if price is None else quantity * price
        need = market.needs(quantity, request.limit_price, parameters)
        problems += unaffordable(
            market.spending, market.accounts, person, need, field="quantity", label="The order"
        )
        problems += size_problems(quantity, market.limits, price)
    problems += band_problems(market.side, request.limit_price, market.limits, market.mid)
    return RequestedTerms(parameters, start_at, end_at, quantity, notional)


def _parameters(person: User, request: OrderRequest, now: datetime) -> AlgorithmParameters:
    parameters = parse_parameters(request.algorithm, request.parameters)
    return seeded(parameters, person=person, request=request, now=now)


# --- the plan ------------------------------------------------------------------------------------


def _planned(
    request: OrderRequest,
    market: OrderMarket,
    terms: RequestedTerms,
    asked: Mapping[int, datetime],
    problems: list[Problem],
) -> PlannedOrder:
    parameters, start, end, quantity = terms.parameters, terms.start_at, terms.end_at, terms.quantity
    if parameters is None or start is None or end is None or quantity is None:
        return PlannedOrder()
    given = market.plan_input(parameters, quantity, request.limit_price, start, end)
    bounds = plan_bounds(quantity, market.limits, given.price, start, end)
    plan = attempt(problems, lambda: plan_order(request.algorithm, given))
    # A market that is closed is a problem already, and nothing can go there.
    is_closed = any(problem.code is Code.MARKET_CLOSED for problem in problems)
    if plan is None or is_closed or not may_take_at_once(parameters):
        return PlannedOrder(bounds, plan)
    return PlannedOrder(bounds, plan, _route(request, market, given, asked, problems))


def _route(
    request: OrderRequest,
    market: OrderMarket,
    plan_input: PlanInput,
    asked: Mapping[int, datetime],
    problems: list[Problem],
) -> Route | None:
    spec = ALGORITHM_SPECS[request.algorithm]
    views = account_views(
        market.accounts,
        request.symbol,
        request.side,
        markets=market.markets,
        quotes=market.quotes,
        balances={name: market.spending.spendable(name) for name in market.balances},
        now=market.now,
    )
    split = spec.route(plan_input, views)
    if split is None:
        return None
    if (judge := spec.judge) is not None:
        attempt(problems, lambda: judge(plan_input, views, split))
    awaited, missing = _books(market, views, asked)
    return Route(None if awaited else split, awaited, missing)


def _books(
    market: OrderMarket, views: Sequence[AccountView], asked: Mapping[int, datetime]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    bookless = {view.account for view in views if view.book is None and not view.trouble(market.now)}
    late = {
        account.public_id
        for account in market.accounts
        if market.now - asked.get(account.venue_id, market.now) > BOOKS_COME_WITHIN
    }
    labels = {account.public_id: account.label for account in market.accounts}
    awaited, missing = bookless - late, bookless & late
    return tuple(labels[key] for key in labels if key in awaited), tuple(
        labels[key] for key in labels if key in missing
    )
