"""A paper exchange on a free port inside the test's own loop, and the real ccxt classes pointed at it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import ccxt.pro
from aiohttp import web

from execution.paper.app import create_app
from execution.paper.coinbase.signing import private_pem
from tests.paper.keys import secret_of
from tests.patience import PATIENCE

# A proxy of the machine must not come between the tests and loopback.
os.environ["NO_PROXY"] = "127.0.0.1"

OPENING = {"BTC": "100", "USDT": "10000000", "ETH": "1000", "SOL": "50000"}
SYMBOL = "BTC/USDT"


class Binance(ccxt.pro.binance):  # type: ignore[misc]  # ccxt has no types
    """ccxt's own class with the one quirk: its map of spot errors, keyed by the real host, for any host."""

    def get_exceptions_by_url(self, url: str, exactOrBroad: str) -> Any:  # noqa: N803  ccxt's name
        return self.safe_dict(self.safe_dict(self.exceptions, "spot", {}), exactOrBroad, {})


def binance(port: int, key: str = "first", **options: Any) -> Binance:
    client = Binance(
        {
            "apiKey": key,
            "secret": secret_of(key),
            "enableRateLimit": False,
            "timeout": 3000,
            "newUpdates": True,
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
                **options,
            },
        }
    )
    client.timeout_on_exit = 0  # the pause is for TLS, of which there is none here
    nowhere = f"http://127.0.0.1:{port}/unrouted"
    urls: dict[str, Any] = {name: nowhere for name in client.urls["api"] if name != "ws"}
    urls["public"] = urls["private"] = f"http://127.0.0.1:{port}/api/v3"
    urls["sapi"] = f"http://127.0.0.1:{port}/sapi/v1"
    urls["ws"] = {
        "spot": f"ws://127.0.0.1:{port}/stream/ws",
        "ws-api": {"spot": f"ws://127.0.0.1:{port}/ws-api/v3"},
    }
    client.urls["api"] = urls
    return client


def okx(port: int, key: str = "first", **changes: str) -> Any:
    """Return ccxt's own class, as it is."""
    config: dict[str, Any] = {
        "apiKey": key,
        "secret": secret_of(key),
        "password": f"{key}'s passphrase",
        "enableRateLimit": False,
        "timeout": 3000,
        "options": {"fetchMarkets": {"types": ["spot"]}},
        **changes,
    }
    client = ccxt.pro.okx(config)
    client.timeout_on_exit = 0  # the pause is for TLS, of which there is none here
    client.urls["api"] = {"rest": f"http://127.0.0.1:{port}", "ws": f"ws://127.0.0.1:{port}/ws/v5"}
    return client


def kraken(port: int, key: str = "first", **changes: str) -> Any:
    """Return ccxt's own class, as it is."""
    config: dict[str, Any] = {
        "apiKey": key,
        "secret": secret_of(key),
        "enableRateLimit": False,
        "timeout": 3000,
        **changes,
    }
    client = ccxt.pro.kraken(config)
    client.timeout_on_exit = 0  # the pause is for TLS, of which there is none here
    base, streams = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/kraken"
    # The third is where ccxt keeps its token. It is never dialled.
    ws = {"publicV2": f"{streams}/public/v2", "privateV2": f"{streams}/private/v2", "private": streams}
    client.urls["api"] = {"public": base, "private": base, "ws": ws}
    return client


def coinbase(port: int, key: str = "first", **changes: str) -> Any:
    """Return ccxt's own class, as it is."""
    secret = private_pem(secret_of(key))
    client = ccxt.pro.coinbase(
        {
            "apiKey": key,
            "secret": secret,
            "enableRateLimit": False,
            "timeout": 3000,
            "newUpdates": True,
            "options": {"fetchBalance": "v3PrivateGetBrokerageAccounts"},
            **changes,
        }
    )
    client.timeout_on_exit = 0  # the pause is for TLS, of which there is none here
    client.urls["api"] = {
        "rest": f"http://127.0.0.1:{port}",
        "ws": f"ws://127.0.0.1:{port}/advanced-trade-ws",
    }
    return client


class Paper:
    """A running paper exchange as tests use it."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._token = (folder / "control").read_text()
        self._folder = folder
        self._clients: list[Any] = []
        self.session = aiohttp.ClientSession()

    async def client(self, key: str = "first", **options: Any) -> Binance:
        client = binance(self.port, key, **options)
        self._clients.append(client)
        await client.load_markets()
        return client

    async def okx(self, key: str = "first") -> Any:
        client = self.okx_unloaded(key)
        await client.load_markets()
        return client

    def okx_unloaded(self, key: str = "first", **changes: str) -> Any:
        client = okx(self.port, key, **changes)
        self._clients.append(client)
        return client

    async def kraken(self, key: str = "first") -> Any:
        client = self.kraken_unloaded(key)
        await client.load_markets()
        return client

    def kraken_unloaded(self, key: str = "first", **changes: str) -> Any:
        client = kraken(self.port, key, **changes)
        self._clients.append(client)
        return client

    async def counters(self, key: str = "first") -> Any:
        """Return kraken's counters of a key."""
        return (await self.control("GET", "limits"))["counters"][key]

    async def coinbase(self, key: str = "first") -> Any:
        client = self.coinbase_unloaded(key)
        await client.load_markets()
        return client

    def coinbase_unloaded(self, key: str = "first", **changes: str) -> Any:
        client = coinbase(self.port, key, **changes)
        self._clients.append(client)
        return client

    async def control(self, method: str, path: str, **body: Any) -> Any:
        headers = {"X-Paper-Control": self._token}
        async with self.session.request(
            method, f"{self.url}/_paper/{path}", headers=headers, json=body
        ) as answer:
            text = await answer.text()
            assert answer.status == 200, text
            return json.loads(text)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.session.get(f"{self.url}{path}", headers=headers) as answer:
            return answer.status, await answer.json()

    async def post(self, client: Any, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return coinbase's answer to a body that ccxt would not send, signed by the client's key."""
        url = f"{self.url}/api/v3/brokerage/{path}"
        token = client.create_auth_token(client.seconds(), "POST", url)
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.post(url, headers=headers, json=body) as answer:
            return answer.status, await answer.json()

    async def add_account(self, **entry: Any) -> None:
        path = self._folder / "accounts.json"
        path.write_text(json.dumps([*json.loads(path.read_text()), entry]))

    async def ledger(self, key: str = "first") -> Any:
        return (await self.control("GET", "ledger"))[key]

    async def order(self, client_id: str, key: str = "first") -> Any:
        """Return the exchange's own record of an order; None if it was never accepted."""
        orders = (await self.ledger(key))["orders"]
        return next((order for order in orders if order["client_id"] == client_id), None)

    async def fault(self, on: str, kind: str, **more: Any) -> None:
        await self.control("POST", "faults", on=on, kind=kind, **more)

    async def taker(self, side: str, quantity: str, price: str | None = None) -> None:
        more = {} if price is None else {"price": price}
        await self.control("POST", "market", symbol=SYMBOL, side=side, quantity=quantity, **more)

    async def quote(self) -> tuple[Decimal, Decimal]:
        """Return the best bid and ask."""
        answer = await self.control("POST", "market", symbol=SYMBOL)
        return Decimal(answer["bid"]), Decimal(answer["ask"])

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        await self.session.close()


def write_accounts(folder: Path, *keys: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    accounts = [
        {
            "key": key,
            "secret": secret_of(key),
            "passphrase": f"{key}'s passphrase",
            "balances": OPENING,
        }
        for key in keys
    ]
    (folder / "accounts.json").write_text(json.dumps(accounts))


@asynccontextmanager
async def running(folder: Path, **options: Any) -> AsyncIterator[Paper]:
    """Yield a paper exchange with its background standing still, unless told otherwise."""
    if not (folder / "accounts.json").exists():
        write_accounts(folder, "first", "second")
    application = create_app(folder, **{"seed": 7, "frozen": True, "history_minutes": 90, **options})
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    paper = Paper(runner.addresses[0][1], folder)
    try:
        yield paper
    finally:
        await paper.close()
        await runner.cleanup()


async def eventually(look: Callable[[], Awaitable[Any]], seconds: float = 10) -> Any:
    """Look until the answer is true, usually within ``seconds``; fail after ``PATIENCE`` times as long."""
    deadline = asyncio.get_running_loop().time() + seconds * PATIENCE
    while not (found := await look()):
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.02)
    return found
