"""The wall's rows: every live order of everybody, each read again only when its version has moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, F, Max, QuerySet

from execution.core import costs
from execution.core.progress import is_behind, share_due
from execution.core.states import ORDER_LIVE, OrderStatus
from execution.core.types import ZERO, Side
from execution.models import ChildOrder, Fill, Market, Order, Slice
from execution.selectors.payloads import SchedulePoint
from execution.selectors.schedules import schedule_line
from execution.selectors.texts import instant, rounded, text
from execution.selectors.wall_payloads import WallRow

#: More orders than this are read by their state instead of by their keys: SQLite's statements are bounded.
MOST_BY_KEY = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """The schedule of one plan version, which never changes."""

    version: int
    line: list[SchedulePoint]
    #: Share of the order's quantity.
    largest_slice: float


@dataclass(frozen=True, slots=True)
class Held:
    """A row, and what it takes to judge and to sum it again without the database."""

    row: WallRow
    plan: Plan
    trader_pk: int
    accounts: tuple[int, ...]
    #: Where its price comes from: the venue of its first account.
    venue_pk: int | None
    quote: str
    done: float
    left: Decimal
    arrival: Decimal | None
    created_at: datetime

    def judged(self, now_ms: int, unknown_since: int | None) -> Held:
        """The same with what time and children change: behind or not, unknown since when."""
        due = share_due(self.plan.line, now_ms)
        behind = self.row["status"] == OrderStatus.WORKING and is_behind(
            done=self.done, due=due, largest_slice=self.plan.largest_slice
        )
        if (behind, unknown_since) == (self.row["behind"], self.row["unknown_since"]):
            return self
        return replace(self, row={**self.row, "behind": behind, "unknown_since": unknown_since})

    @property
    def rank(self) -> tuple[int, float]:
        """What needs attention first; among equals the newest."""
        row = self.row
        paused = row["status"] == OrderStatus.PAUSED
        needs = (row["unknown_since"] is not None, row["needs_person"], row["behind"], paused)
        place = next((place for place, wanted in enumerate(needs) if wanted), len(needs))
        return place, -self.created_at.timestamp()


def live_versions() -> dict[int, int]:
    """Version by primary key of every live order."""
    return dict(Order.objects.filter(status__in=ORDER_LIVE).values_list("pk", "version"))


def held_orders(pks: Sequence[int], known: Mapping[int, Held]) -> dict[int, Held]:
    """These orders in a fixed number of queries; a plan that is ``known`` is not read again."""
    wanted = _by_key_or_state(pks)
    orders = list(wanted.select_related("trader", "terms").prefetch_related("accounts"))
    keys = wanted.values("pk")
    last_fills = dict(
        Fill.objects.filter(order__in=keys).values_list("order").annotate(last=Max("executed_at"))
    )
    children = ChildOrder.objects.filter(order__in=keys, is_settled=False)
    unsettled = dict(children.values_list("order").annotate(count=Count("pk")))
    plans = _plans(orders, known)
    markets = {(market.venue_id, market.symbol): market for market in Market.objects.all()}
    return {
        order.pk: _held(order, plans[order.pk], markets, last_fills.get(order.pk), unsettled.get(order.pk, 0))
        for order in orders
    }


def _by_key_or_state(pks: Sequence[int]) -> QuerySet[Order]:
    if len(pks) <= MOST_BY_KEY:
        return Order.objects.filter(pk__in=pks)
    return Order.objects.filter(status__in=ORDER_LIVE)


def _plans(orders: Sequence[Order], known: Mapping[int, Held]) -> dict[int, Plan]:
    found = {
        order.pk: known[order.pk].plan
        for order in orders
        if order.pk in known and known[order.pk].plan.version == order.plan_version
    }
    missing = [order for order in orders if order.pk not in found]
    keys = _by_key_or_state([order.pk for order in missing]).values("pk")
    slices: defaultdict[int, list[Slice]] = defaultdict(list)
    rows = Slice.objects.filter(order__in=keys, plan_version=F("order__plan_version"))
    for part in rows.order_by("order_id", "number") if missing else ():
        slices[part.order_id].append(part)
    for order in missing:
        largest = max((part.quantity for part in slices[order.pk]), default=ZERO)
        share = float(largest / order.quantity) if order.quantity > ZERO else 0.0
        found[order.pk] = Plan(order.plan_version, schedule_line(order, slices[order.pk]), share)
    return found


def _held(
    order: Order,
    plan: Plan,
    markets: Mapping[tuple[int, str], Market],
    last_fill: datetime | None,
    unsettled: int,
) -> Held:
    accounts = list(order.accounts.all())
    venue_pk = accounts[0].venue_id if accounts else None
    market = markets.get((venue_pk or 0, order.symbol))
    arrival = costs.middle(order.arrival_bid, order.arrival_ask)
    return Held(
        row=_row(order, plan, ", ".join(account.label for account in accounts), market, last_fill, unsettled),
        plan=plan,
        trader_pk=order.trader_id,
        accounts=tuple(account.pk for account in accounts),
        venue_pk=venue_pk,
        quote=market.quote if market else order.symbol.partition("/")[2],
        done=float(order.filled / order.quantity) if order.quantity > ZERO else 0.0,
        left=max(order.quantity - order.filled, ZERO),
        arrival=arrival,
        created_at=order.created_at,
    )


def _row(
    order: Order, plan: Plan, accounts: str, market: Market | None, last_fill: datetime | None, unsettled: int
) -> WallRow:
    terms = order.terms
    average = costs.average_price(order.notional, order.filled)
    arrival = costs.middle(order.arrival_bid, order.arrival_ask)
    return WallRow(
        id=order.public_id,
        version=order.version,
        status=order.status,
        outcome=order.outcome,
        reason=order.reason,
        needs_person=order.needs_person,
        trader=order.trader.get_username(),
        account=accounts,
        symbol=order.symbol,
        tick=text(market.tick) if market else None,
        lot=text(market.lot) if market else None,
        side=order.side,
        algorithm=order.algorithm,
        quantity=text(order.quantity) or "",
        filled=text(order.filled) or "",
        cost_bp=rounded(costs.slippage_bp(Side(order.side), average, arrival), 2),
        started_at=instant(order.started_at),
        end_at=instant(terms.end_at) if terms else None,
        end_is_fixed=terms.end_is_fixed if terms else False,
        last_fill_at=instant(last_fill),
        schedule=plan.line,
        unsettled=unsettled,
        behind=False,
        unknown_since=None,
    )
