"""The gateway over ccxt. It serves one account at one venue, with one client, on the running event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal, TypeVar

from execution.core.addresses import ONLY_LOOPBACK, Network
from execution.core.guarantees import guarantees_of
from execution.core.types import (
    Accepted,
    BalanceAmounts,
    CancelConfirmed,
    CancelFailed,
    CancelOutcome,
    ChildRequest,
    CreateOutcome,
    KeyPermissions,
    Market,
    NotSent,
    OrderRef,
    OrderReport,
    StreamEvent,
    Trade,
    Unknown,
    VenueStatus,
)
from execution.venues import convert, errors, permissions, request_context, requests, streams, values
from execution.venues.balances import read_balances
from execution.venues.budget import Budget, read_share, share_of
from execution.venues.cancel_all import cancel_all
from execution.venues.client import open_client
from execution.venues.exchanges import spec_of
from execution.venues.listings import ALL_SYMBOLS, Listings
from execution.venues.market_gateway import MARKET_SHARE, CcxtMarketGateway
from execution.venues.options import is_closed
from execution.venues.protocol import (
    AccountQuestion,
    CancelScope,
    Listing,
    TradesQuestion,
    Unreadable,
    VenueReadFailed,
)
from execution.venues.spec import ExchangeSpec

T = TypeVar("T")


def open_gateway(
    *,
    exchange_id: str,
    options: Mapping[str, Any],
    api_key: str,
    secret: str,
    passphrase: str | None = None,
    clock: Callable[[], datetime],
    timeout: float = 4.0,
    network: Network = ONLY_LOOPBACK,
) -> CcxtGateway:
    """Return a gateway that connects at ``open()``. ``timeout`` in seconds bounds each request.

    If the options give ``urls``, the gateway reaches only these. Raise ``ValueError`` for an unknown exchange, for
    one where the desk could not find every order again, and for options that ``network`` does not allow.
    """
    client = open_client(
        exchange_id=exchange_id,
        options=options,
        api_key=api_key,
        secret=secret,
        passphrase=passphrase,
        timeout=timeout,
        network=network,
    )
    requests.refuse_unfit(client, spec_of(exchange_id))
    redact = errors.Redactor((api_key, secret, passphrase))
    return CcxtGateway(client, spec=spec_of(exchange_id), redact=redact, clock=clock)


def account_budget(client: Any, spec: ExchangeSpec) -> Budget:
    """Return the limits on an account's calls: its share of them if market data use the same limit."""
    if spec.tiers:
        tier = client.options.get("tier") or next(iter(spec.tiers))
        calls, orders = spec.tiers[tier]
        return Budget(calls, orders, read_share=read_share(calls))
    whole = spec.limits or requests.limits_of(client)
    if spec.public_limits is None:
        whole = share_of(whole, 1 - MARKET_SHARE, reserve=whole.reserve)
    return Budget(whole, spec.order_limits, read_share=read_share(whole))


class CcxtGateway(CcxtMarketGateway):
    """``Gateway`` for any spot exchange of ccxt, with its spec."""

    def __init__(
        self, client: Any, *, spec: ExchangeSpec, redact: errors.Redactor, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(client, spec=spec, redact=redact, clock=clock, budget=account_budget(client, spec))
        self.guarantees = guarantees_of(client.id)
        self._listings = Listings(client, spec, self._fetch, clock)
        self._account_bell: streams.Bell | None = None

    async def _begin(self) -> None:
        await self._refuse_mode()

    # --- orders ---------------------------------------------------------------------------------

    async def ready(
        self, kind: Literal["create", "cancel"], symbol: str, age: timedelta | None = None
    ) -> None:
        await self.budget.ready(kind, symbol, age)

    def give_back(self, kind: Literal["create", "cancel"], symbol: str) -> None:
        self.budget.give_back(kind, symbol)

    def share_limits(self, clients: int) -> None:
        self.budget.share(clients)

    async def create(self, request: ChildRequest, *, valid_for: timedelta) -> CreateOutcome:
        """Place an order.

        1. Refuse a request that does not fit the market's steps, because ccxt would round it.
        2. Send it, with a validity window if the exchange has one.
        3. Return ``Unknown`` for an answer without an order id.
        """
        if not self._is_open:
            return NotSent("the gateway is not open")
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if valid_for <= timedelta(0):
            return NotSent(f"the validity of {valid_for.total_seconds()} s is over")
        valid_for = self.guarantees.validity(valid_for)
        params = requests.create_params(request, valid_for=valid_for, spec=self._spec)
        request_context.begin(valid_for=requests.whole_milliseconds(valid_for))
        try:
            requests.refuse_quote_sized(self._client, request, self._spec)
            answer = await self._client.create_order(
                request.symbol,
                request.type.value,
                request.side.value,
                requests.digits(request.quantity),
                requests.digits(request.price) if request.price is not None else None,
                params,
            )
            return self._read_create(answer, request)
        except Exception as error:  # noqa: BLE001  # everything is an outcome
            return self._failed(error, errors.create_failure)

    async def cancel(self, ref: OrderRef) -> CancelOutcome:
        if not self._is_open:
            return CancelFailed("the gateway is not open")
        if (address := requests.cancel_address(ref, self._spec)) is None:
            return CancelFailed(f"{self._client.id} cancels by its own id, which is not known yet")
        request_context.begin()
        try:
            answer = await self._client.cancel_order(*address)
            report = self._report(answer, ref.symbol)
        except Exception as error:  # noqa: BLE001  # everything is an outcome
            return self._failed(error, errors.cancel_failure)
        if self._spec.cancel_tells_id and report.exchange_id is None:
            return CancelFailed("the answer to the cancel has no order id")
        if self._spec.cancel_tells_status and report.status is None:
            return CancelFailed("the answer to the cancel has no status")
        if report.status is VenueStatus.REJECTED:
            return CancelFailed("the cancel was refused")  # which ccxt reads as an order that was (okx)
        # The answer's client id may be the cancel's own (binance).
        exchange_id = report.exchange_id or ref.exchange_id
        return CancelConfirmed(replace(report, client_id=ref.client_id, exchange_id=exchange_id))

    @property
    def cancels_all(self) -> CancelScope | None:
        return self._spec.cancels_all

    async def cancel_all(self, symbol: str | None) -> Mapping[str, OrderReport] | CancelFailed:
        if not self._is_open:
            return CancelFailed("the gateway is not open")
        await self.budget.cancel_all()
        failed = partial(self._failed, classify=errors.cancel_failure)
        return await cancel_all(self._client, self._spec, symbol, report=self._report, failed=failed)

    # --- reads ----------------------------------------------------------------------------------

    async def find(self, ref: OrderRef) -> OrderReport | None:
        found = await self._listings.find(ref)
        if found is None:
            return None
        return self._read(lambda: self._identified(self._report(found, ref.symbol), ref))

    @property
    def orders_at_once(self) -> int:
        return self._spec.orders_at_once

    async def find_all(self, exchange_ids: Sequence[str]) -> dict[str, OrderReport]:
        found = await self._listings.find_all(exchange_ids)
        reports = self._read(
            lambda: [
                self._complete(self._report(one, convert.symbol_of(one, None)))
                for one in found
                if one.get("id") in exchange_ids  # others' orders need not be understood
            ]
        )
        return {str(one.exchange_id): one for one in reports}

    def seconds_of(self, kind: Literal["balances", "find", "trades"]) -> float:
        if kind == "find" and self._listings.finds_in_lists:
            return self.budget.seconds_of("open_orders") + self.budget.seconds_of("closed_orders")
        if kind == "trades" and "trades" in self._spec.without_symbol:
            return self.budget.seconds_of("all_trades")
        return self.budget.seconds_of(kind)

    def seconds_of_trades(self, symbols: int, count: int) -> float:
        paging = self._spec.pages.get("trades")
        pages = 1 + count // paging.size if paging is not None and paging.size else 1
        lists = 1 if "trades" in self._spec.without_symbol else symbols
        return (lists + pages - 1) * self.seconds_of("trades")

    def account_questions(self, symbols: int) -> frozenset[AccountQuestion]:
        """Return the lists for which one read of the whole account costs no more than a read of each symbol."""
        return frozenset(
            question
            for question in self._spec.without_symbol
            if self.budget.cost(ALL_SYMBOLS[question]) <= self.budget.cost(question) * symbols
        )

    async def open_orders(self, symbol: str | None) -> Listing[OrderReport]:
        """Return the open orders of a symbol. A listed order is open, even if ccxt does not translate its status."""

        def read(order: Any) -> OrderReport:
            report = self._report(order, convert.symbol_of(order, symbol))
            return self._complete(report if report.status else replace(report, status=VenueStatus.OPEN))

        return self._listing(await self._listings.open_orders(symbol), symbol, read)

    async def closed_orders(self, symbol: str, since: datetime) -> Listing[OrderReport]:
        def read(order: Any) -> OrderReport:
            return self._complete(self._report(order, symbol))

        return self._listing(await self._listings.closed_orders(symbol, since), symbol, read)

    async def trades(self, symbol: str | None, since: datetime) -> Listing[Trade]:
        return self._own_trades(await self._listings.trades(symbol, since), symbol)

    def cheapest_trades(self, orders: Collection[int]) -> TradesQuestion:
        """Return the cheapest way to read trades, with the fewest requests among equally cheap ways."""
        costs: dict[TradesQuestion, float] = {"symbol": self.budget.cost("trades") * len(orders)}
        if "trades" in self._spec.without_symbol:
            costs = {"account": self.budget.cost("all_trades"), **costs}
        if self._spec.order_trades is not None:
            costs["order"] = self.budget.cost("order_trades") * sum(orders)
        return min(costs, key=costs.__getitem__)

    async def order_trades(self, ref: OrderRef) -> Listing[Trade]:
        if self._spec.order_trades is None or ref.exchange_id is None:
            raise VenueReadFailed(f"{self._client.id} lists no trades of order {ref}")
        param, beside = self._spec.order_trades
        narrow = {param: ref.exchange_id, **beside}
        return self._own_trades(await self._listings.order_trades(ref.symbol, narrow), ref.symbol)

    def _own_trades(self, listed: list[Any], symbol: str | None) -> Listing[Trade]:
        def read(trade: Any) -> Trade:
            return convert.own_trade(trade, symbol=convert.symbol_of(trade, symbol), spec=self._spec)

        own = self._listing(listed, symbol, read)
        # Ids count up on most exchanges, so that the longer is the later.
        own.sort(key=lambda trade: (trade.at, len(trade.trade_id), trade.trade_id))
        return own

    async def balances(self) -> dict[str, BalanceAmounts]:
        return await self._fetch(
            "balances",
            self._client.fetch_balance,
            lambda answer: read_balances(self._client, answer, self._spec),
        )

    async def permissions(self) -> KeyPermissions:
        """Return the permissions of the key.

        All are unknown if the exchange does not report them, or if the request's address may not be reached.
        """
        if self._spec.permissions_call is None:
            return KeyPermissions()
        method, address = self._spec.permissions_call
        if is_closed(self._client.urls["api"].get(address)):
            return KeyPermissions()
        read = partial(permissions.key_permissions, method)
        return await self._fetch("permissions", getattr(self._client, method), read)

    async def arm_switch(self, seconds: int) -> None:
        await self._set_switch(seconds)

    async def disarm_switch(self) -> None:
        await self._set_switch(None)

    async def _set_switch(self, seconds: int | None) -> None:
        """Arm the dead-man's switch to fire after ``seconds``, or disarm it for None."""
        if (call := self._spec.switch) is None:
            raise VenueReadFailed(f"{self._client.id} has no dead-man's switch")
        ask = partial(getattr(self._client, call.method), {call.param: seconds or call.off})
        way = () if seconds is None else call.trigger_at
        await self._fetch("switch", ask, partial(values.confirm, way=way))

    async def _refuse_mode(self) -> None:
        """Raise ``VenueReadFailed`` with ``refuses_key`` if the account is in a mode that the desk does not trade."""
        mode = self._spec.mode
        if mode is None or is_closed(self._client.urls["api"].get(mode.address)):
            return
        ask = getattr(self._client, mode.method)
        if not await self._fetch("permissions", ask, partial(permissions.mode_is, mode)):
            raise VenueReadFailed(mode.refusal, refuses_key=True)

    async def markets(self, symbols: Sequence[str]) -> dict[str, Market]:
        """Read the markets of ``symbols``. From then on only these can be traded.

        If the exchange's list is empty, the read fails, and the known markets stay.
        """
        fresh = await self._fetch("markets", self._client.fetch_markets, values.listed)
        if not fresh:
            raise VenueReadFailed("the exchange lists no markets")
        fees, self.listed_symbols = await self._account_fees(), requests.spot_symbols(fresh)
        self._markets = self._read(lambda: requests.renewed_markets(self._client, fresh, symbols, fees))
        return dict(self._markets)

    # --- streams --------------------------------------------------------------------------------

    async def watch_account(self, symbols: Sequence[str]) -> AsyncGenerator[StreamEvent, None]:  # noqa: ARG002
        """Watch the whole account; ``symbols`` is ignored. Only one watcher runs at a time."""
        bell = self._new_bell()
        try:
            self._account_bell = bell
            stream = streams.watch_account(
                self._client, spec=self._spec, bell=bell, describe=self._redact, before=self.budget.stream
            )
            async with aclosing(stream) as events:
                async for event in events:
                    yield event
        finally:
            self._bells.discard(bell)

    def reconnect_account(self, reason: str) -> None:
        if self._account_bell is not None:
            self._account_bell.begin_anew(reason)

    def _refusal(self, request: ChildRequest) -> CreateOutcome | None:
        return requests.refusal(request, market=self._markets.get(request.symbol), spec=self._spec)

    # --- reading --------------------------------------------------------------------------------

    def _listing(self, entries: list[Any], symbol: str | None, read: Callable[[Any], T]) -> Listing[T]:
        """Convert the entries. Raise ``VenueReadFailed`` for an unreadable entry that names no order."""
        converted: list[T] = []
        unreadable: list[Unreadable] = []
        for entry in entries:
            try:
                converted.append(self._read(partial(read, entry)))
            except VenueReadFailed as error:
                named = convert.unreadable(entry, symbol=symbol, spec=self._spec, error=error)
                if named is None:
                    raise
                unreadable.append(named)
        return Listing(converted, unreadable)

    def _report(self, answer: Any, symbol: str) -> OrderReport:
        return convert.order_report(answer, symbol=symbol, spec=self._spec)

    def _read_create(self, answer: Any, request: ChildRequest) -> CreateOutcome:
        report = replace(self._report(answer, request.symbol), client_id=request.client_id)
        if report.exchange_id is None:
            return Unknown("the answer has no order id")
        return Accepted(report, convert.trades_of_answer(answer, order=report, spec=self._spec))

    def _identified(self, report: OrderReport, ref: OrderRef) -> OrderReport:
        """Return the report if it describes the order ``ref``, else raise ``AnswerError``."""
        self._complete(report)
        by_id = ref.exchange_id is not None and report.exchange_id == ref.exchange_id
        if not by_id and (ref.exchange_id is not None or report.client_id != ref.client_id):
            raise values.AnswerError(f"an answer about order {report.exchange_id}, which was not asked for")
        return report

    def _complete(self, report: OrderReport) -> OrderReport:
        if report.exchange_id is None or report.status is None:
            raise values.AnswerError("an order without an id or a status")
        return report

    async def _account_fees(self) -> tuple[Decimal | None, Decimal | None] | None:
        call = self._spec.fees_call
        if call is None and not self._spec.fees_with_balance:
            return None
        try:
            if call is not None:
                ask = partial(getattr(self._client, call[0]), call[1])
                return await self._fetch("fees", ask, requests.negated_rates)
            return await self._fetch("balances", self._client.fetch_balance, requests.commission_rates)
        except VenueReadFailed:
            return None  # ccxt's published rates then
