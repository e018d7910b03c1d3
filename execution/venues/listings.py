"""The exchange's lists of our orders and trades, and the look-up of single orders, as the spec describes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from execution.core.types import OrderRef
from execution.venues import errors, request_context
from execution.venues.pages import Fetch, Page, PageRequest, all_pages, once
from execution.venues.protocol import VenueReadFailed
from execution.venues.spec import Call, ExchangeSpec
from execution.venues.timekeeping import exchange_time
from execution.venues.values import listed, milliseconds_of

#: An order that must be searched for in lists is looked for this far back.
SOUGHT_BACK = timedelta(days=1)
#: The call whose cost a list without a symbol has.
ALL_SYMBOLS: Mapping[Call, Call] = {"open_orders": "all_open_orders", "trades": "all_trades"}


class Fetching(Protocol):
    async def __call__(
        self, call: Call, ask: Callable[[], Awaitable[Any]], read: Callable[[Any], Any]
    ) -> Any: ...


class Listings:
    """Reads lists page by page through ``fetch``, and returns ccxt's structures."""

    def __init__(
        self, client: Any, spec: ExchangeSpec, fetch: Fetching, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._spec = spec
        self._fetch = fetch
        self._clock = clock

    async def open_orders(self, symbol: str | None, narrow: Mapping[str, str] | None = None) -> list[Any]:
        return await self._all("open_orders", "fetch_open_orders", symbol, None, narrow)

    async def closed_orders(self, symbol: str, since: datetime) -> list[Any]:
        """Return the orders of any state since ``since``.

        If the exchange has no single list for that, join its several lists.

        The open orders are read first. So an order that closes between the reads is in two lists. In that case, its
        entry in the later list is returned.
        """
        if self._client.has.get("fetchOrders") is True:
            return await self._all("closed_orders", "fetch_orders", symbol, since)
        orders = await self.open_orders(symbol)
        for method in self._closed_methods():
            orders += await self._all("closed_orders", method, symbol, since)
        return once(orders)

    async def trades(self, symbol: str | None, since: datetime) -> list[Any]:
        return await self._all("trades", "fetch_my_trades", symbol, since)

    async def find(self, ref: OrderRef) -> Any:
        """Return the order in ccxt's form; None if the exchange says that there is no such order.

        If the order must be searched for in lists, None may also mean that the lists of the last day do not contain
        it.
        """
        if (narrow := self._narrowed(ref)) is not None:
            return await self._listed(ref, narrow)
        if (address := self._address(ref)) is None:
            return await self._listed(ref, None)
        found = await self._fetch("find", lambda: self._fetched(address), lambda answer: answer)
        if found is None and ref.exchange_id is None and self._spec.finds_open_only:
            return await self._listed(ref, None)
        return found

    async def find_all(self, exchange_ids: Sequence[str]) -> list[Any]:
        """Return the orders with these ids in ccxt's form.

        The result may contain other orders too. An order that it lacks may still exist.
        """
        if self._spec.lists_ended:
            return await self._ended()

        async def ask() -> list[Any]:
            try:
                return listed(await self._client.fetch_orders_by_ids(list(exchange_ids)))
            except Exception as error:
                if errors.says_not_found(error, self._spec):
                    return []
                raise

        found: list[Any] = await self._fetch("find", ask, listed)
        return found

    async def _ended(self) -> list[Any]:
        found: list[Any] = []
        for method in self._closed_methods():
            ask = partial(getattr(self._client, method), None, None, self._spec.orders_at_once)
            found += await self._fetch("ended_orders", ask, listed)
        return found

    async def order_trades(self, symbol: str, narrow: Mapping[str, str]) -> list[Any]:
        return await self._all("order_trades", "fetch_my_trades", symbol, None, narrow)

    async def _fetched(self, address: tuple[str, str, Mapping[str, str]]) -> Any:
        try:
            return await self._client.fetch_order(*address)
        except Exception as error:
            if errors.says_not_found(error, self._spec):
                return None
            raise

    @property
    def finds_in_lists(self) -> bool:
        """Return True if an order whose exchange id is unknown must be searched for in lists."""
        ref = OrderRef("id", "symbol")
        return self._narrowed(ref) is not None or self._address(ref) is None

    def _address(self, ref: OrderRef) -> tuple[str, str, Mapping[str, str]] | None:
        if ref.exchange_id is not None:
            return ref.exchange_id, ref.symbol, {}
        if self._spec.client_id_as_id:
            return self._spec.client_id_prefix + ref.client_id, ref.symbol, {}
        if self._spec.by_client_id:
            # bitget's fetch_order builds its "not found" from the id, so there is one.
            return ref.client_id, ref.symbol, {"clientOrderId": ref.client_id}
        return None

    def _narrowed(self, ref: OrderRef) -> dict[str, str] | None:
        """Return the parameters that narrow lists to this order; None if the exchange has no such parameter."""
        if ref.exchange_id is not None:
            name, value = self._spec.id_filter, ref.exchange_id
        else:
            name, value = self._spec.client_id_filter, ref.client_id
        return None if name is None else {name: value}

    async def _listed(self, ref: OrderRef, narrow: Mapping[str, str] | None) -> Any:
        """Return the order from the lists of open and closed orders.

        If both contain it, the entry of the closed orders is returned.
        """
        if narrow is not None:
            orders = await self.open_orders(ref.symbol, narrow)
            for method in self._closed_methods():
                orders += await self._all("closed_orders", method, ref.symbol, None, narrow)
        else:
            orders = await self.open_orders(ref.symbol)
            orders += await self.closed_orders(ref.symbol, self._clock() - SOUGHT_BACK)
        ours = {ref.client_id, self._spec.client_id_prefix + ref.client_id}
        matching = once(
            [
                order
                for order in orders
                if order.get("id") == ref.exchange_id
                or (ref.exchange_id is None and order.get("clientOrderId") in ours)
            ]
        )
        if len(matching) > 1:
            raise VenueReadFailed(f"{len(matching)} orders have the client id {ref.client_id}")
        return matching[0] if matching else None

    def _closed_methods(self) -> list[str]:
        """Return ccxt's methods that together list closed, cancelled and expired orders."""
        has = self._client.has
        if has.get("fetchOrders") is True:
            return ["fetch_orders"]
        if has.get("fetchCanceledAndClosedOrders") is True:
            return ["fetch_canceled_and_closed_orders"]
        cancelled = ["fetch_canceled_orders"] if has.get("fetchCanceledOrders") is True else []
        return ["fetch_closed_orders", *cancelled]

    async def _all(
        self,
        call: Call,
        method: str,
        symbol: str | None,
        since: datetime | None,
        narrow: Mapping[str, str] | None = None,
    ) -> list[Any]:
        return await all_pages(
            self._pages(call, method, symbol, narrow or {}),
            since=None if since is None else milliseconds_of(since),
            until=exchange_time(self._client),
            paging=self._spec.pages.get(call),
            stretch=self._spec.stretch,
            smallest=self._spec.page,
        )

    def _pages(self, call: Call, method: str, symbol: str | None, narrow: Mapping[str, str]) -> Fetch:
        fetch = getattr(self._client, method)
        charged = call if symbol is not None else ALL_SYMBOLS[call]

        async def page(request: PageRequest) -> Page:
            got: Page = await self._fetch(
                charged,
                lambda: fetch(symbol, request.since, request.limit, {**narrow, **request.params}),
                read,
            )
            return got

        def read(answer: Any) -> Page:
            context = request_context.current()
            return Page(
                listed(answer), listed(answer) if context.entries is None else context.entries, context.answer
            )

        return page
