"""A simulated exchange: one symbol, a market that moves, and an exact ledger of what it took and traded.

Exact where the desk's books are compared with it, and as unkind as the exchanges are: it takes the same client
id again once the first order is closed, lists orders and trades late, and may fill more than was asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from execution.core.types import (
    ZERO,
    Book,
    ChildRequest,
    Level,
    Liquidity,
    Market,
    OrderRef,
    OrderReport,
    PublicTrade,
    Quote,
    Side,
    StreamEvent,
    TimeInForce,
    Trade,
    VenueStatus,
)
from execution.verification.faults.fault_injector import Weather
from execution.verification.faults.virtual import at

SYMBOL = "BTC/USDT"
TICK, LOT = Decimal("0.01"), Decimal("0.001")
MARKET = Market(
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    tick=TICK,
    lot=LOT,
    min_quantity=LOT,
    min_notional=Decimal(5),
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.001"),
)
LEVELS = 4
#: The longest that an order or a trade is kept from its lists, in seconds: the desk allows for five.
LONGEST_LISTING = 3.5


class Refused(Exception):
    """The exchange read the request and says no; ``kind`` is the name of ccxt's class."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(slots=True)
class VenueOrder:
    """An order as the exchange has it; times are in seconds of the simulation."""

    exchange_id: str
    account: str
    request: ChildRequest
    created: float
    listed: float
    status: VenueStatus = VenueStatus.OPEN
    filled: Decimal = ZERO
    #: Nothing is heard of it before it is listed, not even an answer.
    is_silent: bool = False

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
    """Everything that the exchange ever took and traded."""

    orders: dict[str, VenueOrder] = field(default_factory=dict)
    trades: list[VenueTrade] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)


class Exchange:
    """``accepted`` is called for each order that reaches the book, ``published`` for each private event."""

    def __init__(self, name: str, random: Random, weather: Weather, time: Callable[[], float]) -> None:
        self.name = name
        self.ledger = Ledger()
        self.accepted: Callable[[VenueOrder], None] = lambda _order: None
        self.published: list[Callable[[str, StreamEvent], None]] = []
        self.ticked: list[Callable[[Quote, tuple[PublicTrade, ...]], None]] = []
        self._random = random
        self._weather = weather
        self._time = time
        self._mid = 10_000 + random.randrange(-20, 20)  # ticks
        self._spread = 2
        self._liveliness = random.choice((1, 2, 4))
        self._open: dict[str, VenueOrder] = {}
        self._numbers = 0
        self._away_until = 0.0
        self._market_gone_until = 0.0

    # --- the market -----------------------------------------------------------------------------

    @property
    def quote(self) -> Quote:
        bids, asks = self._levels(Side.SELL), self._levels(Side.BUY)
        return Quote(bids[0][0], asks[0][0], bids[0][1], asks[0][1], at(self._time()))

    @property
    def book(self) -> Book:
        return Book(self._levels(Side.SELL), self._levels(Side.BUY), at(self._time()))

    def _levels(self, taker: Side) -> tuple[Level, ...]:
        """What an order of ``taker`` can take: of the same sizes until the market moves."""
        best = self._mid + taker.sign * self._spread
        sizes = Random(f"{self.name}:{self._mid}:{self._spread}:{taker}")  # noqa: S311
        return tuple(
            ((best + taker.sign * 2 * step) * TICK, LOT * sizes.randrange(300, 2500))
            for step in range(LEVELS)
        )

    @property
    def is_away(self) -> bool:
        """Nobody is answered."""
        return self._time() < self._away_until and not self._weather.is_clear

    @property
    def is_dark(self) -> bool:
        """Its market goes on, and nobody is told of it: neither by the streams nor when they ask."""
        return self.is_away or (self._time() < self._market_gone_until and not self._weather.is_clear)

    def tick(self) -> None:
        """The market moves: resting orders that it crosses fill, some at the touch do, too."""
        if self._weather.strikes("venue away"):
            self._away_until = self._time() + self._weather.seconds(9.0, 0.5)
        if self._weather.strikes("market data gone"):
            self._market_gone_until = self._time() + self._weather.seconds(14.0, 4.0)
        self._mid += self._random.randint(-self._liveliness, self._liveliness)
        self._spread = self._random.randint(1, 4)
        for order in list(self._open.values()):
            self._meet(order)
        side = self._random.choice(list(Side))
        price = (self._mid + side.sign * self._spread) * TICK
        traded = PublicTrade(SYMBOL, price, LOT * self._random.randrange(100, 4000), at(self._time()))
        quote = self.quote
        for tell in () if self.is_dark else tuple(self.ticked):
            tell(quote, (traded,))

    def _meet(self, order: VenueOrder) -> None:
        """What the market does to a resting order."""
        if self._weather.strikes("cancelled by the venue", order.request.client_id):
            self._end(order, self._random.choice((VenueStatus.CANCELLED, VenueStatus.EXPIRED)))
            return
        price = order.request.price or ZERO
        side = order.request.side
        crossed = (price - self._levels(side)[0][0]) * side.sign >= 0
        at_touch = (price - self._levels(side.opposite)[0][0]) * side.sign >= 0
        if crossed or (at_touch and self._random.random() < 0.3):
            self._fill(order, self._part(order.left), price, Liquidity.MAKER)

    def _part(self, quantity: Decimal) -> Decimal:
        """All of it, or some lots of it."""
        lots = int(quantity / LOT)
        return quantity if lots <= 1 or self._random.random() < 0.5 else LOT * self._random.randint(1, lots)

    # --- requests, at the instant they arrive -----------------------------------------------------

    def create(self, account: str, request: ChildRequest, *, signed: float, valid_for: float) -> VenueOrder:
        """Take an order; raises ``Refused``. ``signed`` is the request's own time, by the exchange's clock."""
        client_id = request.client_id
        if not -1.0 <= self._time() - signed <= valid_for:
            raise Refused("InvalidNonce")
        if any(o.request.client_id == client_id and o.account == account for o in self._open.values()):
            raise Refused("DuplicateOrderId")
        if self._weather.strikes("create rejected", client_id):
            raise Refused(
                self._random.choice(("InsufficientFunds", "InvalidOrder", "OrderImmediatelyFillable"))
            )
        price = request.price or ZERO
        crosses = (price - self._levels(request.side)[0][0]) * request.side.sign >= 0
        if request.time_in_force is TimeInForce.POST_ONLY and crosses:
            raise Refused("OrderImmediatelyFillable")
        order = self._take(account, request)
        if crosses:
            self._take_liquidity(order)
        if order.status is VenueStatus.OPEN and request.time_in_force is TimeInForce.IOC:
            self._end(order, VenueStatus.EXPIRED)
        return order

    def _take(self, account: str, request: ChildRequest) -> VenueOrder:
        self._numbers += 1
        is_silent = self._weather.strikes("create taken in silence", request.client_id)
        late = is_silent or self._weather.strikes("order listed late", request.client_id)
        listed = self._time() + (self._weather.seconds(LONGEST_LISTING, 0.2) if late else 0.0)
        name = f"{self.name}{self._numbers}"
        order = VenueOrder(name, account, request, self._time(), listed, is_silent=is_silent)
        self.ledger.orders[order.exchange_id] = order
        self.ledger.taken[request.client_id] += 1
        self._open[order.exchange_id] = order
        self.accepted(order)
        self._publish(order)
        return order

    def _take_liquidity(self, order: VenueOrder) -> None:
        for price, size in self._levels(order.request.side):
            worse = (price - (order.request.price or ZERO)) * order.request.side.sign > 0
            if worse or order.left == ZERO:
                return
            self._fill(order, min(size, order.left), price, Liquidity.TAKER)

    def cancel(self, account: str, ref: OrderRef) -> VenueOrder:
        """Cancel what is open and listed; raises ``Refused`` when there is no such open order."""
        order = self.find(account, ref)
        if order is None or order.exchange_id not in self._open:
            raise Refused("OrderNotFound")
        if self._weather.strikes("filled while the cancel is under way", ref.client_id):
            self._fill(order, self._part(order.left), order.request.price or ZERO, Liquidity.MAKER)
        if order.status is not VenueStatus.OPEN:
            raise Refused("OrderNotFound")
        self._end(order, VenueStatus.CANCELLED)
        return order

    # --- looks ----------------------------------------------------------------------------------

    def find(self, account: str, ref: OrderRef) -> VenueOrder | None:
        """By the exchange's id, else by the client's: the newest of that id."""
        if ref.exchange_id is not None:
            named = self.ledger.orders.get(ref.exchange_id)
            return (
                named if named is not None and named.account == account and self._is_listed(named) else None
            )
        found = [o for o in self._listed(account) if o.request.client_id == ref.client_id]
        return found[-1] if found else None

    def _listed(self, account: str) -> list[VenueOrder]:
        return [o for o in self.ledger.orders.values() if o.account == account and self._is_listed(o)]

    def _is_listed(self, order: VenueOrder) -> bool:
        return order.listed <= self._time()

    def open_orders(self, account: str) -> list[VenueOrder]:
        return [order for order in self._listed(account) if order.status is VenueStatus.OPEN]

    def orders_since(self, account: str, since: float) -> list[VenueOrder]:
        return [order for order in self._listed(account) if order.created >= since]

    def trades_since(self, account: str, since: float) -> list[Trade]:
        now = self._time()
        listed = [t for t in self.ledger.trades if t.account == account and t.listed <= now]
        return [self.told(t) for t in listed if t.trade.at >= at(since)]

    def told(self, known: VenueTrade) -> Trade:
        """A trade as a list shows it: without our client id, and for a while perhaps without its fee."""
        trade = known.trade
        has_fee = known.fee_told <= self._time()
        return Trade(
            symbol=trade.symbol,
            trade_id=trade.trade_id,
            side=trade.side,
            price=trade.price,
            quantity=trade.quantity,
            at=trade.at,
            exchange_id=trade.exchange_id,
            fee=trade.fee if has_fee else None,
            fee_currency=trade.fee_currency if has_fee else None,
            liquidity=trade.liquidity if has_fee else None,
        )

    # --- inside ---------------------------------------------------------------------------------

    def _fill(self, order: VenueOrder, quantity: Decimal, price: Decimal, liquidity: Liquidity) -> None:
        client_id = order.request.client_id
        if quantity == order.left and self._weather.strikes("overfilled by the venue", client_id):
            quantity += LOT * self._random.randint(1, 20)
        order.filled += quantity
        self._numbers += 1
        now = self._time()
        trade = Trade(
            symbol=SYMBOL,
            trade_id=f"T{self._numbers}",
            side=order.request.side,
            price=price,
            quantity=quantity,
            at=at(now),
            exchange_id=order.exchange_id,
            client_id=client_id,
            fee=price * quantity * Decimal("0.001"),
            fee_currency="USDT",
            liquidity=liquidity,
        )
        late = self._weather.strikes("trade listed late", client_id)
        fee_late = self._weather.strikes("fee told late", client_id)
        listed = now + (self._weather.seconds(LONGEST_LISTING, 0.2) if late else 0.0)
        fee_told = listed + (self._weather.seconds(4.0, 0.5) if fee_late else 0.0)
        known = VenueTrade(order.account, trade, listed, fee_told)
        self.ledger.trades.append(known)
        if order.left == ZERO:
            order.status = VenueStatus.FILLED
            self._open.pop(order.exchange_id, None)
        self._publish(order, known)

    def _end(self, order: VenueOrder, status: VenueStatus) -> None:
        order.status = status
        self._open.pop(order.exchange_id, None)
        self._publish(order)

    def _publish(self, order: VenueOrder, known: VenueTrade | None = None) -> None:
        if order.is_silent and not self._is_listed(order):
            return
        trades = () if known is None else (self.told(known),)
        for tell in tuple(self.published):
            tell(order.account, StreamEvent(reports=(report_of(order),), trades=trades))


def report_of(order: VenueOrder) -> OrderReport:
    """All that the exchange could say of an order."""
    return OrderReport(
        symbol=SYMBOL,
        client_id=order.request.client_id,
        exchange_id=order.exchange_id,
        status=order.status,
        filled=order.filled,
        side=order.request.side,
        quantity=order.request.quantity,
        price=order.request.price,
        at=at(order.created),
    )
