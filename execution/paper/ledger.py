"""The accounts with their orders, trades and balances, and the news of changes to them.

A buy locks quote at its limit price, a sell locks base. The fee is taken out of the asset received: base for a buy,
quote for a sell. An order with ``fee_on_top`` pays the fee in the asset with which it pays for the trade: quote for a
buy, base for a sell. It also locks that fee, at the higher of the maker and the taker rate.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal

from execution.core.types import ZERO, Market, Side
from execution.paper import refusals
from execution.paper.records import (
    Account,
    AssetBalance,
    BalanceNews,
    Draft,
    News,
    OrderNews,
    OrderStatus,
    PaperOrder,
    PaperTrade,
)
from execution.paper.store import Store

#: The precision of every balance: Binance keeps eight decimals of every asset.
ASSET_STEP = Decimal("0.00000001")


class Ledger:
    """All accounts, orders and trades, in memory.

    ``commit`` writes the changes and returns them as news for the accounts' streams.
    """

    def __init__(self, store: Store, maker_fee: Decimal, taker_fee: Decimal) -> None:
        self._store = store
        self.maker_fee = maker_fee
        self.taker_fee = taker_fee
        self.accounts: dict[str, Account] = {}
        self.orders: dict[int, PaperOrder] = {}
        self._open: dict[int, PaperOrder] = {}
        self.by_account: dict[tuple[str, str], dict[int, PaperOrder]] = defaultdict(dict)
        self.by_client_id: dict[tuple[str, str, str], int] = {}
        self.trades: dict[tuple[str, str], list[PaperTrade]] = defaultdict(list)
        self.by_order: dict[int, list[PaperTrade]] = defaultdict(list)
        self._news: list[News] = []
        self._dirty_orders: dict[int, PaperOrder] = {}
        self._dirty_accounts: dict[str, set[str]] = defaultdict(set)
        self._new_trades: list[PaperTrade] = []
        self._load()

    def _load(self) -> None:
        for order in self._store.orders():
            self._index(order)
        for trade in self._store.trades():
            self.trades[trade.account, trade.symbol].append(trade)
            self.by_order[trade.order_id].append(trade)
        self._next_order_id = max(self.orders, default=0) + 1

    def _index(self, order: PaperOrder) -> None:
        self.orders[order.id] = order
        if order.status.is_open:
            self._open[order.id] = order
        self.by_account[order.account, order.symbol][order.id] = order
        # The latest order of a client id is the one that a query means.
        self.by_client_id[order.account, order.symbol, order.client_id] = order.id

    def register(self, account: Account, opening: dict[str, Decimal]) -> None:
        """Add an account. An account that the store does not know yet gets the balances ``opening``."""
        account.balances = self._store.balances(account.key)
        known = bool(account.balances)
        self.accounts[account.key] = account
        if not known:
            account.balances = {asset: AssetBalance(free=amount) for asset, amount in opening.items()}
            self._store.save(accounts=[account])

    # --- finding --------------------------------------------------------------------------------

    def find(
        self, account: str, symbol: str, order_id: int | None, client_id: str | None
    ) -> PaperOrder | None:
        """Find an order by the exchange's id if that is given, else the latest order with the client id."""
        if order_id is None:
            order_id = self.by_client_id.get((account, symbol, client_id or ""))
        order = self.orders.get(order_id) if order_id is not None else None
        if order is None or order.account != account or order.symbol != symbol:
            return None
        return order

    def open_orders(self, account: str | None = None, symbol: str | None = None) -> list[PaperOrder]:
        """Return the open orders, oldest first, of one account or symbol where these are given."""
        return [
            order
            for order in self._open.values()
            if account in (None, order.account) and symbol in (None, order.symbol)
        ]

    def orders_of(self, account: str, symbols: Iterable[str]) -> list[PaperOrder]:
        """Return an account's orders in these symbols, in any state, oldest first."""
        orders = [order for symbol in symbols for order in self.by_account[account, symbol].values()]
        return sorted(orders, key=lambda order: order.id)

    def trades_within(
        self, account: str, symbols: Iterable[str], begin: int | None, end: int
    ) -> list[PaperTrade]:
        """Return an account's trades in these symbols within [begin, end] (milliseconds), oldest first."""
        found = [
            trade
            for symbol in symbols
            for trade in self.trades[account, symbol]
            if (begin or 0) <= trade.time <= end
        ]
        return sorted(found, key=lambda trade: trade.number)

    def trades_of(self, account: str, symbol: str, order_id: int) -> list[PaperTrade]:
        """Return the trades of one order. If it belongs to another account or symbol, return none."""
        order = self.find(account, symbol, order_id, None)
        return self.by_order[order.id] if order is not None else []

    # --- changing -------------------------------------------------------------------------------

    def open(self, account: Account, draft: Draft, market: Market, cost: Decimal, now: int) -> PaperOrder:
        """Record a new order and lock the amount that it may need.

        For a market order, ``cost`` is the quote amount that it would trade now. Raises Refusal when an open order has
        the same client id, or the balance is too small.
        """
        previous = self.find(account.key, draft.symbol, None, draft.client_id)
        if previous is not None and previous.status.is_open:
            raise refusals.duplicate_order()
        held_rate = max(self.maker_fee, self.taker_fee) if draft.fee_on_top else ZERO
        asset, amount = _needed(draft, market, cost, held_rate)
        balance = account.balance(asset)
        if balance.free < amount:
            raise refusals.insufficient_balance()
        if draft.price is not None:
            balance.free -= amount
            balance.locked += amount
        order = PaperOrder(
            id=self._next_order_id, account=account.key, symbol=draft.symbol, client_id=draft.client_id,
            side=draft.side, type=draft.type, time_in_force=draft.time_in_force, price=draft.price,
            quantity=draft.quantity, quote_quantity=draft.quote_quantity, prevention=draft.prevention,
            created=now, updated=now, fee_on_top=draft.fee_on_top, held_rate=held_rate,
            expires=draft.expires,
        )  # fmt: skip
        self._next_order_id += 1
        self._index(order)
        order.change(now, OrderStatus.NEW)
        self._tell(order, "NEW", now)
        self._dirty_accounts[account.key].update((market.base, market.quote))
        return order

    def fill(
        self, order: PaperOrder, market: Market, trade_id: int, price: Decimal, quantity: Decimal,
        *, is_maker: bool, now: int,
    ) -> PaperTrade:  # fmt: skip
        """Record one trade of an order, and change the balances by it."""
        value = price * quantity
        rate = self.maker_fee if is_maker else self.taker_fee
        in_base = (order.side is Side.BUY) != order.fee_on_top
        charged, asset = (quantity, market.base) if in_base else (value, market.quote)
        fee = (charged * rate).quantize(ASSET_STEP, ROUND_DOWN)
        self._pay(order, market, quantity, value, fee)
        order.executed += quantity
        order.quote_executed += value
        order.change(now, OrderStatus.PARTIALLY_FILLED if order.remaining else OrderStatus.FILLED)
        trade = PaperTrade(
            id=trade_id, account=order.account, symbol=order.symbol, order_id=order.id,
            client_id=order.client_id, side=order.side, price=price, quantity=quantity, fee=fee,
            fee_asset=asset, is_maker=is_maker, time=now,
        )  # fmt: skip
        self.trades[order.account, order.symbol].append(trade)
        self.by_order[order.id].append(trade)
        self._new_trades.append(trade)
        self._tell(order, "TRADE", now, trade=trade)
        return trade

    def close(
        self, order: PaperOrder, market: Market, status: OrderStatus, kind: str, now: int, cancel_id: str = ""
    ) -> None:
        """End an open order and unlock the amount that it still held."""
        asset = market.quote if order.side is Side.BUY else market.base
        amount = _held(order, order.remaining)
        balance = self.accounts[order.account].balance(asset)
        balance.locked -= amount
        balance.free += amount
        order.change(now, status)
        self._dirty_accounts[order.account].update((market.base, market.quote))
        self._tell(order, kind, now, cancel_id=cancel_id)

    def commit(self, now: int, numbers: dict[str, Decimal | int] | None = None) -> list[News]:
        """Write the changes and return the news of them. Without changes nothing is written."""
        if not (self._dirty_orders or self._dirty_accounts or numbers):
            return []
        self._store.save(
            orders=self._dirty_orders.values(),
            trades=self._new_trades,
            accounts=[self.accounts[key] for key in self._dirty_accounts],
            numbers=numbers,
        )
        news = self._news
        for key, assets in self._dirty_accounts.items():
            account = self.accounts[key]
            account.updated = now
            balances = {asset: copy.copy(account.balance(asset)) for asset in sorted(assets)}
            news.append(BalanceNews(key, now, balances))
        self._news, self._new_trades = [], []
        self._dirty_orders.clear()
        self._dirty_accounts.clear()
        return news

    # --- inside ---------------------------------------------------------------------------------

    def _pay(
        self, order: PaperOrder, market: Market, quantity: Decimal, value: Decimal, fee: Decimal
    ) -> None:
        account = self.accounts[order.account]
        base, quote = account.balance(market.base), account.balance(market.quote)
        sold, bought = (quote, base) if order.side is Side.BUY else (base, quote)
        paid, received = (value, quantity) if order.side is Side.BUY else (quantity, value)
        held = _held(order, quantity)
        sold.locked -= held
        sold.free += held - paid
        bought.free += received
        (sold if order.fee_on_top else bought).free -= fee
        self._dirty_accounts[order.account].update((market.base, market.quote))

    def _tell(
        self, order: PaperOrder, kind: str, now: int, trade: PaperTrade | None = None, cancel_id: str = ""
    ) -> None:
        self._dirty_orders[order.id] = order
        if not order.status.is_open:
            self._open.pop(order.id, None)
        self._news.append(OrderNews(kind, copy.copy(order), now, trade, cancel_id))


def _needed(draft: Draft, market: Market, cost: Decimal, held_rate: Decimal) -> tuple[str, Decimal]:
    """Return the asset that an order would pay with, and the amount of it that must be free."""
    if draft.side is Side.SELL:
        return market.base, draft.quantity * (1 + held_rate)
    value = cost if draft.price is None else draft.price * draft.quantity
    return market.quote, value * (1 + held_rate)


def _held(order: PaperOrder, quantity: Decimal) -> Decimal:
    """Return the amount that is locked for ``quantity`` of an order. A market order locks nothing."""
    if order.price is None:
        return ZERO
    paid = order.price * quantity if order.side is Side.BUY else quantity
    return paid * (1 + order.held_rate)
