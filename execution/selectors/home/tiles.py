"""The live orders of the home page: each order's row with a line of its fills, and the sums of groups of orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from execution.core.orders.fill_line import Part, fill_line, merged_parts, parts_total
from execution.core.states import OrderStatus
from execution.core.types import BASIS_POINT, ZERO, Quote, Side
from execution.models import Fill
from execution.payloads.encode import decimal_str, epoch_ms, rounded_str
from execution.payloads.home import Grouping, HomeGroup, HomeRow, SideSum
from execution.payloads.orders import SchedulePoint
from execution.selectors.decisions.waiting import Pair
from execution.selectors.wall.money import at_work, working
from execution.selectors.wall.orders import Held


@dataclass(slots=True)
class FillLines:
    """The fills of live orders, merged to a line of few points, by the order's primary key."""

    parts: dict[int, list[Part]] = field(default_factory=dict)
    lines: dict[int, list[SchedulePoint]] = field(default_factory=dict)
    #: All fills up to this key are included.
    mark: int = 0

    def read(self, held: Mapping[int, Held], moved: Collection[int]) -> None:
        """Add the new fills of orders that have changed.

        All fills of an order are read if it is new, or if their sum differs from its filled quantity. The sum differs
        if a new fill was missed. That happens when a fill is committed after another with a larger primary key, or is
        attached to its order later.
        """
        self.parts = {pk: parts for pk, parts in self.parts.items() if pk in held}
        self.lines = {pk: line for pk, line in self.lines.items() if pk in held}
        known = [pk for pk in moved if pk in self.parts]
        for pk, parts in self._fills(known, self.mark).items():
            self.parts[pk] = merged_parts([*self.parts[pk], *parts], *_life(held[pk]))
        whole = [pk for pk in moved if pk not in self.parts or not self._adds_up(pk, held[pk])]
        found = self._fills(whole, 0)
        self.parts |= {pk: merged_parts(found.get(pk, ()), *_life(held[pk])) for pk in whole}
        self.lines |= {pk: fill_line(self.parts[pk], Decimal(held[pk].row["quantity"])) for pk in moved}

    def _adds_up(self, pk: int, held: Held) -> bool:
        return parts_total(self.parts[pk]) == Decimal(held.row["filled"])

    def _fills(self, pks: Collection[int], after: int) -> dict[int, list[Part]]:
        found: defaultdict[int, list[Part]] = defaultdict(list)
        if not pks:
            return found
        fills = Fill.objects.filter(order__in=pks, pk__gt=after)
        for pk, order_pk, at, quantity in fills.values_list("pk", "order_id", "executed_at", "quantity"):
            if order_pk is not None:
                found[order_pk].append((epoch_ms(at), quantity))
            self.mark = max(self.mark, pk)
        return found


def _life(held: Held) -> tuple[int, int]:
    """Return the start and the end of an order's line of fills, in milliseconds since the epoch.

    The line ends at the planned end, or at the last fill if that is later.
    """
    row = held.row
    start = row["started_at"] or row["start_at"] or row["created_at"]
    return start, max(row["end_at"] or start, row["last_fill_at"] or start)


def home_rows(held: Iterable[tuple[int, Held]], lines: FillLines) -> dict[str, HomeRow]:
    """Return the rows by id. Rows that need attention come first."""
    ranked = sorted(held, key=lambda item: item[1].rank)
    return {one.row["id"]: HomeRow(**one.row, done=lines.lines.get(pk, [])) for pk, one in ranked}


def home_groups(
    held: Collection[Held], prices: Mapping[Pair, Quote], *, by_trader: bool
) -> dict[Grouping, dict[str, HomeGroup]]:
    """Return the sums of groups of orders, by grouping and name.

    The grouping ``all`` has one group, whose name is empty. In the grouping ``basket`` the group with the empty name
    has the orders that were sent alone. The grouping ``trader`` is left out unless ``by_trader``.
    """
    by: defaultdict[Grouping, defaultdict[str, list[Held]]] = defaultdict(lambda: defaultdict(list))
    for one in held:
        by["all"][""].append(one)
        by["symbol"][one.row["symbol"]].append(one)
        by["basket"][one.row["basket"] or ""].append(one)
        if by_trader:
            by["trader"][one.row["trader"]].append(one)
    return {
        grouping: {name: _group(orders, prices) for name, orders in sorted(groups.items())}
        for grouping, groups in by.items()
    }


def _group(held: Collection[Held], prices: Mapping[Pair, Quote]) -> HomeGroup:
    begun = at_work(held)
    sums = working(begun, prices)
    return HomeGroup(
        orders=len(held),
        behind=sum(one.row["behind"] for one in held),
        paused=sum(one.row["status"] == OrderStatus.PAUSED for one in held),
        sides=_sides(begun) if len({one.row["symbol"] for one in held}) == 1 else {},
        open={currency: rounded_str(amount, 2) for currency, amount in sorted(sums.items())},
        cost_bp=rounded_str(_cost_bp(held), 2),
    )


def _sides(held: Iterable[Held]) -> dict[str, SideSum]:
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for one in held:
        filled, quantity = found.get(one.row["side"], (ZERO, ZERO))
        found[one.row["side"]] = filled + Decimal(one.row["filled"]), quantity + Decimal(one.row["quantity"])
    return {
        side: SideSum(filled=decimal_str(filled), quantity=decimal_str(quantity))
        for side, (filled, quantity) in sorted(found.items())
    }


def _cost_bp(held: Iterable[Held]) -> Decimal | None:
    """Return the cost of the filled quantity. Orders without an arrival price or a fill are left out."""
    cost = benchmark = ZERO
    for one in held:
        if one.arrival is None or one.row["average"] is None:
            continue
        filled = Decimal(one.row["filled"])
        cost += Side(one.row["side"]).sign * (Decimal(one.row["average"]) - one.arrival) * filled
        benchmark += one.arrival * filled
    return cost / benchmark / BASIS_POINT if benchmark > ZERO else None
