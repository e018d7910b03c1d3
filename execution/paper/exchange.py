"""The exchange itself: books, background markets and the ledger, moved by requests and by time.

Synchronous and single-threaded; whoever calls ``place``, ``cancel`` or ``advance`` calls ``commit``
afterwards, which writes the state and only then spreads the news.
"""

from __future__ import annotations

import logging
import math
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from functools import partial

from execution.core.market_model.background_market import (
    BackgroundMarket,
    Command,
    MarketParameters,
    Withdraw,
    round_down,
)
from execution.core.market_model.matching import Execution, MatchResult, NewOrder, OrderBook, OrderLife
from execution.core.market_model.price_path import MINUTE, PricePath
from execution.core.market_model.synthetic_candles import History, Row
from execution.core.types import ZERO, Market, Side
from execution.paper import refusals
from execution.paper.candles import CandleSeries
from execution.paper.ledger import Ledger
from execution.paper.profiles import Profile
from execution.paper.records import Account, Draft, News, OrderStatus, PaperOrder, PublicTrade
from execution.paper.store import Store
from execution.paper.symbols import exchange_symbol

logger = logging.getLogger("paper")

#: Candles that are shown: fifteen days and a little, so that 360 whole hours are always there.
HISTORY_MINUTES = 15 * 24 * 60 + 120
#: Trade ids are reserved in the store by the block, so that background trades cost no writes.
ID_BLOCK = 10_000

#: Levels of a book with the quantity that they have now (0: gone).
LevelChanges = list[tuple[Side, Decimal, Decimal]]


class SymbolMarket:
    """One listed symbol: its book, background market, candles and recent trades."""

    def __init__(
        self,
        parameters: MarketParameters,
        seed: int,
        store: Store,
        now: float,
        history_minutes: int,
        venue: str,
    ) -> None:
        self.market: Market = parameters.market
        self.name = exchange_symbol(parameters.market)
        path, self.background, quiet_from = _price(parameters, seed, store, now, venue)
        # Update ids must never fall, also over a restart: milliseconds grow faster than changes do.
        self.book = OrderBook(sequence=int(now * 1000))
        self.frozen = False
        self.trades: deque[PublicTrade] = deque(maxlen=1000)
        self.fresh_trades: list[PublicTrade] = []
        self.reserved_id = int(store.number(f"{self.name} trade id") or 0)
        self.next_trade_id = self.reserved_id + 1
        made_up = History(parameters, path, f"{seed}:{venue}")
        recorded = partial(store.minutes, self.name)
        self.candles = CandleSeries(made_up, recorded, now, history_minutes, quiet_from)
        self.last_price = self.candles.last_close

    @property
    def average_price(self) -> Decimal:
        """Volume-weighted price of the last five minutes, or the last price."""
        average = self.candles.average_price(5)
        return self.last_price if average is None else average


def _price(
    parameters: MarketParameters, seed: int, store: Store, now: float, venue: str
) -> tuple[PricePath, BackgroundMarket, float]:
    """The path of the past, the market that goes on from it, and when minutes without trades are empty.

    A venue follows the path that it shares with others, at all times. An exchange that stands alone has a past
    up to its first start, and goes on from where its price stood.
    """
    symbol, mid, volatility = parameters.market.symbol, parameters.mid, parameters.volatility
    if venue:
        path = PricePath(seed, symbol, mid, volatility)
        stood = Decimal(repr(path.price(now)))
        return path, BackgroundMarket(parameters, seed, mid=stood, path=path, venue=venue), math.inf
    name = exchange_symbol(parameters.market)
    began, opened, last = (store.number(f"{name} {what}") for what in ("began", "opened", "price"))
    if began is None or opened is None:
        began, opened = Decimal(int(now) // MINUTE * MINUTE), last or mid
        store.save(numbers={f"{name} began": began, f"{name} opened": opened})
    path = PricePath(seed, symbol, opened, volatility, mid_at=float(began))
    return path, BackgroundMarket(parameters, seed, mid=last), float(began)


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
    ) -> None:
        self.clock = clock
        self._store = store
        self.ledger = Ledger(store, profile.maker_fee, profile.taker_fee)
        self.listeners: list[Callable[[list[News]], None]] = []
        #: The last write failed: the market stands still and takes no order until what is owed is written.
        self.is_suspended = False
        self._finished: list[tuple[str, int, Row]] = []
        now = clock()
        self._advanced = now
        try:
            store.forget_minutes(int(now) - (history_minutes + 60) * MINUTE)
        except sqlite3.OperationalError as error:
            logger.warning("old minutes stay for now: %s", error)
        markets = [
            SymbolMarket(each, seed, store, now, history_minutes, profile.name) for each in profile.listed
        ]
        self.symbols = {market.name: market for market in markets}

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.clock() * 1000)

    def symbol(self, name: str | None) -> SymbolMarket:
        """Raises Refusal for a symbol that is not listed."""
        if not name:
            raise refusals.missing("symbol")
        market = self.symbols.get(name)
        if market is None:
            raise refusals.bad_symbol()
        return market

    def open_books(self) -> None:
        """Rest the open orders again, the oldest first, then let the makers quote around them.

        The accounts' orders come first, so that none of them turns into a taker by the restart.
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
        """Accept and match an order. Raises Refusal, with nothing changed."""
        self._refuse_if_suspended()
        market = self.symbol(draft.symbol)
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
        """Take an open order off the book. Raises Refusal when it is not open any more."""
        self._refuse_if_suspended()
        if not order.status.is_open:
            raise refusals.cancel_unknown()
        market = self.symbol(order.symbol)
        market.book.cancel(order.id)
        self.ledger.close(order, market.market, OrderStatus.CANCELED, "CANCELED", self.now(), cancel_id)

    def commit(self) -> None:
        """Write what has changed, then tell the listeners.

        Raises sqlite3.Error when the disk refuses. What has changed is kept, the market is suspended, and the next
        call writes it: no trade is lost, and none is told before it is written.
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
        """By symbol: the levels that changed since the last call."""
        return {name: market.book.drain_changes() for name, market in self.symbols.items()}

    # --- time -----------------------------------------------------------------------------------

    def advance(self) -> None:
        """Let the background markets live up to now, and write finished bars."""
        now = self.clock()
        # A suspended machine must not wake up to a storm of trades.
        elapsed = min(max(now - self._advanced, 0.0), 1.0)
        self._advanced = now
        for market in () if self.is_suspended else self.symbols.values():
            market.candles.advance(now)
            self._finished += [(market.name, start, row) for start, row in market.candles.take_finished()]
            if not market.frozen and elapsed:
                self.run_commands(market, market.background.step(market.book, now, elapsed))
        self.commit()

    def remember_market(self) -> None:
        """Write where the market stands, so that a restart goes on from there, and finished bars."""
        prices = {f"{market.name} price": market.background.mid for market in self.symbols.values()}
        self._store.save(minutes=self._finished, numbers=dict(prices))
        self._finished = []

    def run_commands(self, market: SymbolMarket, commands: Iterable[Command]) -> None:
        """Do what background makers and takers want."""
        for command in commands:
            if isinstance(command, Withdraw):
                market.book.cancel(command.order_id)
            else:
                self._settle(market, command, market.book.submit(command), taker=None)

    # --- inside ---------------------------------------------------------------------------------

    def _sized(self, market: SymbolMarket, draft: Draft) -> Draft:
        """Turn a quote quantity into the base quantity that it buys or sells now, on the lot."""
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
        """Carry what the book did over to the ledger: trades, prevented makers, the taker's end."""
        now = self.now()
        for execution in result.executions:
            self._trade(market, incoming, execution, taker, now)
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
        incoming: NewOrder,
        execution: Execution,
        taker: PaperOrder | None,
        now: int,
    ) -> None:
        trade_id = market.next_trade_id
        market.next_trade_id += 1
        price, quantity = execution.price, execution.quantity
        if taker is not None:
            self.ledger.fill(taker, market.market, trade_id, price, quantity, is_maker=False, now=now)
        maker = self.ledger.orders.get(execution.maker_id)
        if maker is not None:
            self.ledger.fill(maker, market.market, trade_id, price, quantity, is_maker=True, now=now)
        buyer_takes = incoming.side is Side.BUY
        trade = PublicTrade(trade_id, market.name, price, quantity, now, not buyer_takes)
        market.trades.append(trade)
        market.fresh_trades.append(trade)
        market.last_price = price
        market.candles.add(price, quantity, buyer_takes=buyer_takes)


def _new_order(order_id: int, owner: str, draft: Draft) -> NewOrder:
    life = OrderLife.POST_ONLY if draft.type == "LIMIT_MAKER" else OrderLife(draft.time_in_force)
    return NewOrder(order_id, owner, draft.side, draft.quantity, draft.price, life, draft.prevention)
