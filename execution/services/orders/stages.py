"""The stages of an order that does not exist yet, each made from the one before: market, terms, plan, preview."""

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
    """The request at its market; None is what could not be told."""

    parameters: AlgorithmParameters | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    quantity: Decimal | None = None
    notional: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """The route of an order that takes at once, as it would be now.

    While the books of ``books_awaited`` (labels) are on their way, ``split`` is None. The accounts of
    ``books_missing`` gave no book, and their touch stands for it.
    """

    split: Split | None
    books_awaited: tuple[str, ...]
    books_missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """The slices, what the market allows of them, and for an order that takes at once its route."""

    bounds: PlanBounds | None = None
    plan: Plan | None = None
    route: Route | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the ticket's checks. ``confirmed_by``: the field in which a person confirms what it warns of, or
    ``approval`` where another person has to.

    ``orders`` are public ids of orders that the line is about.
    """

    state: Literal["ok", "warn", "fail", "unknown"]
    text: str
    confirmed_by: str = ""
    orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """An order that does not exist yet. What is unknown is None; ``problems`` refuse it."""

    request: OrderRequest
    now: datetime
    market: OrderMarket | None = None
    terms: RequestedTerms = RequestedTerms()
    planned: PlannedOrder = PlannedOrder()
    lookalike: Lookalike | None = None
    problems: tuple[Problem, ...] = ()
    checks: tuple[Check, ...] = ()
    #: Which limits it exceeds; those that refuse it are problems already.
    verdict: Verdict = WITHIN
    #: Who asks: some orders may be named to them, others not.
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
        """Return how far the limit price is from the mid, as a fraction."""
        limit, quote = self._limit_and_quote()
        return None if limit is None or quote is None else limit / quote.mid - 1

    @property
    def worst_cost_bp(self) -> Decimal | None:
        """Return what everything at the limit price would cost against the mid."""
        limit, quote = self._limit_and_quote()
        return None if limit is None or quote is None else side_cost_bp(self.request.side, limit, quote.mid)

    def _limit_and_quote(self) -> tuple[Decimal | None, Quote | None]:
        return self.request.limit_price, None if self.market is None else self.market.sane_quote
