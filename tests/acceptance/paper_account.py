"""An account of a real paper exchange, and a gateway on it in each dialect."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from execution.core.types import (
    CancelOutcome,
    ChildRequest,
    OrderRef,
    OrderReport,
    Quote,
    TimeInForce,
    VenueStatus,
)
from execution.venues.gateway import CcxtGateway, open_gateway
from tests.acceptance.dialects import PASSPHRASE, SECRET, Dialect
from tests.paper.running import eventually
from tests.patience import PATIENCE
from tests.venues.stub import lift_limits, limit_order, now

#: How long an exchange may take a create. On a busy machine a request is on its way for seconds.
VALID = timedelta(seconds=2 * PATIENCE)


@dataclass
class PaperAccount:
    """The exchange as one account sees it, with its control interface."""

    base: str
    token: str
    key: str

    async def control(self, method: str, path: str, **body: Any) -> Any:
        headers = {"X-Paper-Control": self.token}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{self.base}/_paper/{path}", json=body) as response,
        ):
            assert response.status == 200, await response.text()
            return await response.json()

    async def fault(self, on: str, kind: str, **fields: Any) -> None:
        await self.control("POST", "faults", on=on, kind=kind, **fields)

    async def taker(self, side: str, quantity: str, price: str) -> None:
        await self.control("POST", "market", symbol="BTCUSDT", side=side, quantity=quantity, price=price)

    async def books(self) -> dict[str, Any]:
        """Return orders, trades and balances of the account, as the exchange itself has them."""
        ledger: dict[str, Any] = (await self.control("GET", "ledger"))[self.key]
        return ledger

    async def orders(self) -> dict[str, dict[str, Any]]:
        return {order["client_id"]: order for order in (await self.books())["orders"]}


def add_account(path: Path, **permissions: bool) -> str:
    """Add an account and return its key."""
    accounts = path / "accounts.json"
    known = json.loads(accounts.read_text()) if accounts.exists() else []
    key = f"key-{len(known)}"
    entry = {"key": key, "secret": SECRET, "passphrase": PASSPHRASE, **permissions}
    balances = {"BTC": "100", "ETH": "100", "USDT": "10000000"}
    accounts.write_text(json.dumps([*known, {**entry, "balances": balances}]))
    return key


def gateway_to(
    paper: PaperAccount, dialect: Dialect, *, key: str | None = None, secret: str = SECRET
) -> CcxtGateway:
    """Return a gateway that has not been opened. The desk's own limits are lifted, because they would take
    minutes.
    """
    gateway = open_gateway(
        exchange_id=dialect.exchange,
        options=dialect.options(paper.base),
        api_key=key or paper.key,
        secret=dialect.secret(secret),
        passphrase=dialect.passphrase,
        clock=now,
        timeout=2,
    )
    lift_limits(gateway)
    return gateway


def passive(quote: Quote, **changes: Any) -> ChildRequest:
    price = (quote.bid * Decimal("0.98")).quantize(Decimal("0.01"))
    return limit_order(**({"price": price} | changes))


def crossing(quote: Quote, **changes: Any) -> ChildRequest:
    price = (quote.ask * Decimal("1.002")).quantize(Decimal("0.01"))
    return limit_order(**({"price": price, "time_in_force": TimeInForce.IOC} | changes))


def ref_of(request: ChildRequest, exchange_id: str | None = None) -> OrderRef:
    return OrderRef(client_id=request.client_id, symbol=request.symbol, exchange_id=exchange_id)


async def cancel(gateway: CcxtGateway, dialect: Dialect, request: ChildRequest) -> CancelOutcome:
    """Cancel by our id, or by the exchange's where ours does not do."""
    known = None if dialect.cancels_by_client_id else (await found(gateway, request)).exchange_id
    return await gateway.cancel(ref_of(request, known))


async def ended(gateway: CcxtGateway, request: ChildRequest) -> OrderReport:
    """Return the order by its client id when it has ended. A cancel may be under way for a moment."""

    async def final() -> OrderReport | None:
        report = await found(gateway, request)
        return None if report.status is VenueStatus.OPEN else report

    report: OrderReport = await eventually(final)
    return report


async def found(gateway: CcxtGateway, request: ChildRequest) -> OrderReport:
    """Return the order by its client id. Fail when the exchange has none."""
    report = await gateway.find(ref_of(request))
    assert report is not None
    return report
