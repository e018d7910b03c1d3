"""The exchange itself: the books, the other participants of each market, and the ledger of accounts.

Requests and the passing of time change them. The exchange is synchronous and single-threaded. After each ``place``,
``cancel`` or ``advance`` the caller calls ``commit``, which writes the state and only then notifies the listeners.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

from execution.core.market_model.background_market import (
    Command,
    Hit,
    Print,
    Shrink,
    Withdraw,
    round_down,
)
from execution.core.market_model.matching import Execution, MatchResult, NewOrder, OrderBook, OrderLife
from execution.core.market_model.price_path import MINUTE
from execution.core.market_model.synthetic_candles import Row
from execution.core.types import ZERO, Market, MarketStatus, Side
from execution.paper import refusals
from execution.paper.candles import CandleSeries
from execution.paper.ledger import Ledger
from execution.paper.profiles import Profile
from execution.paper.records import Account, Draft, News, OrderStatus, PaperOrder, PublicTrade
from execution.paper.sources import MarketSource, Origin, SeededMarkets
from execution.paper.store import Store
from execution.paper.symbols import exchange_symbol

logger = logging.getLogger("paper")

#: The minutes of candles that are shown: a little more than 15 days, so that 360 whole hours are always there.
HISTORY_MINUTES = 15 * 24 * 60 + 120
#: The number of trade ids that are reserved in the store at once, so that background trades cost no writes.
ID_BLOCK = 10_000

#: Changed levels of a book: the side, the price, and the present quantity (0: the level is gone).
LevelChanges = list[tuple[Side, Decimal, Decimal]]


class SymbolMarket:
    """One listed symbol: its book, its other participants (generated or replayed), candles and recent trades."""

    def __init__(
        self, market: Market, origin: Origin, store: Store, now: float, history_minutes: int
    ) -> None:
        #: The present rules of the market, with the changes that a test has made since the start.
        self.market = market
        self.name = exchange_symbol(market)
        self.background = origin.others
        # Update ids must never fall, also over a restart: milliseconds grow faster than changes do.
        self.book = OrderBook(sequence=int(now * 1000))
        self.frozen = False
        self.trades: deque[PublicTrade] = deque(maxlen=1000)
        self.fresh_trades: list[PublicTrade] = []
        self.reserved_id = int(store.number(f"{self.name} trade id") or 0)
        self.next_trade_id = self.reserved_id + 1
        self.candles = CandleSeries(
            origin.made_up,
            lambda start, end: store.minutes(self.name, max(start, origin.recorded_from), end),
            now,
            history_minutes,
            origin.quiet_from,
        )
        self.last_price = self.candles.last_close

    def follow_rules(self, market: Market) -> None:
        """Use other market rules until a restart.

        Raises ``ValueError`` if the market's other participants cannot use the new tick or lot.
        """
        self.background.follow_rules(market)
        self.market = market

    @property
    def average_price(self) -> Decimal:
        """Return the volume-weighted price of the last five minutes, or the last price."""
        average = self.candles.average_price(5)
        return self.last_price if average is None else average


class Exchange:
    """All symbols and accounts. ``clock`` gives seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        profile: Profile,
        *,
        seed: int,
        clock: Callable[[], float],
        history_minutes: int = HISTORY_MINUTES,
        source: MarketSource | None = None,
    ) -> None:
        """Set up the exchange. ``source`` provides the markets. By default they are generated from the profile."""
        self.clock = clock
        self.source = source or SeededMarkets(profile, seed, store)
        self._store = store
        self.ledger = Ledger(store, profile.maker_fee, profile.taker_fee)
        self.listeners: list[Callable[[list[News]], None]] = []
        #: Returns whether the next cancel of this account comes too late, because the order fills just before it.
        self.cancel_loses: Callable[[str], bool] = lambda _account: False
        #: True after a failed write. The market then stands still and takes no orders until the unwritten changes are
        #: written.
        self.is_suspended = False
        self._finished: list[tuple[str, int, Row]] = []
        #: The time, by account, at which its dead-man's switch cancels all its orders, in seconds since the epoch.
        self.switches: dict[str, float] = {}
        now = clock()
        self._advanced = now
        try:
            store.forget_minutes(int(now) - (history_minutes + 60) * MINUTE)
        except sqlite3.OperationalError as error:
            logger.warning("old minutes stay for now: %s", error)
        markets = [
            SymbolMarket(each.market, self.source.origin(each, now), store, now, history_minutes)
            for each in self.source.listed
        ]
        self.symbols = {market.name: market for market in markets}

    def now(self) -> int:
        """Return milliseconds since the epoch."""
        return int(self.clock() * 1000)

    @property
    def advanced(self) -> int:
        """Return the milliseconds since the epoch up to which the markets have run."""
        return int(self._advanced * 1000)

    def symbol(self, name: str | None) -> SymbolMarket:
        """Return a symbol's market. Raise Refusal for a symbol that is not listed."""
        if not name:
            raise refusals.missing("symbol")
        market = self.symbols.get(name)
        if market is None or market.market.status is MarketStatus.NOT_LISTED:
            raise refusals.bad_symbol()
        return market

    def dashed(self, name: str | None) -> SymbolMarket:
        """Return the market of a symbol by a name such as ``BTC-USDT``. Raise Refusal for one that is not listed."""
        base, dash, quote = (name or "").partition("-")
        if not dash:
            raise refusals.bad_symbol()
        return self.symbol(base + quote)

    @property
    def listed(self) -> list[SymbolMarket]:
        """Return the symbols that the exchange lists now."""
        return [each for each in self.symbols.values() if each.market.status is not MarketStatus.NOT_LISTED]

    def open_books(self) -> None:
        """Put the accounts' open orders back on the books, oldest first.

        Then let the other participants quote around them.

        In the other sequence, an account's order could trade at the restart.
        """
        for order in self.ledger.open_orders():
            market = self.symbols.get(order.symbol)
            if market is not None and order.price is not None and order.account in self.ledger.accounts:
                resting = NewOrder(order.id, order.account, order.side, order.remaining, order.price)
                self._settle(market, resting, market.book.submit(resting), taker=order)
        for market in self.symbols.values():
            self.run_commands(market, market.background.settle(market.book))
        try:
            self.commit()
        except sqlite3.Error:
            logger.warning("the exchange starts suspended")

    # --- requests -------------------------------------------------------------------------------

    def place(self, account: Account, draft: Draft) -> PaperOrder:
        """Accept an order and match it. If it raises Refusal, nothing has changed."""
        self._refuse_if_suspended()
        if self.source.is_over:
            raise refusals.suspended()
        market = self.symbol(draft.symbol)
        if market.market.status is not MarketStatus.OPEN:
            raise refusals.market_closed()
        draft = self._sized(market, draft)
        is_barred = draft.type == "LIMIT_MAKER" and market.book.would_take(_new_order(0, account.key, draft))
        if is_barred and draft.refuses_taking:
            raise refusals.would_take()
        cost = ZERO
        if draft.price is None:
            reachable = market.book.reachable(_new_order(0, account.key, draft))
            cost = sum((price * quantity for price, quantity in reachable), ZERO)
        order = self.ledger.open(account, draft, market.market, cost, self.now())
        if is_barred:
            self.ledger.close(order, market.market, OrderStatus.EXPIRED, "EXPIRED", self.now())
            return order
        incoming = _new_order(order.id, account.key, draft)
        self._settle(market, incoming, market.book.submit(incoming), taker=order)
        return order

    def cancel(self, order: PaperOrder, cancel_id: str) -> None:
        """Remove an open order from the book. Raises Refusal if it is no longer open."""
        self._refuse_if_suspended()
        if not order.status.is_open:
            raise refusals.cancel_unknown()
        market = self.symbol(order.symbol)
        if self.cancel_loses(order.account):
            self.run_commands(market, [Hit(order.id, order.side.opposite, order.remaining)])
            self.commit()
            raise refusals.cancel_unknown()
        market.book.cancel(order.id)
        self.ledger.close(order, market.market, OrderStatus.CANCELED, "CANCELED", self.now(), cancel_id)

    def cancel_all(
        self, orders: Iterable[PaperOrder], cancel_id: Callable[[], str] = lambda: ""
    ) -> list[tuple[PaperOrder, str]]:
        """Cancel these open orders, each with a cancel id of its own. Return the cancelled ones with those ids."""
        self._refuse_if_suspended()
        cancelled = []
        for order in orders:
            name = cancel_id()
            with suppress(refusals.Refusal):
                self.cancel(order, name)
                cancelled.append((order, name))
        return cancelled

    def commit(self) -> None:
        """Write the changes, then notify the listeners.

        Raises sqlite3.Error if the disk refuses. In that case the changes stay in memory, trading is suspended, and
        the next call tries again. So no trade is lost, and none is reported before it is written.
        """
        reserved = {
            market.name: market.next_trade_id + ID_BLOCK
            for market in self.symbols.values()
            if market.next_trade_id > market.reserved_id
        }
        try:
            if self._finished:
                self.remember_market()
            news = self.ledger.commit(
                self.now(), {f"{name} trade id": number for name, number in reserved.items()}
            )
        except sqlite3.Error as error:
            if not self.is_suspended:
                logger.warning("trading is suspended, the disk refuses: %s", error)
            self.is_suspended = True
            raise
        if self.is_suspended:
            logger.warning("trading goes on: everything is written")
        self.is_suspended = False
        for name, number in reserved.items():
            self.symbols[name].reserved_id = number
        for listener in self.listeners:
            listener(news)
        for market in self.symbols.values():
            market.fresh_trades.clear()

    def _refuse_if_suspended(self) -> None:
        if self.is_suspended:
            raise refusals.suspended()

    def level_changes(self) -> dict[str, LevelChanges]:
        """Return the levels that changed since the last call, by symbol."""
        return {name: market.book.drain_changes() for name, market in self.symbols.items()}

    # --- time -----------------------------------------------------------------------------------

    def advance(self) -> None:
        """Let the other participants of all markets act up to now, and write the finished candles.

        Also end expired orders, and cancel orders whose dead-man's switch is due.
        """
        now = self.clock()
        # A suspended machine must not wake up to a storm of trades.
        elapsed = min(max(now - self._advanced, 0.0), 1.0)
        self._advanced = now
        self._fire_switches(now)
        for market in () if self.is_suspended else self.symbols.values():
            market.candles.advance(now)
            self._finished += [(market.name, start, row) for start, row in market.candles.take_finished()]
            is_open = market.market.status is MarketStatus.OPEN
            self._end_expired(market, int(now * 1000))
            if not market.frozen and is_open and elapsed:
                self.run_commands(market, market.background.step(market.book, now, elapsed))
        self.commit()

    def _fire_switches(self, now: float) -> None:
        """Cancel the open orders of every account whose dead-man's switch is due."""
        due = set() if self.is_suspended else {name for name, at in self.switches.items() if at <= now}
        for order in [order for order in self.ledger.open_orders() if order.account in due]:
            self.cancel(order, "")
        for name in due:
            del self.switches[name]

    def _end_expired(self, market: SymbolMarket, now: int) -> None:
        for order in self.ledger.open_orders(symbol=market.name):
            if 0 < order.expires <= now:
                market.book.cancel(order.id)
                self.ledger.close(order, market.market, OrderStatus.EXPIRED, "EXPIRED", now)

    def remember_market(self) -> None:
        """Write each market's price and the finished bars. After a restart, the market continues from this price."""
        prices = {f"{market.name} price": market.background.mid for market in self.symbols.values()}
        self._store.save(minutes=self._finished, numbers=dict(prices))
        self._finished = []

    def run_commands(self, market: SymbolMarket, commands: Iterable[Command]) -> None:
        """Carry out the commands of the other participants, each before the next is taken from the iterator."""
        for command in commands:
            if isinstance(command, Withdraw):
                market.book.cancel(command.order_id)
            elif isinstance(command, Shrink):
                market.book.reduce(command.order_id, command.quantity)
            elif isinstance(command, Hit):
                execution = market.book.hit(0, command.order_id, command.quantity)
                self._trade(market, command.taker, execution, None, self.now())
            elif isinstance(command, Print):
                self._print(market, command.taker, command.price, command.quantity, self.now())
            else:
                self._settle(market, command, market.book.submit(command), taker=None)

    # --- inside ---------------------------------------------------------------------------------

    def _sized(self, market: SymbolMarket, draft: Draft) -> Draft:
        """Turn an order's quote quantity into the base quantity that it would trade now, rounded down to the lot."""
        if draft.quantity:
            return draft
        left, base = draft.quote_quantity, ZERO
        for price, quantity in market.book.levels(draft.side.opposite):
            part = min(quantity, left / price)
            base += part
            left -= part * price
            if part < quantity:
                break
        base = round_down(base, market.market.lot)
        if not base:
            raise refusals.filter_failure("LOT_SIZE")
        return replace(draft, quantity=base)

    def _settle(
        self, market: SymbolMarket, incoming: NewOrder, result: MatchResult, taker: PaperOrder | None
    ) -> None:
        """Record a match in the ledger: its trades, and the end of orders that it cancels or expires."""
        now = self.now()
        for execution in result.executions:
            self._trade(market, incoming.side, execution, taker, now)
        for resting in result.expired_makers:
            order = self.ledger.orders[resting.id]
            status = OrderStatus.EXPIRED_IN_MATCH
            self.ledger.close(order, market.market, status, "TRADE_PREVENTION", now)
        if taker is None or not taker.status.is_open:
            return
        if result.stopped_by is not None:
            status = OrderStatus.EXPIRED_IN_MATCH
            self.ledger.close(taker, market.market, status, "TRADE_PREVENTION", now)
        elif result.expired:
            self.ledger.close(taker, market.market, OrderStatus.EXPIRED, "EXPIRED", now)

    def _trade(
        self,
        market: SymbolMarket,
        side: Side,
        execution: Execution,
        taker: PaperOrder | None,
        now: int,
    ) -> None:
        price, quantity = execution.price, execution.quantity
        trade_id = self._print(market, side, price, quantity, now)
        if taker is not None:
            self.ledger.fill(taker, market.market, trade_id, price, quantity, is_maker=False, now=now)
        maker = self.ledger.orders.get(execution.maker_id)
        if maker is not None:
            self.ledger.fill(maker, market.market, trade_id, price, quantity, is_maker=True, now=now)

    def _print(self, market: SymbolMarket, side: Side, price: Decimal, quantity: Decimal, now: int) -> int:
        """Publish a trade whose taker has ``side``, and return its id.

        The public trades and candles then include it.
        """
        trade_id = market.next_trade_id
        market.next_trade_id += 1
        buyer_takes = side is Side.BUY
        trade = PublicTrade(trade_id, market.name, price, quantity, now, not buyer_takes)
        market.trades.append(trade)
        market.fresh_trades.append(trade)
        market.last_price = price
        market.candles.add(price, quantity, buyer_takes=buyer_takes)
        return trade_id


def _new_order(order_id: int, owner: str, draft: Draft) -> NewOrder:
    life = OrderLife.POST_ONLY if draft.type == "LIMIT_MAKER" else OrderLife(draft.time_in_force)
    return NewOrder(order_id, owner, draft.side, draft.quantity, draft.price, life, draft.prevention)
