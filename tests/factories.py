"""A desk in rows, as small as an order needs: people, an account with its market, and a worker that holds it.

Fixture ``rows`` (tests/fixtures.py) is such a desk with a real Redis beside it, in which ``Rows.quote`` puts
the market's quote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import redis

from execution.core.algorithms.decide import decide
from execution.core.market_data.candles import KnownCandles
from execution.core.market_data.feeds import Feed, FeedStatus
from execution.core.orders.terms import parse_order_request
from execution.core.types import BalanceAmounts, Book, OrderReport, Quote, Side, Trade, VenueStatus
from execution.core.types import Market as MarketLimits
from execution.models import (
    Account,
    ChildOrder,
    Credential,
    CredentialState,
    Installation,
    Order,
    Role,
    User,
    Venue,
    Worker,
)
from execution.selectors.decisions.order_view import MarketData, build_order_view
from execution.selectors.quote_signatures import sign, signing_key
from execution.selectors.quotes import (
    book_key,
    book_to_json,
    candles_key,
    candles_to_json,
    feeds_key,
    feeds_to_json,
    quote_key,
    quote_to_json,
)
from execution.services.accounts.markets import balances_record, markets_record
from execution.services.children.children import SubmittedChild, child_submit
from execution.services.engine.apply_decision import Applied, decision_apply
from execution.services.engine.workers import orders_claim, worker_start
from execution.services.orders.orders import order_submit

D = Decimal
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYMBOL = "BTC/USDT"
BUDGET = timedelta(seconds=1)
LIMITS = MarketLimits(
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    tick=D("0.01"),
    lot=D("0.00001"),
    min_quantity=D("0.00001"),
    min_notional=D(10),
    maker_fee=D("0.001"),
    taker_fee=D("0.001"),
)


@dataclass
class Rows:
    """A trader, a supervisor, an account and a worker that holds it."""

    redis_url: str
    installation: Installation
    trader: User
    supervisor: User
    venue: Venue
    account: Account
    credential: Credential
    worker: Worker

    def quote(
        self,
        bid: str = "59999.50",
        ask: str = "60000.50",
        *,
        at: datetime = NOW,
        venue: Venue | None = None,
    ) -> Quote:
        """Put the market's quote in Redis; at the desk's own venue, unless another is named."""
        quote = Quote(D(bid), D(ask), D(2), D(2), at)
        self._publish(quote_key((venue or self.venue).pk, SYMBOL), quote_to_json(quote))
        return quote

    def book(
        self,
        bids: Sequence[tuple[str, str]],
        asks: Sequence[tuple[str, str]],
        *,
        at: datetime = NOW,
        venue: Venue | None = None,
    ) -> Book:
        """Put the market's book in Redis: prices and sizes, best first."""
        sides = [tuple((D(price), D(size)) for price, size in side) for side in (bids, asks)]
        book = Book(sides[0], sides[1], at)
        self._publish(book_key((venue or self.venue).pk, SYMBOL), book_to_json(book))
        return book

    def feeds(self, told: Mapping[Feed, FeedStatus]) -> None:
        """Put the states of the market's feeds in Redis."""
        self._publish(feeds_key(self.venue.pk, SYMBOL), feeds_to_json(told))

    def candles(self, found: KnownCandles, *, venue: Venue | None = None) -> None:
        """Put the market's one-minute candles in Redis."""
        self._publish(candles_key((venue or self.venue).pk, SYMBOL), candles_to_json(found))

    def _publish(self, key: str, text: str) -> None:
        with redis.Redis.from_url(self.redis_url) as client:
            client.set(key, sign(key, text))

    def beside(self, label: str = "beta", **limits: Any) -> Account:
        """Return another account of the trader, at a venue of its own with limits and a quote, held by the worker."""
        venue = Venue.objects.create(label=label, exchange="binance")
        markets_record(venue_pk=venue.pk, markets={SYMBOL: replace(LIMITS, **limits)}, now=NOW)
        self.quote(venue=venue)
        account = make_account(venue, label, self.trader)
        account.owner, account.fence = self.worker, 1
        account.save()
        return account

    def raw(self, **changes: Any) -> dict[str, Any]:
        """Return a ticket as a form sends it: BUY 0.3 BTC over three minutes in three slices."""
        return {
            "symbol": SYMBOL,
            "side": "buy",
            "quantity": "0.3",
            "unit": "base",
            "algorithm": "twap",
            "accounts": [self.account.public_id],
            "parameters": {"duration": "3m", "slices": "3"},
        } | changes

    def submit(
        self, *, key: str = "key-1", person: User | None = None, now: datetime = NOW, **changes: Any
    ) -> Order:
        request = parse_order_request(self.raw(**changes))
        return order_submit(person=person or self.trader, request=request, key=key, now=now)

    def claim(self, order: Order, *, now: datetime = NOW) -> Order:
        """Return the order as this worker's own."""
        orders_claim(worker_pk=self.worker.pk, most=50, patience=timedelta(0), now=now)
        order.refresh_from_db()
        assert order.owner_id == self.worker.pk
        return order

    def working(self, *, now: datetime = NOW, **changes: Any) -> Order:
        """Return an order that was submitted, claimed and started."""
        order = self.claim(self.submit(now=now, **changes), now=now)
        assert self.step(order, now=now) is Applied.DONE
        order.refresh_from_db()
        assert order.status == "working"
        return order

    def step(self, order: Order, *, now: datetime, quote: Quote | None = None) -> Applied:
        """Do one look, decision and write, as the driver does it. ``quote`` is that of every venue."""
        quotes = {venue: quote or calm_quote(now) for venue in Venue.objects.values_list("pk", flat=True)}
        snapshot = build_order_view(order_pk=order.pk, data=MarketData(quotes), now=now)
        return decision_apply(
            order_pk=order.pk,
            worker_pk=self.worker.pk,
            fence=snapshot.fence,
            version=snapshot.version,
            decision=decide(snapshot.view),
            quotes=snapshot.view.quotes,
            now=now,
            view=snapshot.view,
        ).applied

    def resting(self, *, submitted: bool = True, **changes: Any) -> ChildOrder:
        """Return the first child of a working order, on its way to the exchange."""
        order = self.working(**changes)
        self.step(order, now=NOW)
        child = order.children.get()
        if submitted:
            assert self.submit_child(child) is not None
            child.refresh_from_db()
        return child

    def submit_child(
        self,
        child: ChildOrder,
        *,
        now: datetime = NOW,
        fence: int | None = None,
        quote: Quote | None = None,
    ) -> SubmittedChild | None:
        """Submit it, while its market is as it was decided for unless ``quote`` says otherwise."""
        self.account.refresh_from_db()
        held = self.account.fence if fence is None else fence
        return child_submit(
            child_pk=child.pk,
            worker_pk=self.worker.pk,
            account_fence=held,
            budget=BUDGET,
            quote=quote or calm_quote(now),
            now=now,
        )


def calm_quote(at: datetime) -> Quote:
    """Return the market of most tests."""
    return Quote(D("59999.50"), D("60000.50"), D(2), D(2), at)


def report_of(
    child: ChildOrder, status: VenueStatus | None, filled: str | Decimal | None, **changes: Any
) -> OrderReport:
    """Return the exchange's report on a child; ``exchange_id`` is X and its sequence."""
    fields: dict[str, Any] = {
        "symbol": child.symbol,
        "client_id": child.client_id,
        "exchange_id": f"X{child.sequence}",
        "status": status,
        "filled": None if filled is None else D(filled),
    }
    return OrderReport(**(fields | changes))


def trade_of(child: ChildOrder, trade_id: str, quantity: str | Decimal, **changes: Any) -> Trade:
    """Return a trade of a child, as a look lists it: without the client id."""
    fields: dict[str, Any] = {
        "symbol": child.symbol,
        "trade_id": trade_id,
        "side": Side(child.side),
        "price": D("59999.50"),
        "quantity": D(quantity),
        "at": NOW + timedelta(seconds=1),
        "exchange_id": f"X{child.sequence}",
    }
    return Trade(**(fields | changes))


def make_worker(boot_id: str, *, lease: timedelta = timedelta(minutes=5)) -> Worker:
    return worker_start(boot_id=boot_id, host="here", process_id=1, lease=lease)


def make_account(venue: Venue, label: str, *traders: User) -> Account:
    """Return an account with a key in use; its sealed bytes open nothing."""
    account = Account.objects.create(
        venue=venue,
        label=label,
        environment="paper",
        symbols=[SYMBOL],
        reconciled_until=NOW,
        reconciled_fence=1,
    )
    account.traders.set(traders)
    Credential.objects.create(
        account=account, sealed=b"sealed", last_four="1234", state=CredentialState.ACTIVE
    )
    balances = {"USDT": BalanceAmounts(D(1_000_000), D(0)), "BTC": BalanceAmounts(D(10), D(0))}
    balances_record(account_pk=account.pk, balances=balances, now=NOW)
    return account


def make_rows(redis_url: str = "") -> Rows:
    """Return the rows of a desk, its account held by its worker."""
    installation = Installation.objects.create(mark="test", environment="paper", sealing_key="00")
    signing_key.cache_clear()
    trader = User.objects.create(username="trader", role=Role.TRADER)
    supervisor = User.objects.create(username="supervisor", role=Role.SUPERVISOR)
    venue = Venue.objects.create(label="alpha", exchange="binance")
    markets_record(venue_pk=venue.pk, markets={SYMBOL: LIMITS}, now=NOW)
    account = make_account(venue, "alpha", trader)
    worker = make_worker("boot-1")
    account.owner, account.fence = worker, 1
    account.save()
    credential = account.credentials.get()
    return Rows(redis_url, installation, trader, supervisor, venue, account, credential, worker)
