"""One real paper exchange in a process of its own, and the real gateway on it in each dialect."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from execution.core.types import ChildRequest, OrderRef, OrderReport, Quote, TimeInForce
from execution.venues.gateway import CcxtGateway, open_gateway
from tests.acceptance.dialects import DIALECTS, PASSPHRASE, Dialect
from tests.venues.conftest import SYMBOL, limit_order, now

READY = "paper exchange ready on "


@dataclass
class Paper:
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
        """Orders, trades and balances of the account, as the exchange itself has them."""
        ledger: dict[str, Any] = (await self.control("GET", "ledger"))[self.key]
        return ledger

    async def orders(self) -> dict[str, dict[str, Any]]:
        return {order["client_id"]: order for order in (await self.books())["orders"]}


@pytest.fixture(scope="session")
def folder() -> Iterator[tuple[str, Path]]:
    """One exchange for all these tests; each test has an account of its own."""
    with tempfile.TemporaryDirectory() as name:
        arguments = [sys.executable, "-m", "execution.paper", "--port", "0", "--folder", name]
        with subprocess.Popen(
            [*arguments, "--weight-limit", "1000000"], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line.startswith(READY), line
            yield line.removeprefix(READY), Path(name)
            process.terminate()


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.exchange)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


def add_account(path: Path, **permissions: bool) -> str:
    """A new account's key."""
    accounts = path / "accounts.json"
    known = json.loads(accounts.read_text()) if accounts.exists() else []
    key = f"key-{len(known)}"
    entry = {"key": key, "secret": "the-secret", "passphrase": PASSPHRASE, **permissions}
    balances = {"BTC": "100", "ETH": "100", "USDT": "10000000"}
    accounts.write_text(json.dumps([*known, {**entry, "balances": balances}]))
    return key


@pytest.fixture
async def paper(folder: tuple[str, Path]) -> AsyncIterator[Paper]:
    base, path = folder
    paper = Paper(base, (path / "control").read_text().strip(), add_account(path))
    yield paper
    await paper.control("DELETE", "faults")


def gateway_to(
    paper: Paper, dialect: Dialect, *, key: str | None = None, secret: str = "the-secret"
) -> CcxtGateway:
    """A gateway that has not been opened."""
    return open_gateway(
        exchange_id=dialect.exchange,
        options=dialect.options(paper.base),
        api_key=key or paper.key,
        secret=secret,
        passphrase=dialect.passphrase,
        clock=now,
        timeout=2,
    )


@pytest.fixture
async def gateway(paper: Paper, dialect: Dialect) -> AsyncIterator[CcxtGateway]:
    gateway = gateway_to(paper, dialect)
    await gateway.open()
    yield gateway
    for report in await gateway.open_orders(SYMBOL):
        await gateway.cancel(OrderRef(str(report.client_id), SYMBOL, report.exchange_id))
    await gateway.close()


@pytest.fixture
async def quote(paper: Paper, gateway: CcxtGateway) -> AsyncIterator[Quote]:
    """The top of the book, which stands still meanwhile."""
    await paper.control("POST", "market", symbol="BTCUSDT", freeze=True)
    yield await gateway.quote(SYMBOL)
    await paper.control("POST", "market", symbol="BTCUSDT", freeze=False)


def passive(quote: Quote, **changes: Any) -> ChildRequest:
    price = (quote.bid * Decimal("0.98")).quantize(Decimal("0.01"))
    return limit_order(**({"price": price} | changes))


def crossing(quote: Quote, **changes: Any) -> ChildRequest:
    price = (quote.ask * Decimal("1.002")).quantize(Decimal("0.01"))
    return limit_order(**({"price": price, "time_in_force": TimeInForce.IOC} | changes))


def ref_of(request: ChildRequest, exchange_id: str | None = None) -> OrderRef:
    return OrderRef(client_id=request.client_id, symbol=request.symbol, exchange_id=exchange_id)


async def found(gateway: CcxtGateway, request: ChildRequest) -> OrderReport:
    """The order by our id; fails when the exchange has none."""
    report = await gateway.find(ref_of(request))
    assert report is not None
    return report
