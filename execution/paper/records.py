"""The rows of the paper exchange: orders, trades, balances. Times are milliseconds since the epoch."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from execution.core.market_model.matching import SelfTradePrevention
from execution.core.types import ZERO, Side

#: The kraken tier of an account that names none.
DEFAULT_TIER = "pro"


class OrderStatus(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"  #: ended by self-trade prevention

    @property
    def is_open(self) -> bool:
        return self in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked request for an order. ``price`` is None for a market order.

    With ``refuses_taking``, a post-only order that would take is refused. Without it, such an order is accepted and
    ends at once. With ``fee_on_top``, the fee is added to the asset paid instead of taken from the asset received.
    ``expires`` is the end of an order that is good until a time; 0 means no end.
    """

    symbol: str
    client_id: str
    side: Side
    type: str
    time_in_force: str
    price: Decimal | None
    quantity: Decimal
    quote_quantity: Decimal
    prevention: SelfTradePrevention
    refuses_taking: bool = True
    fee_on_top: bool = False
    expires: int = 0


@dataclass(slots=True)
class PaperOrder:
    """An order. ``executed`` is in base, ``quote_executed`` is its value in quote. ``history`` has its earlier states
    with times.

    ``held_rate`` is the fee that the order locks in addition, as a fraction of the amount that it pays.
    """

    id: int
    account: str
    symbol: str
    client_id: str
    side: Side
    type: str
    time_in_force: str
    price: Decimal | None
    quantity: Decimal
    quote_quantity: Decimal
    prevention: SelfTradePrevention
    created: int
    updated: int
    status: OrderStatus = OrderStatus.NEW
    executed: Decimal = ZERO
    quote_executed: Decimal = ZERO
    fee_on_top: bool = False
    held_rate: Decimal = ZERO
    expires: int = 0
    history: list[tuple[int, OrderStatus, Decimal, Decimal]] = field(default_factory=list)

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    def change(self, at: int, status: OrderStatus) -> None:
        """Set a new status and record it with its time, so that an earlier state can be shown later."""
        self.status = status
        self.updated = at
        self.history.append((at, status, self.executed, self.quote_executed))

    def as_of(self, at: int) -> PaperOrder | None:
        """Return the order as it was at the time ``at``, or None if it did not exist yet."""
        if self.created > at:
            return None
        past = copy.copy(self)
        for changed, status, executed, quote_executed in reversed(self.history):
            if changed <= at:
                past.updated, past.status = changed, status
                past.executed, past.quote_executed = executed, quote_executed
                break
        return past


@dataclass(frozen=True, slots=True)
class PaperTrade:
    """One account's side of a trade.

    ``fee`` is in ``fee_asset``, which is the asset that the account received or the one that it paid.
    """

    id: int
    account: str
    symbol: str
    order_id: int
    client_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    time: int

    @property
    def number(self) -> int:
        """Return a number that is larger for each later trade of an account, whatever its symbol.

        The dialects of okx and coinbase use it to say where a page of trades begins.
        """
        return self.time * 1_000_000 + self.id % 500_000 * 2 + (self.side is Side.SELL)


@dataclass(slots=True)
class AssetBalance:
    free: Decimal = ZERO
    locked: Decimal = ZERO


@dataclass(slots=True)
class Account:
    """An account by its key. Only okx uses ``passphrase``; only kraken uses ``tier``, a class of limits."""

    key: str
    secret: str
    balances: dict[str, AssetBalance] = field(default_factory=dict)
    may_trade: bool = True
    may_withdraw: bool = False
    updated: int = 0
    passphrase: str = ""
    tier: str = DEFAULT_TIER

    def balance(self, asset: str) -> AssetBalance:
        return self.balances.setdefault(asset, AssetBalance())


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """One trade as everybody sees it."""

    id: int
    symbol: str
    price: Decimal
    quantity: Decimal
    time: int
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class OrderNews:
    """An event of an order, for the account's stream. ``order`` is a copy of its state at that time."""

    kind: str  #: Binance's execution type: NEW, TRADE, CANCELED, EXPIRED, TRADE_PREVENTION
    order: PaperOrder
    time: int
    trade: PaperTrade | None = None
    cancel_id: str = ""


@dataclass(frozen=True, slots=True)
class BalanceNews:
    """An account's balances that an order has just changed."""

    account: str
    time: int
    balances: dict[str, AssetBalance]


News = OrderNews | BalanceNews
