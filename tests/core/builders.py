"""Markets, times and hypothesis strategies that the tests of the core share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from execution.core.algorithms.decide import decide
from execution.core.orders.parameters import TwapParameters
from execution.core.orders.plans import SlicePlan, spread_slices
from execution.core.orders.view import REST, AccountView, CancelChild, ChangeStatus, ChildView, OrderView
from execution.core.quantities import split_even
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import Market, Quote, Side

D = Decimal
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MARKET = Market(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    tick=D("0.01"),
    lot=D("0.00001"),
    min_quantity=D("0.00001"),
    min_notional=D("10"),
    taker_fee=D("0.001"),
)
QUOTE = Quote(D("59999.50"), D("60000.50"), D(2), D(2), NOW)

sides = st.sampled_from(Side)
#: Lots and ticks as exchanges have them, and a few that they do not.
steps = st.builds(
    lambda digits, power: D(digits).scaleb(-power), st.sampled_from([1, 2, 3, 5, 25]), st.integers(-2, 10)
)
prices = st.decimals(D("0.0001"), D(200_000), places=6)


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Draw any market whose minimums need not be multiples of anything."""
    return replace(
        MARKET,
        tick=draw(steps),
        lot=draw(steps),
        min_quantity=draw(st.decimals(D(0), D(10), places=6)),
        min_notional=draw(st.decimals(D(0), D(100), places=2)),
    )


def twap(**changes: Any) -> TwapParameters:
    return TwapParameters(**({"duration": timedelta(minutes=3)} | changes))


def even_slices(
    quantity: Decimal, count: int, *, minutes: int = 3, lot: Decimal = MARKET.lot
) -> tuple[SlicePlan, ...]:
    return spread_slices(split_even(quantity, lot, count), NOW, NOW + minutes * MINUTE)


def venue_of(label: str = "alpha", **changes: Any) -> AccountView:
    """Return a venue whose quote is 59,999.50 to 60,000.50 at NOW."""
    return replace(AccountView(account=label, label=label, market=MARKET, quote=QUOTE), **changes)


def view_of(**changes: Any) -> OrderView:
    """Return a working buy of 0.3 BTC in three slices of a minute, at its start, with nothing done.

    It has one venue with a fresh quote, changed by ``market``, ``quote`` and ``blocked``; or ``accounts`` as
    given.
    """
    own = {name: changes.pop(name) for name in ("market", "quote", "blocked") if name in changes}
    view = OrderView(
        now=NOW,
        status=OrderStatus.WORKING,
        outcome=None,
        outcome_reason="",
        side=Side.BUY,
        quantity=D("0.3"),
        done=D(0),
        limit_price=None,
        start_at=NOW,
        end_at=NOW + 3 * MINUTE,
        parameters=twap(),
        slices=even_slices(D("0.3"), 3),
        children=(),
        accounts=(),
    )
    view = replace(view, **changes)
    return view if view.accounts else at_venue(view, **({"quote": replace(QUOTE, at=view.now)} | own))


def at_venue(view: OrderView, **changes: Any) -> OrderView:
    """Return the view with its only venue changed."""
    (venue,) = view.accounts or (venue_of(),)
    return replace(view, accounts=(replace(venue, **changes),))


def child_of(**changes: Any) -> ChildView:
    """Return a child that rests for the whole first slice."""
    child = ChildView(
        sequence=1,
        account="alpha",
        slice_number=1,
        purpose=REST,
        status=ChildStatus.OPEN,
        price=D("59999.50"),
        quantity=D("0.1"),
        done=D(0),
        is_settled=False,
        cancel_wanted=False,
        intended_at=NOW,
    )
    return replace(child, **changes)


def moves_of(view: OrderView) -> list[ChangeStatus]:
    return [command for command in decide(view).commands if isinstance(command, ChangeStatus)]


def cancels_of(view: OrderView) -> list[int]:
    return [command.sequence for command in decide(view).commands if isinstance(command, CancelChild)]
