"""The ledger of a simulated exchange: every accepted order and every trade."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from execution.core.types import ZERO, ChildRequest, Trade, VenueStatus


@dataclass(slots=True)
class VenueOrder:
    """An order as the exchange knows it. Times are in seconds of the simulation."""

    exchange_id: str
    account: str
    request: ChildRequest
    created: float
    listed: float
    status: VenueStatus = VenueStatus.OPEN
    filled: Decimal = ZERO
    #: True if the exchange shows nothing of the order before it is listed, not even an answer to its create.
    is_silent: bool = False
    ended: float | None = None

    @property
    def left(self) -> Decimal:
        return max(self.request.quantity - self.filled, ZERO)


@dataclass(slots=True)
class VenueTrade:
    account: str
    trade: Trade
    listed: float
    fee_told: float


@dataclass
class Ledger:
    """Every order that the exchange has accepted, and every trade."""

    orders: dict[str, VenueOrder] = field(default_factory=dict)
    trades: list[VenueTrade] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
