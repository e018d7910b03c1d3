"""The kinds of simulated markets, which docs/explanation/simulation.md compares with recorded books and trades."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from execution.core.types import Market


@dataclass(frozen=True, slots=True)
class MarketKind:
    """Parameters of a simulated market. Rates are per second, prices in ticks, sizes in quote units.

    The efficient price is the price that makers believe in. It is a random walk of ``volatility``, plus jumps, a
    trend and the impact of order flow. Makers quote around the efficient price with a delay. Some takers trade in the
    direction of its next move, others at random.
    """

    name: str
    words: str
    mid: Decimal
    tick: Decimal
    lot: Decimal
    volatility: float  #: of the efficient price, basis points per square root of a second
    half_spread: float  #: of makers, ticks
    depth_ticks: float  #: mean distance of a limit order behind the best makers' price, ticks
    limit_rate: float
    limit_size: float
    limit_tail: float  #: deviation of the log of a limit order's size
    cancel_rate: float
    cancel_share: float  #: mean share of a level that goes at a cancel
    stale_share: float  #: share of a stale level that goes within a fifth of a second
    taker_rate: float
    taker_size: float
    taker_tail: float  #: deviation of the log of a taker's size
    informed_rate: float  #: takers who look for stale quotes
    flow_memory: float  #: seconds for which a pressure to one side lasts
    flow_strength: float  #: how far it tilts the takers' sides: 0 none, 1 wholly
    flow_drift: float  #: how fast the price goes with a pressure of one deviation, ticks per second
    lean: float  #: how far limit orders prefer the side to which the price is about to move
    impact: float  #: ticks that the price moves with a trade as large as a taker's mean
    trend: float = 0.0  #: basis points a minute, up or down by the seed
    jump_rate: float = 0.0
    jump_bp: float = 0.0
    maker_fee: Decimal = Decimal("0.0002")
    taker_fee: Decimal = Decimal("0.0005")
    min_notional: Decimal = Decimal(5)
    participation: float = 0.05  #: of the simulated order in the takers' volume

    @property
    def market(self) -> Market:
        return Market(
            symbol="BASE/QUOTE",
            base="BASE",
            quote="QUOTE",
            tick=self.tick,
            lot=self.lot,
            min_quantity=self.lot,
            min_notional=self.min_notional,
            maker_fee=self.maker_fee,
            taker_fee=self.taker_fee,
        )

    @property
    def tick_bp(self) -> float:
        return float(self.tick / self.mid) * 1e4

    @property
    def volume_rate(self) -> float:
        """Return the takers' volume in quote units per second.

        Takers who hit quotes that makers have not yet moved are not included.
        """
        return self.taker_rate * self.taker_size

    def lots(self, quote_amount: float) -> int:
        return max(1, round(quote_amount / float(self.mid * self.lot)))


WIDE = MarketKind(
    name="wide_spread",
    words="a spread of many ticks and little at the touch",
    mid=Decimal("1926.70"),
    tick=Decimal("0.05"),
    lot=Decimal("0.001"),
    volatility=0.6,
    half_spread=3.5,
    depth_ticks=24.0,
    limit_rate=2.0,
    limit_size=5500.0,
    limit_tail=1.0,
    cancel_rate=2.0,
    cancel_share=0.6,
    stale_share=0.5,
    taker_rate=0.5,
    taker_size=1500.0,
    taker_tail=1.5,
    informed_rate=1.0,
    flow_memory=10.0,
    flow_strength=0.6,
    flow_drift=0.15,
    lean=0.25,
    impact=0.8,
)

ONE_TICK = MarketKind(
    name="one_tick",
    words="a spread of one tick with a long queue",
    mid=Decimal("1.9534"),
    tick=Decimal("0.0001"),
    lot=Decimal("0.1"),
    volatility=0.8,
    half_spread=0.0,
    depth_ticks=2.0,
    limit_rate=7.0,
    limit_size=8500.0,
    limit_tail=1.2,
    cancel_rate=7.0,
    cancel_share=0.35,
    stale_share=0.12,
    taker_rate=4.0,
    taker_size=2100.0,
    taker_tail=1.5,
    informed_rate=2.0,
    flow_memory=6.0,
    flow_strength=0.65,
    flow_drift=0.08,
    lean=0.0,
    impact=0.08,
)

TRENDING = MarketKind(
    name="trending",
    words="a price that goes one way, by flow to one side",
    mid=Decimal("1919.45"),
    tick=Decimal("0.01"),
    lot=Decimal("0.0001"),
    volatility=0.35,
    half_spread=4.0,
    depth_ticks=9.0,
    limit_rate=12.0,
    limit_size=4000.0,
    limit_tail=2.0,
    cancel_rate=12.0,
    cancel_share=0.8,
    stale_share=0.7,
    taker_rate=0.5,
    taker_size=2600.0,
    taker_tail=1.6,
    informed_rate=1.0,
    flow_memory=20.0,
    flow_strength=0.6,
    flow_drift=0.15,
    lean=0.0,
    impact=0.8,
    trend=3.0,
)

THIN = MarketKind(
    name="thin_jumpy",
    words="a thin book whose price jumps",
    mid=Decimal("77.425"),
    tick=Decimal("0.005"),
    lot=Decimal("0.001"),
    volatility=0.5,
    half_spread=2.5,
    depth_ticks=15.0,
    limit_rate=1.5,
    limit_size=1100.0,
    limit_tail=1.7,
    cancel_rate=1.5,
    cancel_share=0.7,
    stale_share=0.4,
    taker_rate=0.15,
    taker_size=260.0,
    taker_tail=1.7,
    informed_rate=0.4,
    flow_memory=15.0,
    flow_strength=0.45,
    flow_drift=0.1,
    lean=0.3,
    impact=0.8,
    jump_rate=1 / 90,
    jump_bp=6.0,
)

KINDS: dict[str, MarketKind] = {kind.name: kind for kind in (WIDE, ONE_TICK, TRENDING, THIN)}
