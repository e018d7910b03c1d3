"""The venues that a paper exchange can imitate, each with its fees, limits, depth and latency.

All of them have the same price of a symbol (``execution.core.market_model.price_path``). Lots are powers of ten, so
that a quantity on the coarsest lot of several venues is on the lot of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from execution.core.market_model.background_market import MarketParameters
from execution.paper.symbols import LISTED, Listing, listed

DEFAULT_FEE = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Profile:
    """A venue that the paper exchange imitates.

    Fees are fractions. ``latency`` is the extra time of answers and events, in seconds. All paper venues with a
    ``name`` have the same price of a symbol at any time. A venue without a name has prices of its own, which continue
    from their last value after a restart.
    """

    name: str
    maker_fee: Decimal = DEFAULT_FEE
    taker_fee: Decimal = DEFAULT_FEE
    latency: float = 0.0
    listed: tuple[MarketParameters, ...] = LISTED


ALONE = Profile("")
#: The reference venue: usual fees and a low latency.
ALPHA = Profile("alpha", maker_fee=Decimal("0.0008"), latency=0.002)
#: A venue with deep books, coarse steps and low fees for makers.
BETA = Profile(
    "beta",
    maker_fee=Decimal("0.0005"),
    taker_fee=Decimal("0.0012"),
    latency=0.008,
    listed=listed(
        Listing("0.1", "0.0001", "1.0"),
        Listing("0.1", "0.001", "0.1"),
        Listing("0.01", "0.01", "0.02"),
        min_notional="10",
        depth=1.6,
        flow=1.3,
    ),
)
#: A venue with thin books, fine steps, a high latency and low fees for takers.
GAMMA = Profile(
    "gamma",
    taker_fee=Decimal("0.0008"),
    latency=0.015,
    listed=listed(
        Listing("0.01", "0.00001", "1.00"),
        Listing("0.01", "0.0001", "0.06"),
        Listing("0.001", "0.001", "0.020"),
        depth=0.5,
        flow=0.6,
    ),
)
PROFILES = {profile.name: profile for profile in (ALPHA, BETA, GAMMA)}
