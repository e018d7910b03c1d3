"""A simulated exchange: one symbol, a moving market, and an exact ledger of accepted orders and trades.

Only the ledger, with which the desk's books are compared, is exact. In everything else the exchange is as unreliable
as real ones. It accepts a client id again once its first order is closed. It lists orders and trades late, and it may
fill more than the order's quantity. It gives the guarantees of a real exchange and no more. The seed determines which
real exchange that is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from random import Random

from execution.core.guarantees import GUARANTEES
from execution.core.guarantees.promise import CancelBy, Guarantees, PostOnly
from execution.core.types import (
    ZERO,
    BalanceAmounts,
    Book,
    ChildRequest,
    Level,
    Liquidity,
    Market,
    OrderRef,
    PublicTrade,
    Quote,
    Side,
    StreamEvent,
    TimeInForce,
    Trade,
    VenueStatus,
)
from execution.venues.protocol import CancelScope
from execution.verification.faults.answers import Refused, report_of
from execution.verification.faults.fault_injector import CANCELLED_TOGETHER, FaultInjector
from execution.verification.faults.ledger import Ledger, VenueOrder, VenueTrade
from execution.verification.faults.virtual import at
from execution.verification.faults.wallets import FEE, Wallets, lock_of

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
#: The chance at each tick of a market that an armed dead-man's switch fires too early.
EARLY_FIRE = 0.03
#: The longest time in seconds for which lists omit a trade, or an order whose create was answered.
MAX_LISTING = 3.5
#: The part of the exchange's guaranteed listing delay for which lists may omit an order without an answer.
LISTING_SHARE = 0.7


class Exchange:
    """A simulated exchange.

    It calls ``accepted`` for each order that it puts on the book, and ``published`` for each private event.
    """

    def __init__(
        self,
        name: str,
        random: Random,
        injector: FaultInjector,
        time: Callable[[], float],
        guarantees: Guarantees = GUARANTEES["binance"],
        opening: Mapping[str, Mapping[str, Decimal]] | None = None,
    ) -> None:
        self.name = name
        self.wallets = Wallets(opening or {})
        self.guarantees = guarantees
        #: The scope of the single request that cancels all orders; None if the exchange has no such request.
        self.cancels_all: CancelScope | None = None
        self.ledger = Ledger()
        self.accepted: Callable[[VenueOrder], None] = lambda _order: None
        self.published: list[Callable[[str, StreamEvent], None]] = []
        self.ticked: list[Callable[[Quote, tuple[PublicTrade, ...]], None]] = []
        self._random = random
        self._injector = injector
        self._time = time
        self._mid = 10_000 + random.randrange(-20, 20)  # ticks
        self._spread = 2
        self._liveliness = random.choice((1, 2, 4))
        self._open: dict[str, VenueOrder] = {}
        self._numbers = 0
        self._trades = 0
        self.public_trades: deque[PublicTrade] = deque(maxlen=1000)
        self._switches: dict[str, float] = {}  # when each account's orders are cancelled
        self.switch_random = Random(name)  # noqa: S311
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
        best = self._mid + taker.sign * self._spread
        sizes = Random(f"{self.name}:{self._mid}:{self._spread}:{taker}")  # noqa: S311
        return tuple(
            ((best + taker.sign * 2 * step) * TICK, LOT * sizes.randrange(300, 2500))
            for step in range(LEVELS)
        )

    @property
    def is_away(self) -> bool:
        """Return True if the exchange answers no request."""
        return self._time() < self._away_until and not self._injector.is_clear

    @property
    def is_dark(self) -> bool:
        """Return True if the market moves while no stream or answer reports it."""
        return self.is_away or (self._time() < self._market_gone_until and not self._injector.is_clear)

    def tick(self) -> None:
        """Move the market. Fill the resting orders that the market crosses, and some of those at the best price."""
        if self._injector.strikes("venue away"):
            self._away_until = self._time() + self._injector.seconds(9.0, 0.5)
        if self._injector.strikes("market data gone"):
            self._market_gone_until = self._time() + self._injector.seconds(14.0, 4.0)
        self._mid += self._random.randint(-self._liveliness, self._liveliness)
        self._spread = self._random.randint(1, 4)
        self._fire_switches()
        for order in list(self._open.values()):
            self._meet(order)
        side = self._random.choice(list(Side))
        price = (self._mid + side.sign * self._spread) * TICK
        self._trades += 1
        quantity = LOT * self._random.randrange(100, 4000)
        traded = PublicTrade(SYMBOL, price, quantity, at(self._time()), trade_id=str(self._trades), side=side)
        self.public_trades.append(traded)
        quote = self.quote
        for tell in () if self.is_dark else tuple(self.ticked):
            tell(quote, (traded,))

    def arm(self, account: str, seconds: int | None) -> None:
        """Arm the dead-man's switch: cancel the account's orders ``seconds`` from now. None disarms it."""
        self._switches[account] = float("inf") if seconds is None else self._time() + seconds

    def _fire_switches(self) -> None:
        """Fire the switches that are due, and sometimes one before its time, as kraken's does after maintenance."""
        for account, fires in self._switches.items():
            is_early = fires < float("inf") and self.switch_random.random() < EARLY_FIRE
            if fires > self._time() and (self._injector.is_clear or not is_early):
                continue
            for order in [open_one for open_one in self._open.values() if open_one.account == account]:
                self._injector.note("dead-man's switch fired", order.request.client_id)
                self._end(order, VenueStatus.CANCELLED)

    def _meet(self, order: VenueOrder) -> None:
        if self._injector.strikes("cancelled by the venue", order.request.client_id):
            self._end(order, self._random.choice((VenueStatus.CANCELLED, VenueStatus.EXPIRED)))
            return
        price = order.request.price or ZERO
        side = order.request.side
        crossed = (price - self._levels(side)[0][0]) * side.sign >= 0
        at_touch = (price - self._levels(side.opposite)[0][0]) * side.sign >= 0
        if crossed or (at_touch and self._random.random() < 0.3):
            self._fill(order, self._part(order.left), price, Liquidity.MAKER)

    def _part(self, quantity: Decimal) -> Decimal:
        lots = int(quantity / LOT)
        return quantity if lots <= 1 or self._random.random() < 0.5 else LOT * self._random.randint(1, lots)

    # --- requests, at the instant they arrive -----------------------------------------------------

    def create(self, account: str, request: ChildRequest, *, signed: float, valid_for: float) -> VenueOrder:
        """Accept an order. Raises ``Refused``. ``signed`` is the time in the request, on the exchange's clock."""
        client_id = request.client_id
        self._refuse_late(signed, valid_for)
        if any(o.request.client_id == client_id and o.account == account for o in self._open.values()):
            raise Refused("DuplicateOrderId")
        if self._injector.strikes("create rejected", client_id):
            raise Refused(
                self._random.choice(("InsufficientFunds", "InvalidOrder", "OrderImmediatelyFillable"))
            )
        currency, cost = lock_of(request, request.quantity)
        if cost > (self.balances(account)[currency].free or ZERO):
            raise Refused("InsufficientFunds")
        price = request.price or ZERO
        crosses = (price - self._levels(request.side)[0][0]) * request.side.sign >= 0
        would_take = request.time_in_force is TimeInForce.POST_ONLY and crosses
        if would_take and not self._cancels_post_only():
            raise Refused("OrderImmediatelyFillable")
        order = self._take(account, request)
        if would_take:
            self._end(order, VenueStatus.CANCELLED)
            return order
        if crosses:
            self._take_liquidity(order)
        if order.status is VenueStatus.OPEN and request.time_in_force is TimeInForce.IOC:
            self._end(order, VenueStatus.EXPIRED)
        return order

    def _refuse_late(self, signed: float, valid_for: float) -> None:
        """Raise ``Refused`` for a request that is too late, or has a shorter validity than the exchange accepts."""
        shortest, latest = self.guarantees.shortest_window.value, self.guarantees.latest_arrival.value
        if shortest is not None and valid_for < shortest.total_seconds():
            raise Refused("InvalidOrder")
        if shortest is None:
            valid_for = float("inf") if latest is None else latest.total_seconds()
        if not -1.0 <= self._time() - signed <= valid_for:
            raise Refused("InvalidNonce")

    def _cancels_post_only(self) -> bool:
        kind = self.guarantees.post_only.value or self._random.choice(list(PostOnly))
        return kind is PostOnly.CANCELLED

    def _take(self, account: str, request: ChildRequest) -> VenueOrder:
        self._numbers += 1
        is_silent = self._injector.strikes("create taken in silence", request.client_id)
        late = is_silent or self._injector.strikes("order listed late", request.client_id)
        most = (
            self.guarantees.listing_delay.value.total_seconds() * LISTING_SHARE if is_silent else MAX_LISTING
        )
        listed = self._time() + (self._injector.seconds(most, 0.2) if late else 0.0)
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
        """Cancel an order that is open and listed. Raises ``Refused`` if there is none."""
        if ref.exchange_id is None and self.guarantees.cancel_by.value is CancelBy.EXCHANGE_ID:
            raise Refused("BadRequest")
        order = self.find(account, ref)
        if order is None or order.exchange_id not in self._open:
            raise Refused("OrderNotFound")
        if not self._cancel_open(order):
            raise Refused("OrderNotFound")
        return order

    def cancel_all(self, account: str) -> list[VenueOrder]:
        """Cancel every open order of the account, even if it is not listed yet. Return the cancelled ones."""
        self._injector.note(CANCELLED_TOGETHER)
        return [
            order
            for order in tuple(self._open.values())
            if order.account == account and self._cancel_open(order)
        ]

    def _cancel_open(self, order: VenueOrder) -> bool:
        """Cancel an open order and return True, or return False if it is filled at the same moment."""
        if self._injector.strikes("filled while the cancel is under way", order.request.client_id):
            self._fill(order, self._part(order.left), order.request.price or ZERO, Liquidity.MAKER)
        if order.status is not VenueStatus.OPEN:
            return False
        self._end(order, VenueStatus.CANCELLED)
        return True

    # --- reads ----------------------------------------------------------------------------------

    def find(self, account: str, ref: OrderRef) -> VenueOrder | None:
        """Return the listed order with the exchange's id. Without that id, return the newest with the client's id."""
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
        kept = self.guarantees.cancelled_kept.value
        if order.ended is not None and order.filled == ZERO and kept is not None:
            return order.listed <= self._time() <= order.ended + kept.total_seconds()
        return order.listed <= self._time()

    def open_orders(self, account: str) -> list[VenueOrder]:
        return [order for order in self._listed(account) if order.status is VenueStatus.OPEN]

    def orders_since(self, account: str, since: float) -> list[VenueOrder]:
        return [order for order in self._listed(account) if order.created >= since]

    def trades_since(self, account: str, since: float) -> list[Trade]:
        now = self._time()
        listed = [t for t in self.ledger.trades if t.account == account and t.listed <= now]
        return [self.told(t) for t in listed if t.trade.at >= at(since)]

    def balances(self, account: str) -> dict[str, BalanceAmounts]:
        """Return the account's free and locked amounts. Orders that are not listed yet lock amounts too."""
        mine = (order for order in self._open.values() if order.account == account)
        return self.wallets.balances(account, ((each.request, each.left) for each in mine))

    def told(self, known: VenueTrade) -> Trade:
        """Return a trade as the exchange's lists show it: without our client id, and for a while without its fee."""
        trade = replace(known.trade, client_id=None)
        if known.fee_told <= self._time():
            return trade
        return replace(trade, fee=None, fee_currency=None, liquidity=None)

    # --- inside ---------------------------------------------------------------------------------

    def _fill(self, order: VenueOrder, quantity: Decimal, price: Decimal, liquidity: Liquidity) -> None:
        client_id = order.request.client_id
        if quantity == order.left and self._injector.strikes("overfilled by the venue", client_id):
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
            fee=price * quantity * FEE,
            fee_currency="USDT",
            liquidity=liquidity,
        )
        late = self._injector.strikes("trade listed late", client_id)
        fee_late = self._injector.strikes("fee told late", client_id)
        listed = now + (self._injector.seconds(MAX_LISTING, 0.2) if late else 0.0)
        fee_told = listed + (self._injector.seconds(4.0, 0.5) if fee_late else 0.0)
        known = VenueTrade(order.account, trade, listed, fee_told)
        self.ledger.trades.append(known)
        self.wallets.settle(order.account, trade)
        if order.left == ZERO:
            order.status, order.ended = VenueStatus.FILLED, now
            self._open.pop(order.exchange_id, None)
        self._publish(order, known)

    def _end(self, order: VenueOrder, status: VenueStatus) -> None:
        order.status, order.ended = status, self._time()
        self._open.pop(order.exchange_id, None)
        self._publish(order)

    def _publish(self, order: VenueOrder, known: VenueTrade | None = None) -> None:
        if order.is_silent and not self._is_listed(order):
            return
        is_told = known is not None and self.guarantees.streams_trades.value
        trades = (self.told(known),) if known is not None and is_told else ()
        for tell in tuple(self.published):
            tell(order.account, StreamEvent(reports=(report_of(order),), trades=trades))
