"""The aiohttp application of the paper exchange, put together from its parts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from aiohttp import web

from execution.paper import control
from execution.paper.accounts import Accounts
from execution.paper.binance import rest_account, rest_market
from execution.paper.binance.admission import Binance
from execution.paper.binance.market_streams import MarketStreams
from execution.paper.binance.user_streams import UserStreams
from execution.paper.coinbase import rest_account as coinbase_account
from execution.paper.coinbase import rest_market as coinbase_market
from execution.paper.coinbase.admission import Coinbase
from execution.paper.coinbase.streams import Channels as CoinbaseChannels
from execution.paper.connections import Connections
from execution.paper.exchange import HISTORY_MINUTES, Exchange
from execution.paper.faults import Faults
from execution.paper.kraken import rest_account as kraken_account
from execution.paper.kraken import rest_market as kraken_market
from execution.paper.kraken.admission import Kraken
from execution.paper.kraken.parts import kraken_parts
from execution.paper.limits import ORDERS_PER_TEN_SECONDS, WEIGHT_PER_MINUTE, Limits
from execution.paper.okx import rest_account as okx_account
from execution.paper.okx import rest_market as okx_market
from execution.paper.okx.admission import Okx
from execution.paper.okx.market_streams import MarketChannels
from execution.paper.okx.user_streams import UserChannels
from execution.paper.profiles import ALONE, Profile
from execution.paper.server import Server, add_endpoint
from execution.paper.sources import MarketSource
from execution.paper.store import Store

#: The largest body of a request in bytes. An order has a few hundred.
MAX_BODY = 65_536

SERVER: web.AppKey[Server] = web.AppKey("server", Server)
#: The task that runs the market. If it ends by itself, the exchange has failed.
MARKET_TASK: web.AppKey[asyncio.Task[None]] = web.AppKey("market_task", asyncio.Task)


def create_app(
    folder: Path,
    *,
    seed: int,
    clock: Callable[[], float] = time.time,
    profile: Profile = ALONE,
    frozen: bool = False,
    history_minutes: int = HISTORY_MINUTES,
    weight_per_minute: int = WEIGHT_PER_MINUTE,
    orders_per_ten_seconds: int = ORDERS_PER_TEN_SECONDS,
    source: MarketSource | None = None,
) -> web.Application:
    """Create the exchange with its state in ``folder``.

    ``clock`` gives seconds since the epoch. With ``frozen`` the simulated participants fill the books once and then do
    nothing. With a ``source``, such as a replay, the markets come from it instead of being generated. Raise OSError or
    sqlite3.Error when the folder cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = Store(folder / "paper.sqlite3")
    exchange = Exchange(
        store, profile, seed=seed, clock=clock, history_minutes=history_minutes, source=source
    )
    limits = Limits(weight_per_minute, orders_per_ten_seconds)
    server = _server(folder, exchange, limits, seed, profile.latency)
    for symbol in exchange.symbols.values():
        symbol.frozen = frozen
    return _application(server, store)


def _server(folder: Path, exchange: Exchange, limits: Limits, seed: int, latency: float) -> Server:
    """Return the exchange's parts. Accounts are loaded first, because only orders of known accounts can rest again."""
    faults = Faults(seed)
    exchange.cancel_loses = faults.cancel_loses
    accounts = Accounts(folder / "accounts.json", exchange.ledger)
    accounts.load()
    exchange.open_books()
    connections = Connections(exchange.clock, latency)
    return Server(
        exchange=exchange,
        accounts=accounts,
        limits=limits,
        faults=faults,
        connections=connections,
        market_streams=MarketStreams(exchange, connections),
        user_streams=UserStreams(exchange, accounts, connections, faults),
        market_channels=MarketChannels(exchange, connections),
        user_channels=UserChannels(exchange, accounts, connections, faults),
        kraken=kraken_parts(exchange, connections, faults),
        coinbase_channels=CoinbaseChannels(exchange, accounts, connections, faults, seed),
        control_token=control_token(folder / "control"),
        latency=latency,
    )


def control_token(path: Path) -> str:
    """Return the token of the control API. The first call creates it in ``path``, which only the owner can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token)
    return token


def _application(server: Server, store: Store) -> web.Application:
    application = web.Application(client_max_size=MAX_BODY)
    application[SERVER] = server
    _add_binance(application, server)
    _add_okx(application, server)
    _add_kraken(application, server)
    _add_coinbase(application, server)
    control.add_routes(application, server)

    async def run_market(application: web.Application) -> AsyncIterator[None]:
        task = application[MARKET_TASK] = asyncio.create_task(_live(server))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with contextlib.suppress(
            sqlite3.OperationalError
        ):  # a full disk: the next start begins a moment earlier
            server.exchange.remember_market()
        store.close()

    async def say_goodbye(_application: web.Application) -> None:
        await server.connections.close()

    application.cleanup_ctx.append(run_market)
    application.on_shutdown.append(say_goodbye)
    return application


def _add_binance(application: web.Application, server: Server) -> None:
    dialect = Binance()
    for endpoint in (*rest_market.ENDPOINTS, *rest_account.ENDPOINTS):
        add_endpoint(application, server, endpoint, dialect)
    # "/ws/v5" is the other dialect's.
    for path in ("/stream", "/stream/ws", "/stream/ws/{number}", "/ws", "/ws/{names:(?!v5/).+}"):
        application.router.add_get(path, server.market_streams.serve)
    application.router.add_get("/ws-api/v3", server.user_streams.serve)


def _add_okx(application: web.Application, server: Server) -> None:
    dialect = Okx()
    for endpoint in (*okx_market.ENDPOINTS, *okx_account.ENDPOINTS):
        add_endpoint(application, server, endpoint, dialect)
    application.router.add_get("/ws/v5/public", server.market_channels.serve)
    application.router.add_get("/ws/v5/private", server.user_channels.serve)


def _add_kraken(application: web.Application, server: Server) -> None:
    dialect = Kraken()
    for endpoint in (*kraken_market.ENDPOINTS, *kraken_account.ENDPOINTS):
        add_endpoint(application, server, endpoint, dialect)
    application.router.add_get("/kraken/public/v2", server.kraken.market_feeds.serve)
    application.router.add_get("/kraken/private/v2", server.kraken.user_feeds.serve)


def _add_coinbase(application: web.Application, server: Server) -> None:
    dialect = Coinbase()
    for endpoint in (*coinbase_market.ENDPOINTS, *coinbase_account.ENDPOINTS):
        add_endpoint(application, server, endpoint, dialect)
    application.router.add_get("/advanced-trade-ws", server.coinbase_channels.serve)


async def _live(server: Server) -> None:
    while True:
        # A disk that refuses suspends the exchange, which says so: it goes on when everything is written.
        with contextlib.suppress(sqlite3.OperationalError):
            server.exchange.advance()
        changed = server.exchange.level_changes()
        server.market_streams.tick(changed)
        server.market_channels.tick(changed)
        server.kraken.tick(changed)
        server.coinbase_channels.tick(changed)
        await asyncio.sleep(server.exchange.source.step_seconds)
