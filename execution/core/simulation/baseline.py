"""The baseline *plain*, a simple strategy to compare with.

Each slice rests once at the mid, and then takes its unfilled quantity.
"""

from __future__ import annotations

from decimal import Decimal

from execution.core.algorithms.decide import decide
from execution.core.orders.slices import IDLE_RECHECK, SliceTask, slice_at
from execution.core.orders.view import CROSS, REST, CancelChild, Decision, OrderView, PlaceChild
from execution.core.quantities import floor_to, minimum_quantity, round_price
from execution.core.routing.account_selection import known_quote
from execution.core.states import OrderStatus
from execution.core.types import ZERO, OrderType, TimeInForce

PLAIN = "plain"
REST_SHARE = 0.8


def plain_decide(view: OrderView) -> Decision:
    """Return the decision of the baseline: a slice rests at the mid for 80 % of its time.

    Then a market order fills the rest.

    Before the first slice and at the order's end, the desk's own ``decide`` decides.
    """
    work = slice_at(view)
    over = view.done >= view.quantity or view.now >= view.end_at
    if work is None or over or view.status is not OrderStatus.WORKING:
        return decide(view)
    crossing_at = work.part.starts_at + (work.part.ends_at - work.part.starts_at) * REST_SHARE
    crossing = view.now >= crossing_at
    old = [
        CancelChild(child.sequence, "its time is over")
        for child in view.children
        if child.can_be_cancelled and (crossing or child.slice_number != work.part.number)
    ]
    if old:
        return Decision(tuple(old), view.now + IDLE_RECHECK, "cancels what rests")
    until = work.part.ends_at if crossing else crossing_at
    if any(not child.is_settled for child in view.children):
        return Decision((), until, "waits for its order")
    purpose = CROSS if crossing else REST
    if any(child.purpose == purpose and child.slice_number == work.part.number for child in view.children):
        return Decision((), until, "did its one order")
    child = _child(view, work, purpose)
    return Decision((child,) if child is not None else (), until, purpose)


def _child(view: OrderView, work: SliceTask, purpose: str) -> PlaceChild | None:
    venue = view.accounts[0]
    quote, market = known_quote(venue), venue.market
    quantity = floor_to(max(work.target - view.done - view.exposure, ZERO), market.lot)
    if quantity < minimum_quantity(market, quote.mid):
        return None
    price: Decimal | None = None
    if purpose == REST:
        price = round_price(quote.mid, market.tick, view.side)
    return PlaceChild(
        account=venue.account,
        slice_number=work.part.number,
        purpose=purpose,
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        price=price,
        quantity=quantity,
        time_in_force=TimeInForce.IOC if price is None else TimeInForce.GTC,
        why=purpose,
    )
