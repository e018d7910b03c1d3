"""The stages in which an order that does not exist yet is judged: market, terms, plan, preview.

Each stage is made from the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from execution.core.limits.judgement import WITHIN, Verdict
from execution.core.orders.parameters import AlgorithmParameters
from execution.core.orders.plans import Plan, PlanBounds, SlicePlan
from execution.core.orders.terms import OrderRequest
from execution.core.problems import Problem
from execution.core.quantities import side_cost_bp
from execution.core.routing.split import Split
from execution.core.types import Market, Quote
from execution.models import Account, User
from execution.selectors.ticket import Lookalike
from execution.services.orders.order_market import OrderMarket


@dataclass(frozen=True, slots=True)
class RequestedTerms:
    """The terms of a requested order, as far as its market allows to compute them.

    None stands for an unknown value.
    """

    parameters: AlgorithmParameters | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    quantity: Decimal | None = None
    notional: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """The present split over its accounts' books of an order that takes at once.

    ``books_awaited`` are labels of accounts whose books have been requested and have not arrived. Until they arrive
    ``split`` is None. The accounts in ``books_missing`` gave no book, so their best price is used instead.
    """

    split: Split | None
    books_awaited: tuple[str, ...]
    books_missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """The plan of an order, the bounds that the market sets to the plan, and the route if the order takes at once."""

    bounds: PlanBounds | None = None
    plan: Plan | None = None
    route: Route | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checks on the order ticket.

    ``confirmed_by`` is the form's field in which a person confirms the warning. It is ``approval`` if another person
    has to approve. ``orders`` are the public ids of the orders that the line is about.
    """

    state: Literal["ok", "warn", "fail", "unknown"]
    text: str
    confirmed_by: str = ""
    orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """An order that does not exist yet. Unknown values are None. If there are ``problems``, it cannot be sent."""

    request: OrderRequest
    now: datetime
    market: OrderMarket | None = None
    terms: RequestedTerms = RequestedTerms()
    planned: PlannedOrder = PlannedOrder()
    lookalike: Lookalike | None = None
    problems: tuple[Problem, ...] = ()
    checks: tuple[Check, ...] = ()
    #: The limits that the order exceeds. Those that forbid it are in ``problems`` already.
    verdict: Verdict = WITHIN
    #: The person who asks. Only orders that this person may see are named.
    person: User | None = None

    @property
    def accounts(self) -> tuple[Account, ...]:
        return () if self.market is None else self.market.accounts

    @property
    def limits(self) -> Market | None:
        return None if self.market is None else self.market.limits

    @property
    def quote(self) -> Quote | None:
        return None if self.market is None else self.market.quote

    @property
    def slices(self) -> tuple[SlicePlan, ...]:
        return () if self.planned.plan is None else self.planned.plan.slices

    @property
    def takes_at_once(self) -> bool:
        return self.planned.route is not None

    @property
    def split(self) -> Split | None:
        return None if self.planned.route is None else self.planned.route.split

    @property
    def books_awaited(self) -> tuple[str, ...]:
        return () if self.planned.route is None else self.planned.route.books_awaited

    @property
    def limit_distance(self) -> Decimal | None:
        """Return the distance of the limit price from the mid, as a fraction."""
        limit, quote = self._limit_and_quote()
        return None if limit is None or quote is None else limit / quote.mid - 1

    @property
    def worst_cost_bp(self) -> Decimal | None:
        """Return the cost of trading everything at the limit price, in basis points of the mid."""
        limit, quote = self._limit_and_quote()
        return None if limit is None or quote is None else side_cost_bp(self.request.side, limit, quote.mid)

    def _limit_and_quote(self) -> tuple[Decimal | None, Quote | None]:
        return self.request.limit_price, None if self.market is None else self.market.sane_quote
