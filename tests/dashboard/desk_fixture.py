"""A small desk in the database: three people, one account, one market, and orders to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache as remembered
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from execution.core.orders.terms import parse_order_request
from execution.models import (
    AccessRequest,
    Account,
    Balance,
    Credential,
    Fill,
    Market,
    MarketSample,
    Order,
    User,
    Venue,
)
from execution.services.orders.orders import order_submit
from execution.services.records.journal import journal_append

PASSWORD = "a-long-password-for-tests"


@dataclass
class Desk:
    """The rows and clients that the tests start from."""

    trader: User
    other: User
    supervisor: User
    admin: User
    venue: Venue
    account: Account

    def client(self, person: User | None) -> Client:
        client = Client()
        if person is not None:
            client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    def confirm(self) -> list[str]:
        """Confirm as the supervisor whatever waits on the page. Return the confirmed kinds."""
        waiting = list(AccessRequest.objects.filter(state="waiting").order_by("pk"))
        client = self.client(self.supervisor)
        for request in waiting:
            response = client.post(f"/access/{request.public_id}/confirm/", {"hash": request.content_hash})
            assert response.status_code == 303, response.content.decode()
        return [request.kind for request in waiting]

    def form(self, **changes: str) -> dict[str, str]:
        """Return a valid ticket: BUY 2.5 BTC over an hour. There is no quote, so it has a limit price."""
        form = {
            "key": "key-1",
            "side": "buy",
            "symbol": "BTC/USDT",
            "accounts": self.account.public_id,
            "algorithm": "twap",
            "quantity": "2.5",
            "unit": "base",
            "limit_price": "65200",
            "duration": "01:00:00",
            "end_at": "",
            "start_at": "",
            "slices": "12",
            "urgency": "0.5",
            "catch_up_cap": "3",
            "collar_bp": "50",
            "client_reference": "",
        }
        # It is above the threshold, so its quantity was typed again.
        return {"confirm_quantity": changes.get("quantity", form["quantity"])} | form | changes

    def order(self, person: User | None = None, key: str = "made", **changes: Any) -> Order:
        raw = {
            "symbol": "BTC/USDT",
            "side": "buy",
            "quantity": "2.5",
            "unit": "base",
            "algorithm": "twap",
            "accounts": [self.account.public_id],
            "limit_price": "65200",
            "parameters": {"duration": "01:00:00", "slices": "12"},
        }
        request = parse_order_request(raw | changes)
        return order_submit(person=person or self.trader, request=request, key=key, now=timezone.now())

    def fill(
        self, order: Order, number: int, quantity: str = "0.1", price: str = "64500", **data: Any
    ) -> Fill:
        """Record a fill with the order's totals and its journal entry, as the services write it."""
        now = timezone.now()
        order.refresh_from_db()
        fill = Fill.objects.create(
            account=self.account,
            order=order,
            symbol=order.symbol,
            trade_id=str(number),
            side=order.side,
            price=Decimal(price),
            quantity=Decimal(quantity),
            executed_at=now,
            recorded_at=now,
            **({"liquidity": "maker", "fee": Decimal(1), "fee_currency": "USDT"} | data),
        )
        order.filled += fill.quantity
        order.notional += fill.quantity * fill.price
        journal_append(order=order, kind="fill", actor="venue", at=now, data={"trade": str(number)})
        return fill

    def samples(self, start: datetime, count: int, bid: str = "64500") -> None:
        MarketSample.objects.bulk_create(
            MarketSample(
                venue=self.venue,
                symbol="BTC/USDT",
                second=start.replace(microsecond=0) + timedelta(seconds=second),
                bid=Decimal(bid),
                ask=Decimal(bid) + 1,
                volume=Decimal("0.5"),
                notional=Decimal("0.5") * Decimal(bid),
            )
            for second in range(count)
        )


@remembered
def _password_hash() -> str:
    """Return a hash for all tests, because hashing is slow by design."""
    return make_password(PASSWORD)


def _person(name: str, role: str, **more: Any) -> User:
    return User.objects.create(username=name, password=_password_hash(), role=role, **more)


def make_office() -> Desk:
    cache.clear()  # the requests that were counted for the people of the test before
    venue = Venue.objects.create(label="paper", exchange="binance")
    account = Account.objects.create(
        label="alpha", venue=venue, environment="paper", symbols=["BTC/USDT", "ETH/USDT"]
    )
    Credential.objects.create(account=account, sealed=b"sealed", last_four="1234")
    Market.objects.create(
        venue=venue,
        symbol="BTC/USDT",
        base="BTC",
        quote="USDT",
        tick=Decimal("0.1"),
        lot=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
        min_notional=Decimal(5),
        taker_fee=Decimal("0.001"),
        refreshed_at=timezone.now(),
    )
    for currency, free in (("USDT", "500000"), ("BTC", "10")):
        Balance.objects.create(
            account=account, currency=currency, free=Decimal(free), locked=Decimal(0), at=timezone.now()
        )
    trader, other = _person("trader", "trader"), _person("other", "trader")
    account.traders.set([trader, other])
    return Desk(
        trader=trader,
        other=other,
        supervisor=_person("supervisor", "supervisor"),
        admin=_person("admin", "admin", is_staff=True, is_superuser=True),
        venue=venue,
        account=account,
    )
