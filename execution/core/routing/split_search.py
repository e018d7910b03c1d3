"""The exact search behind a split over several venues: first the largest total, then its least cost.

Each venue is represented by a curve: the cost of each quantity at the venue. Curves are convex. A venue takes
nothing, or whole lots between its least and its most. Quantities are in the base currency, costs in the quote
currency. Costs have a sign. A buy's costs are above zero and a sell's are below, so for both a lower cost is better.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cache
from math import gcd

from execution.core.quantities import floor_to
from execution.core.types import ZERO, Level

#: Decimal precision at which no product of a price, a fee and a quantity is ever rounded.
EXACT = Context(prec=150)

#: Extra cost of a unit on a curve with ``comes_last``, for the search only. It exceeds every real cost.
LAST = Decimal("1e50")

#: The quantity that each curve gets, by the curve's place in the sequence.
Shares = dict[int, Decimal]
#: For each curve, the least and the most that it may get in one branch of the search.
Bounds = tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """The cost of a quantity at one venue.

    It consists of stretches, each with a constant cost of a unit. These ``unit_costs`` never fall from one stretch to
    the next. ``ends`` has the quantity up to the end of each stretch, and ``totals`` the cost of that quantity. The
    venue takes nothing, or whole lots from ``least`` to ``most``. A curve with ``comes_last`` gets only the quantity
    that no other curve can take.
    """

    lot: Decimal
    least: Decimal
    most: Decimal
    unit_costs: tuple[Decimal, ...]
    ends: tuple[Decimal, ...]
    totals: tuple[Decimal, ...]
    comes_last: bool = False

    def cost(self, quantity: Decimal) -> Decimal:
        """Return the cost of ``quantity``, which is at most ``most``.

        The cost of a buy is above zero, that of a sell below.
        """
        if quantity <= ZERO:
            return ZERO
        at = bisect_left(self.ends, quantity)
        return self.totals[at] - (self.ends[at] - quantity) * self.unit_costs[at]

    def allows(self, quantity: Decimal) -> bool:
        """Return True if the venue may get one child of ``quantity``."""
        return quantity > ZERO and self.least <= quantity <= self.most and quantity % self.lot == ZERO


def curve_of(
    levels: Iterable[Level], *, lot: Decimal, least: Decimal, most: Decimal, comes_last: bool = False
) -> Curve:
    """Return the curve of ``levels`` (signed unit cost, size), best first. ``least`` and ``most`` are whole lots."""
    unit_costs, ends, totals = [], [], []
    end = total = ZERO
    for unit_cost, size, cost in _on_lots(levels, lot):
        if end >= most:
            break
        end, total = end + size, total + cost
        unit_costs.append(unit_cost)
        ends.append(end)
        totals.append(total)
    return Curve(lot, least, min(most, end), tuple(unit_costs), tuple(ends), tuple(totals), comes_last)


def _on_lots(levels: Iterable[Level], lot: Decimal) -> Iterator[tuple[Decimal, Decimal, Decimal]]:
    """Yield unit cost, size and cost of whole lots. If a lot spans several levels, its unit cost is their mean."""
    begun = spent = ZERO
    for unit_cost, size in levels:
        left = size
        if begun:
            taken = min(lot - begun, left)
            begun, spent, left = begun + taken, spent + taken * unit_cost, left - taken
            if begun == lot:
                yield spent / lot, lot, spent
                begun = spent = ZERO
        rest = left % lot
        if left > rest:
            yield unit_cost, left - rest, (left - rest) * unit_cost
        if rest:
            begun, spent = rest, rest * unit_cost


# --- how much can be done --------------------------------------------------------------------------


def most_within(curves: Sequence[Curve], quantity: Decimal) -> Decimal:
    """Return the largest total, at most ``quantity``, that the curves can take together.

    The search goes from the curve with the coarsest lot to the finest. For each curve it tries the largest quantity
    first, and it stops when no larger total is possible.
    """
    ordered = sorted(curves, key=lambda curve: -curve.lot)
    mosts = [sum((curve.most for curve in ordered[at:]), ZERO) for at in range(len(ordered) + 1)]
    steps = [_common_divisor(ordered[at:]) for at in range(len(ordered))]

    @cache
    def reach(at: int, room: Decimal) -> Decimal:
        if at == len(ordered):
            return ZERO
        best, hoped = ZERO, floor_to(min(room, mosts[at]), steps[at])
        for taken in _choices(ordered[at], room):
            if best >= min(hoped, taken + mosts[at + 1]):
                break
            best = max(best, taken + reach(at + 1, room - taken))
        return best

    return reach(0, quantity)


def _choices(curve: Curve, room: Decimal) -> Iterator[Decimal]:
    taken = min(curve.most, floor_to(room, curve.lot))
    while taken >= curve.least:
        yield taken
        taken -= curve.lot
    yield ZERO


def _common_divisor(curves: Sequence[Curve]) -> Decimal:
    places = max(0, *(-int(curve.lot.as_tuple().exponent) for curve in curves), 0)
    return Decimal(gcd(*(int(curve.lot.scaleb(places)) for curve in curves))).scaleb(-places)


# --- at what cost ----------------------------------------------------------------------------------


def least_cost(curves: Sequence[Curve], total: Decimal) -> tuple[Decimal, ...]:
    """Return each curve's share of ``total`` at the least cost. ``total`` must come from ``most_within``.

    The cost of the best shares that ignore ``least`` is a lower bound for every solution. If such a share is under
    its curve's ``least``, the search has two branches: one where the curve gets nothing, and one where it gets
    ``least`` or more. A branch whose bound is no better than the best solution so far is dropped. Among equally cheap
    solutions the order of the curves decides.
    """
    best: Shares = {}
    best_cost: Decimal | None = None
    branches: list[Bounds] = [tuple((ZERO, curve.most) for curve in curves)]
    while branches:
        bounds = branches.pop()
        found = _within(curves, bounds, total, best_cost)
        if found is None:
            continue
        cost, shares = found
        under = next((at for at, share in shares.items() if ZERO < share < curves[at].least), None)
        if under is None:
            best, best_cost = shares, cost
            continue
        above = (curves[under].least, bounds[under][1])
        branches += [(*bounds[:under], each, *bounds[under + 1 :]) for each in (above, (ZERO, ZERO))]
    return tuple(best.get(place, ZERO) for place in range(len(curves)))


@dataclass(frozen=True, slots=True)
class _Pool:
    """Several curves joined into one, as if there were no lots. Each curve's share stays within its bounds.

    ``lows`` are the lower bounds. ``least`` and ``most`` are the sums of the lower and the upper bounds.
    ``least_cost`` is the cost of ``least``. ``unit_costs``, ``ends`` and ``totals`` describe the stretches above
    ``least``, cheapest first. ``places`` has the curve of each stretch.
    """

    least: Decimal
    most: Decimal
    least_cost: Decimal
    lows: Shares
    places: tuple[int, ...]
    unit_costs: tuple[Decimal, ...]
    ends: tuple[Decimal, ...]
    totals: tuple[Decimal, ...]

    def cost(self, quantity: Decimal) -> Decimal:
        """Return the least cost of ``quantity``, from ``least`` to ``most``, if lots do not matter."""
        if quantity <= self.least:
            return self.least_cost
        at = bisect_left(self.ends, quantity)
        return self.totals[at] - (self.ends[at] - quantity) * self.unit_costs[at]

    def shares(self, quantity: Decimal) -> Shares:
        """Return each curve's share of ``quantity``.

        If all curves have one lot and ``quantity`` is in whole lots, so are the shares.
        """
        found, begin = dict(self.lows), self.least
        for place, end in zip(self.places, self.ends, strict=True):
            if begin >= quantity:
                break
            found[place] += min(end, quantity) - begin
            begin = end
        return found


def _pool(curves: Sequence[Curve], members: Sequence[int], bounds: Bounds, needed: Decimal) -> _Pool:
    most = sum((bounds[place][1] for place in members), ZERO)
    lows = {place: bounds[place][0] for place in members}
    stretches = []
    least = cost = ZERO
    for place, low in lows.items():
        curve, high, begin = curves[place], bounds[place][1], ZERO
        penalty = LAST if curve.comes_last else ZERO
        least, cost = least + low, cost + curve.cost(low) + penalty * low
        for unit_cost, end in zip(curve.unit_costs, curve.ends, strict=True):
            size = min(end, high) - max(begin, low)
            if size > ZERO:
                stretches.append((unit_cost + penalty, place, begin, size))
            begin = end
    ends, totals = [], []
    end, total = least, cost
    stretches.sort()
    for unit_cost, _, _, size in stretches:
        if end >= needed:
            break
        end, total = end + size, total + unit_cost * size
        ends.append(end)
        totals.append(total)
    places = tuple(place for _, place, _, _ in stretches[: len(ends)])
    unit_costs = tuple(unit_cost for unit_cost, _, _, _ in stretches[: len(ends)])
    return _Pool(least, most, cost, lows, places, unit_costs, tuple(ends), tuple(totals))


@dataclass(frozen=True, slots=True)
class _Layer:
    """The curves whose lot is ``lot``, joined as ``own``.

    ``through`` joins them with all curves of coarser lots. Its quantities are multiples of ``step``.
    """

    lot: Decimal
    step: Decimal
    own: _Pool
    through: _Pool


def _within(
    curves: Sequence[Curve], bounds: Bounds, total: Decimal, worst: Decimal | None
) -> tuple[Decimal, Shares] | None:
    """Return the least cost of ``total`` in whole lots within the bounds, and its shares.

    Return None if no solution costs less than ``worst``. Usually the best shares that ignore the lots are whole lots,
    and so they are the result.
    """
    whole = _pool(curves, range(len(curves)), bounds, total)
    if not whole.least <= total <= whole.most or (worst is not None and whole.cost(total) >= worst):
        return None
    shares = whole.shares(total)
    if not any(share % curves[place].lot for place, share in shares.items()):
        return whole.cost(total), shares
    return _on_lots_at_least_cost(_layers(curves, bounds, total), total, worst)


def _layers(curves: Sequence[Curve], bounds: Bounds, total: Decimal) -> list[_Layer]:
    layers: list[_Layer] = []
    for lot in sorted({curve.lot for curve in curves}, reverse=True):
        coarse = [place for place, curve in enumerate(curves) if curve.lot >= lot]
        own = _pool(curves, [place for place in coarse if curves[place].lot == lot], bounds, total)
        through = _pool(curves, coarse, bounds, total) if layers else own
        layers.append(_Layer(lot, _common_divisor([curves[place] for place in coarse]), own, through))
    return layers


def _on_lots_at_least_cost(
    layers: list[_Layer], total: Decimal, worst: Decimal | None = None
) -> tuple[Decimal, Shares] | None:
    """Return the least cost of ``total`` in whole lots and its shares; None if none costs less than ``worst``.

    The search tries quantities for the curves with coarser lots. It begins at the quantity that would be best if lots
    did not matter, and goes up and down from it. The bound on the cost is convex. So each direction ends when the
    bound is no better than the best solution.
    """
    if not layers:
        return (ZERO, {}) if total == ZERO else None
    layer, coarser = layers[-1], layers[:-1]
    if total % layer.step or not layer.through.least <= total <= layer.through.most:
        return None
    if not coarser:
        return layer.own.cost(total), layer.own.shares(total)
    above, own = coarser[-1], layer.own
    lowest = max(above.through.least, total - own.most)
    highest = min(above.through.most, total - own.least)
    relaxed = layer.through.shares(total)
    start = floor_to(sum((relaxed[place] for place in above.through.lows), ZERO), above.step)
    best: tuple[Decimal, Shares] | None = None
    for begin, move in ((start, -above.step), (start + above.step, above.step)):
        coarse = begin
        while lowest <= coarse <= highest:
            rest = own.cost(total - coarse)
            if worst is not None and above.through.cost(coarse) + rest >= worst:
                break
            found = None
            if (total - coarse) % layer.lot == ZERO:
                found = _on_lots_at_least_cost(coarser, coarse, None if worst is None else worst - rest)
            if found is not None and (worst is None or found[0] + rest < worst):
                worst = found[0] + rest
                best = worst, found[1] | own.shares(total - coarse)
            coarse += move
    return best
