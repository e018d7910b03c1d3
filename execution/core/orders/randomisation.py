"""Random changes of the slices' sizes and starts, so that nobody recognises the order by its rhythm.

Every draw depends on the seed and the slice's number only. The same seed gives the same plan, in the preview and in
the order that is sent.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from execution.core.numbers import plain
from execution.core.orders.parameters import MIN_SLICE, AlgorithmParameters, SlicedParameters
from execution.core.orders.plans import SlicePlan
from execution.core.quantities import floor_to, minimum_quantity
from execution.core.types import Market

MICROSECOND = timedelta(microseconds=1)
#: A draw is a whole number from minus this to plus this.
STEPS = 10**6
#: Prefix of the name of every parameter that asks for randomness.
ASKS = "randomise_"


def wants_seed(parameters: AlgorithmParameters) -> bool:
    """Return True if the order asks for randomisation and has no seed yet."""
    if "seed" not in type(parameters).model_fields or getattr(parameters, "seed", None) is not None:
        return False
    return any(getattr(parameters, name) for name in type(parameters).model_fields if name.startswith(ASKS))


def randomised(
    slices: tuple[SlicePlan, ...], parameters: SlicedParameters, market: Market, price: Decimal | None
) -> tuple[SlicePlan, ...]:
    """Return the slices with randomly changed quantities and starts.

    A quantity changes by up to ``randomise_size`` of itself, a start by up to ``randomise_time`` of its
    slice's length. The sum of the quantities stays exact, on the same lots and between the market's minimum
    and maximum. The first start, the last end and the sequence of the slices do not change. No slice becomes
    shorter than the shortest allowed, unless it already was. Raise ``ValueError`` without a seed, because
    such a plan could not be repeated.
    """
    if not (parameters.randomise_size or parameters.randomise_time):
        return slices
    if parameters.seed is None:
        raise ValueError("randomness without a seed")
    quantities = _sizes(slices, parameters.randomise_size, parameters.seed, market, price)
    starts = _starts(slices, parameters.randomise_time, parameters.seed)
    ends = [
        after if part.ends_at == following.starts_at else part.ends_at
        for part, following, after in zip(slices, slices[1:], starts[1:], strict=False)
    ] + [part.ends_at for part in slices[-1:]]
    return tuple(
        replace(part, starts_at=start, ends_at=end, quantity=quantity)
        for part, start, end, quantity in zip(slices, starts, ends, quantities, strict=True)
    )


def random_note(parameters: SlicedParameters) -> str:
    """Return the note for the trader about a randomised plan."""
    return (
        f"slice sizes vary by up to {plain(parameters.randomise_size * 100)} %, starts by up to "
        f"{plain(parameters.randomise_time * 100)} % of a slice (seed {parameters.seed})"
    )


def _draw(seed: int, what: str, number: int) -> int:
    return random.Random(f"{seed}:{what}:{number}").randint(-STEPS, STEPS)


# --- sizes ---------------------------------------------------------------------------------------


def _sizes(
    slices: Sequence[SlicePlan], share: Decimal, seed: int, market: Market, price: Decimal | None
) -> list[Decimal]:
    quantities = [part.quantity for part in slices]
    bounds = [_spare_lots(quantity, share, market, price) for quantity in quantities]
    changes = []
    for part, (down, up) in zip(slices, bounds, strict=True):
        drawn = _draw(seed, "size", part.number)
        changes.append(int((up if drawn > 0 else down) * drawn / STEPS))
    _even_out(changes, bounds, seed)
    return [quantity + change * market.lot for quantity, change in zip(quantities, changes, strict=True)]


def _spare_lots(quantity: Decimal, share: Decimal, market: Market, price: Decimal | None) -> tuple[int, int]:
    least = minimum_quantity(market, price)
    reach = int(floor_to(quantity * share, market.lot) / market.lot)
    down = min(reach, max(int((quantity - least) / market.lot), 0))
    up = reach
    if market.max_quantity is not None:
        up = min(reach, max(int((market.max_quantity - quantity) / market.lot), 0))
    return down, up


def _even_out(changes: list[int], bounds: Sequence[tuple[int, int]], seed: int) -> None:
    order = list(range(len(changes)))
    random.Random(f"{seed}:order").shuffle(order)
    while (excess := sum(changes)) != 0:
        sign = 1 if excess > 0 else -1
        room = {at: changes[at] + bounds[at][0] if sign > 0 else bounds[at][1] - changes[at] for at in order}
        able = [at for at in order if room[at]]
        each = -(-abs(excess) // len(able))
        left = abs(excess)
        for at in able:
            taken = min(each, room[at], left)
            changes[at] -= sign * taken
            left -= taken


# --- times ---------------------------------------------------------------------------------------


def _starts(slices: Sequence[SlicePlan], share: Decimal, seed: int) -> list[datetime]:
    """Return randomly moved starts. The first stays, and no slice becomes shorter than ``MIN_SLICE``."""
    starts = [part.starts_at for part in slices[:1]]
    for before, part in pairwise(slices):
        length = part.ends_at - part.starts_at
        reach = min(length * float(share), _spare(length), _spare(part.starts_at - before.starts_at))
        moved = int(reach / MICROSECOND) * _draw(seed, "time", part.number) // STEPS
        starts.append(part.starts_at + moved * MICROSECOND)
    return starts


def _spare(length: timedelta) -> timedelta:
    return max((length - MIN_SLICE) / 2, timedelta(0))
