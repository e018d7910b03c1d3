"""Any legal view, drawn from one seed: all algorithms, statuses, children, quotes, books, terms and plans."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from execution.core.orders.parameters import (
    AlgorithmParameters,
    AtEnd,
    IcebergParameters,
    InsufficientLiquidity,
    IsParameters,
    OutsideLimit,
    PovParameters,
    RouteMode,
    SorParameters,
    TwapParameters,
    VwapParameters,
)
from execution.core.orders.plans import SlicePlan, spread_slices
from execution.core.orders.view import CROSS, REST, AccountView, ChildView, OrderView, Rejections
from execution.core.orders.volume_gaps import VolumeGaps
from execution.core.quantities import combined_market, floor_to, minimum_quantity, split_weighted
from execution.core.states import CHILD_FINAL, ChildStatus, OrderStatus
from execution.core.types import ZERO, Book, Market, MarketStatus, Quote, Side
from tests.core.builders import MARKET, NOW, D

MODELS: dict[str, type[AlgorithmParameters]] = {
    "twap": TwapParameters,
    "vwap": VwapParameters,
    "pov": PovParameters,
    "is": IsParameters,
    "iceberg": IcebergParameters,
    "sor": SorParameters,
}
LATER = (OrderStatus.CLOSING, OrderStatus.PAUSED, OrderStatus.SCHEDULED, OrderStatus.PENDING_APPROVAL)


def any_view(seed: int) -> OrderView:
    """Return the view of one seed. The quantities of its children do not overfill the order."""
    draw = random.Random(seed)
    mid = D(draw.choice(["60000", "2.5", "0.0312", "0.00001234"]))
    venues = [_venue(draw, name, mid) for name in ("alpha", "beta", "gamma")[: draw.choice([1, 1, 2, 3])]]
    market = combined_market([venue.market for venue in venues])
    least = minimum_quantity(market, mid)
    quantity = floor_to(least * draw.randint(1, draw.choice([3, 30, 300])), market.lot) + least
    length = timedelta(seconds=draw.choice([4, 40, 180, 7200]))
    algorithm = draw.choice(list(MODELS))
    start = NOW
    count = 1 if algorithm in {"iceberg", "sor"} else draw.randint(1, min(int(quantity / least), 12))
    slices = _slices(draw, quantity, market, count, length)
    moment = draw.choice(
        [0.0, 0.01, 0.3, 0.5, 0.93, 0.98, 0.999, 1.0, 1.5, -0.1, *[draw.random() for _ in range(10)]]
    )
    now = start + length * moment
    children, done = _children(draw, venues, slices, quantity, now, mid)
    if draw.random() < 0.3:  # the plan was made anew: the children are of slices that are no more
        children = [replace(child, slice_number=None) for child in children]
    side = draw.choice(list(Side))
    limit = draw.choice([None, None, D("0.99"), D(1), D("1.01"), D("0.5"), D("1.0003")])
    status = draw.choice(LATER) if draw.random() < 0.1 else OrderStatus.WORKING
    return OrderView(
        now=now,
        status=status,
        outcome=OrderStatus.CANCELLED if status is OrderStatus.CLOSING else None,
        outcome_reason="",
        side=side,
        quantity=quantity,
        done=done,
        limit_price=None if limit is None else max(floor_to(mid * limit, market.tick), market.tick),
        start_at=start,
        end_at=start + length,
        parameters=_parameters(draw, algorithm, length, quantity, least, mid, market),
        slices=slices,
        children=tuple(children),
        accounts=tuple(_at(draw, venue, now, mid) for venue in venues),
        algorithm=algorithm,
        arrival_mid=draw.choice([None, mid, mid * D("1.002")]),
        halted="halted" if draw.random() < 0.05 else "",
        rejections=_rejections(draw, now),
        extended=draw.choice([timedelta(0), length / 3]),
        traded_since_start=draw.choice([None, ZERO, quantity / 2, quantity * 20]),
        memo={"outside_since": min(now - timedelta(seconds=20), start + length / 2).isoformat()}
        if draw.random() < 0.1
        else {},
        volume_gaps=_gaps(draw, now),
    )


def _gaps(draw: random.Random, now: datetime) -> VolumeGaps:
    if draw.random() < 0.5:
        return VolumeGaps()
    return VolumeGaps(
        until=now - timedelta(seconds=draw.choice([0, 3, 30, 31, 600])),
        silent_since=draw.choice([None, now - timedelta(seconds=40)]),
        lost=timedelta(seconds=draw.choice([0, 2, 90])),
        estimate=draw.choice([None, ZERO, D("0.5")]),
    )


def _venue(draw: random.Random, name: str, mid: Decimal) -> AccountView:
    tick = D(10) ** (mid.adjusted() - draw.choice([2, 4, 6]))
    fee = draw.choice([None, ZERO, D("0.001")])
    market = replace(
        MARKET,
        tick=tick,
        lot=D(10) ** -(mid.adjusted() + draw.choice([0, 1, 3])),
        min_quantity=draw.choice([ZERO, D(1) / D(10) ** (mid.adjusted() + 1)]),
        min_notional=draw.choice([ZERO, D(5), D(10)]),
        max_quantity=draw.choice([None, None, D(2000) / D(10) ** mid.adjusted()]),
        taker_fee=fee,
    )
    market = replace(
        market,
        max_notional=draw.choice([None, None, None, D(4000), D(25)]),
        buy_band_low=draw.choice([None, None, D("0.2"), D("0.995")]),
        buy_band_high=draw.choice([None, None, D(5), D("1.002")]),
        sell_band_low=draw.choice([None, None, D("0.2"), D("0.998")]),
        sell_band_high=draw.choice([None, None, D(5), D("1.005")]),
        status=draw.choice([*[MarketStatus.OPEN] * 5, MarketStatus.POST_ONLY]),
    )
    free = draw.choice([None, D(10) ** 9, D(10) ** 9, ZERO, D(100) / D(10) ** mid.adjusted()])
    blocked = "closed" if draw.random() < 0.1 else ""
    return AccountView(name, name, market, None, free=free, blocked=blocked)


def _slices(
    draw: random.Random, quantity: Decimal, market: Market, count: int, length: timedelta
) -> tuple[SlicePlan, ...]:
    weights = [draw.choice([0.05, 0.5, 1.0, 1.0]) for _ in range(count)]
    return spread_slices(split_weighted(quantity, market.lot, weights), NOW, NOW + length)


def _parameters(
    draw: random.Random,
    algorithm: str,
    length: timedelta,
    quantity: Decimal,
    least: Decimal,
    mid: Decimal,
    market: Market,
) -> AlgorithmParameters:
    given: dict[str, Any] = {"collar_bp": draw.choice([D("0.1"), D(5), D(50), D(500)])}
    given |= {"duration": length} if draw.random() < 0.8 else {"end_at": NOW + length}
    if algorithm == "sor":
        given |= {"mode": draw.choice(list(RouteMode)), "shortfall": draw.choice(list(InsufficientLiquidity))}
    elif algorithm == "iceberg":
        shown = max(floor_to(quantity / draw.choice([1, 2, 7]), market.lot), least)
        given |= {
            "visible_quantity": shown,
            "randomise_visible": draw.choice([ZERO, D("0.4")]),
            "seed": draw.randint(0, 9),
            "refill_pause": timedelta(seconds=draw.choice([0, 1, 30])),
            "at_end": draw.choice(list(AtEnd)),
        }
    else:
        would = draw.choice([None, None, None, D("0.999"), D("1.001")])
        given |= {
            "urgency": draw.choice([ZERO, D("0.2"), D("0.5"), D("0.75"), D(1)]),
            "participation_cap": draw.choice([None, None, D("0.1"), D(1)]),
            "catch_up_cap": draw.choice([D(1), D("1.5"), D(3)]),
            "i_would_price": would and mid * would,
            "at_end": draw.choice(list(AtEnd)),
            "outside_limit": draw.choice(list(OutsideLimit)),
        }
    if algorithm == "pov":
        given["participation_rate"] = draw.choice([D("0.05"), D("0.5"), D(1)])
    return MODELS[algorithm](**given)


def _at(draw: random.Random, venue: AccountView, now: Any, mid: Decimal) -> AccountView:
    """Return the venue with a quote and a book, mostly good ones."""
    tick, age = venue.market.tick, timedelta(seconds=draw.choice([0, 0, 0.1, 1, 1, 2, 4, 4, 8]))
    bid = max(floor_to(mid, tick) + draw.randint(-3, 3) * tick, tick)
    size = draw.choice([None, venue.market.lot * 100])
    quote = Quote(
        bid, bid + draw.choice([1, 1, 1, 2, 2, 4, 20, 20, 500, 0, -1]) * tick, size, size, now - age
    )
    if draw.random() < 0.05:
        return venue
    return replace(venue, quote=quote, book=_book(draw, venue, quote, now))


def _book(draw: random.Random, venue: AccountView, quote: Quote, now: Any) -> Book | None:
    kind = draw.choice(["none", "empty", "sane", "sane", "sane", "far"])
    if kind == "none" or quote.ask <= quote.bid:
        return None
    tick, lot = venue.market.tick, venue.market.lot
    bid, ask = quote.bid, quote.ask
    if kind == "far":  # the book and the quote need not be of the same moment
        move = floor_to(bid * D(draw.choice(["0.2", "-0.2", "0.01", "-0.01"])), tick)
        bid, ask = bid + move, ask + move
    depth = 0 if kind == "empty" else draw.choice([1, 3])
    step = draw.choice([1, 1, 2, 1000]) * tick
    sizes = [draw.randint(0, 400) * lot for _ in range(depth)]
    bids = tuple((bid - place * step, size) for place, size in enumerate(sizes) if bid > place * step)
    asks = tuple((ask + place * step, size) for place, size in enumerate(sizes))
    return Book(bids, asks, now - timedelta(seconds=draw.choice([0, 0.5, 2, 5])))


def _children(
    draw: random.Random,
    venues: Sequence[AccountView],
    slices: Sequence[SlicePlan],
    quantity: Decimal,
    now: Any,
    mid: Decimal,
) -> tuple[list[ChildView], Decimal]:
    """Draw children of any status, and their filled quantity: together at most the order's quantity."""
    lot = max(venue.market.lot for venue in venues)
    done = floor_to(quantity * D(str(draw.choice([0, 0, 0, 0.3, 0.9, 0.99, draw.random()]))), lot)
    room, children = quantity - done, []
    for sequence in range(1, draw.choice([0, 0, 1, 2, 5]) + 1):
        venue = draw.choice(venues)
        status = draw.choice(list(ChildStatus))
        size = floor_to(quantity * D(str(draw.choice([0.01, 0.1, 0.5]))), venue.market.lot)
        size = min(size, floor_to(room, venue.market.lot))
        if size <= ZERO:
            break
        part = draw.choice([ZERO, D("0.4"), D(1)]) if status is not ChildStatus.REJECTED else ZERO
        own = size if status is ChildStatus.FILLED else floor_to(size * part, venue.market.lot)
        is_settled = status in CHILD_FINAL and draw.random() < 0.8
        rests = draw.random() < 0.7
        at = now - timedelta(seconds=draw.choice([0, 0.2, 1, 6, 60]))
        tick = venue.market.tick
        price = max(floor_to(mid, tick) + draw.randint(-5, 5) * tick, tick)
        children.append(
            ChildView(
                sequence=sequence,
                account=venue.account,
                slice_number=draw.choice([part.number for part in slices]),
                purpose=REST if rests else CROSS,
                status=status,
                price=price,
                quantity=size,
                done=own,
                is_settled=is_settled,
                cancel_wanted=status is ChildStatus.CANCELLING or draw.random() < 0.1,
                intended_at=at,
                ended_at=now if is_settled else None,
                reason="InsufficientFunds: no" if status is ChildStatus.REJECTED else "",
            )
        )
        done += own
        room -= own if is_settled else size
    return children, done


def _rejections(draw: random.Random, now: Any) -> Rejections:
    count = draw.choice([*[0] * 9, 1, 3, 9, 10, 500])
    kind = draw.choice(["InvalidOrder", "OrderImmediatelyFillable"])
    return (
        Rejections(count, now - timedelta(seconds=draw.choice([0, 1, 40])), kind) if count else Rejections()
    )
