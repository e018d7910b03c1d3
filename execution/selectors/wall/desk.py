"""The contents of the supervisor's wall: every live order, and the panels beside them.

``Wall`` remembers what it has read. An order is read again only when its version has changed, and a fill of today is
counted once. Figures that change merely with time, such as lateness and health, are computed again at each read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from django.db.models import Q

from execution.core.orders.terms import ALGORITHMS
from execution.core.states import ORDER_LIVE, OrderStatus
from execution.core.types import Quote
from execution.models import Account, HaltKind, HaltScope, Order, Role, User
from execution.payloads.encode import epoch_ms, rounded_str
from execution.payloads.halts import HaltRow
from execution.payloads.wall import DeskState, WallPanels, WallPerson, WallRow, WallTotals, WallUnknown
from execution.selectors.halts import halt_rows
from execution.selectors.limits import approvals_waiting
from execution.selectors.quotes import quotes_latest
from execution.selectors.wall.health import account_rows, accounts_with_key, notice_rows, quote_pairs
from execution.selectors.wall.money import Day, at_work, money_rows, working
from execution.selectors.wall.needs import alert_rows, unknown_children, unknown_row, unknown_since
from execution.selectors.wall.orders import Held, held_orders, live_versions, moved_orders

MAX_HALTS = 50


class WallPicture(TypedDict):
    """The contents of the whole wall: rows by id, the sequence of the rows, and the panels."""

    rows: dict[str, WallRow]
    order: list[str]
    panels: WallPanels


@dataclass(slots=True)
class Wall:
    """Remembers the wall of one reader from one read to the next."""

    held: dict[int, Held] = field(default_factory=dict)
    day: Day = field(default_factory=Day)

    def read(self, now: datetime) -> WallPicture:
        """Return the wall: read changed orders, unknown children and prices, then update the rows and the panels."""
        self._read_orders()
        unknown = unknown_children()
        since: dict[int, int] = {}
        for child in unknown:
            since.setdefault(child.order_id, epoch_ms(unknown_since(child)))
        accounts = accounts_with_key()
        markets = {held.market for held in self.held.values()}
        limits = {pair for held in self.held.values() for pair in held.pairs}
        prices = quotes_latest(sorted({*quote_pairs(accounts), *markets, *limits}))
        self.held = {pk: held.judged(now, since.get(pk), prices) for pk, held in self.held.items()}
        shown = sorted(self.held.values(), key=lambda held: held.rank)
        halts = halt_rows(lifted=False, limit=MAX_HALTS)
        self.day.read(now)
        unknown_rows = [unknown_row(child) for child in unknown]
        panels = WallPanels(
            notices=notice_rows(now),
            totals=self._totals(prices, halts, unknown_rows),
            accounts=account_rows(accounts, prices, markets, _halted(halts, HaltScope.ACCOUNT), now),
            people=_people(self.held.values(), prices, _halted(halts, HaltScope.TRADER)),
            unknown=unknown_rows,
            alerts=alert_rows(now),
            approvals=approvals_waiting(),
            halts=halts,
        )
        rows = {held.row["id"]: held.row for held in shown}
        return WallPicture(rows=rows, order=list(rows), panels=panels)

    def _read_orders(self) -> None:
        versions = live_versions()
        known = {pk: held for pk, held in self.held.items() if pk in versions}
        moved = moved_orders(known, versions)
        # Read after the versions: a row may be newer than its version said, never older.
        self.held = {**known, **(held_orders(moved) if moved else {})}

    def _totals(
        self,
        prices: Mapping[tuple[int, str], Quote],
        halts: Sequence[HaltRow],
        unknown: Sequence[WallUnknown],
    ) -> WallTotals:
        rows = [held.row for held in self.held.values()]
        return WallTotals(
            state=_state(halts),
            narrow_halts=sum(halt["scope"] != HaltScope.DESK for halt in halts),
            money=money_rows(self.held.values(), prices, self.day),
            live=len(rows),
            behind=sum(row["behind"] for row in rows),
            paused=sum(row["status"] == OrderStatus.PAUSED for row in rows),
            unknown=len(unknown),
            unknown_since=min((row["since"] for row in unknown), default=None),
            without_arrival=len(self.day.without_arrival),
        )


def _state(halts: Sequence[HaltRow]) -> DeskState:
    kinds = {halt["kind"] for halt in halts if halt["scope"] == HaltScope.DESK}
    if HaltKind.STOP in kinds:
        return "halted"
    return "no_new_orders" if kinds else "active"


def _halted(halts: Sequence[HaltRow], scope: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for halt in halts:
        if halt["scope"] == scope and found.get(halt["subject"]) != HaltKind.STOP:
            found[halt["subject"]] = halt["kind"]
    return found


def _people(
    held: Collection[Held], prices: Mapping[tuple[int, str], Quote], halted: Mapping[str, str]
) -> list[WallPerson]:
    by_trader: defaultdict[int, list[Held]] = defaultdict(list)
    for order in held:
        by_trader[order.trader_pk].append(order)
    traders = User.objects.filter(role=Role.TRADER, is_active=True) | User.objects.filter(pk__in=by_trader)
    found: list[tuple[Decimal, WallPerson]] = []
    for trader in traders.order_by("username"):
        sums = working(at_work(by_trader[trader.pk]), prices)
        person = WallPerson(
            id=trader.public_id,
            name=trader.get_username(),
            live=len(by_trader[trader.pk]),
            working={name: rounded_str(amount, 2) for name, amount in sorted(sums.items())},
            halt=halted.get(trader.get_username(), ""),
        )
        found.append((sum((amount or Decimal(0) for amount in sums.values()), Decimal(0)), person))
    return [person for _, person in sorted(found, key=lambda pair: -pair[0])]


def halt_subjects() -> dict[str, list[tuple[str, str]]]:
    """Return what a halt can be set on, by scope. Each subject is a value and a label."""
    accounts = Account.objects.order_by("label")
    listed = {symbol for account in accounts for symbol in account.symbols}
    traded = Order.objects.filter(status__in=ORDER_LIVE).values_list("symbol", flat=True)
    traders = User.objects.filter(Q(role=Role.TRADER) | Q(orders__status__in=ORDER_LIVE)).distinct()
    return {
        "account": [(account.public_id, account.label) for account in accounts],
        "trader": [(person.public_id, person.get_username()) for person in traders.order_by("username")],
        "symbol": [(symbol, symbol) for symbol in sorted({*listed, *traded})],
        "algorithm": [(algorithm.name, algorithm.label) for algorithm in ALGORITHMS.values()],
    }
