"""Coinbase's websockets: one address for all channels, numbered messages and heartbeats.

A connection that has been quiet for too long is dropped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from aiohttp import web

from execution.paper.accounts import Accounts
from execution.paper.amounts import iso
from execution.paper.coinbase.dialect import Json
from execution.paper.coinbase.market_streams import CHANNELS, MarketChannels
from execution.paper.coinbase.signing import signer_of
from execution.paper.coinbase.user_streams import UserChannel
from execution.paper.coinbase.wire import Wire
from execution.paper.connections import Connection, Connections, read_object
from execution.paper.exchange import Exchange, LevelChanges
from execution.paper.faults import Faults
from execution.paper.refusals import Refusal

#: A connection without a message for so many seconds is closed. Each connection's limit is drawn within these bounds.
QUIET_SECONDS = (60.0, 90.0)
HEARTBEAT_SECONDS = 1.0


class Channels:
    """All websockets of the dialect, and the channels to which each has subscribed."""

    def __init__(
        self, exchange: Exchange, accounts: Accounts, connections: Connections, faults: Faults, seed: int
    ) -> None:
        self._exchange = exchange
        self._accounts = accounts
        self._connections = connections
        self._random = Random(f"{seed}:coinbase")  # noqa: S311  seeded on purpose, nothing secret
        self._wire = Wire(exchange, connections)
        self._market = MarketChannels(exchange, self._wire)
        self._user = UserChannel(exchange, self._wire, faults)
        #: By connection: the channels to which it has subscribed, with the products of each.
        self._subscribed: dict[Connection, dict[str, list[str]]] = {}
        self._patience: dict[Connection, float] = {}
        self._heartbeats: dict[Connection, int] = {}
        self._beaten = 0.0

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve ``/advanced-trade-ws``. Each connection numbers its messages from 0."""
        return await self._connections.serve(request, self._enter, self._receive, self._leave)

    def _enter(self, connection: Connection) -> None:
        self._wire.enter(connection)
        self._subscribed[connection] = defaultdict(list)
        self._patience[connection] = self._random.uniform(*QUIET_SECONDS)

    def _leave(self, connection: Connection) -> None:
        self._market.leave(connection)
        self._user.leave(connection)
        self._wire.leave(connection)
        self._heartbeats.pop(connection, None)
        del self._subscribed[connection], self._patience[connection]

    # --- subscribing ----------------------------------------------------------------------------

    def _receive(self, connection: Connection, text: str) -> None:
        message = read_object(text) or {}
        acts: Mapping[Any, Callable[[Connection, str, Json], None]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
        }
        act = acts.get(message.get("type"))
        channel = str(message.get("channel"))
        if act is None or channel not in (*CHANNELS, "user", "heartbeats"):
            self._wire.refuse(connection, f"unknown type or channel: {channel[:40]}")
            return
        try:
            act(connection, channel, message)
        except Refusal:
            self._wire.refuse(connection, "authentication failure")

    def _subscribe(self, connection: Connection, channel: str, message: Json) -> None:
        """Confirm a subscription, then send its snapshot. Raises Refusal for an invalid token."""
        signer = None
        if channel == "user":
            signer = signer_of(str(message.get("jwt")), self._accounts, self._exchange.clock(), None)
        products = self._products(connection, channel, message)
        if products is None:
            return
        mine = self._subscribed[connection][channel]
        fresh = [name for name in products if name not in mine]
        mine += fresh
        self._confirm(connection)
        if signer is not None:
            self._user.subscribe(connection, signer, mine)
        elif channel == "heartbeats":
            self._heartbeats.setdefault(connection, 0)
        else:
            self._market.subscribe(connection, channel, fresh)

    def _unsubscribe(self, connection: Connection, channel: str, message: Json) -> None:
        products = self._products(connection, channel, message)
        if products is None:
            return
        mine = self._subscribed[connection].get(channel, [])
        left = [name for name in mine if name not in products] if products else []
        self._subscribed[connection][channel] = left
        if channel in CHANNELS:
            self._market.unsubscribe(connection, channel, products or mine)
        elif channel == "user":
            self._user.leave(connection)
        else:
            self._heartbeats.pop(connection, None)
        if not left:
            del self._subscribed[connection][channel]
        self._confirm(connection)

    def _products(self, connection: Connection, channel: str, message: Json) -> list[str] | None:
        """Return the products that ``message`` names. If one does not exist, send an error and return None."""
        named = message.get("product_ids") or []
        known = {name for name in map(str, named) if name.replace("-", "", 1) in self._exchange.symbols}
        if len(known) < len(named) or (channel in CHANNELS and not named):
            unknown = next((str(name) for name in named if str(name) not in known), "none")
            self._wire.refuse(connection, f"invalid product: {unknown[:40]}")
            return None
        return list(map(str, named))

    def _confirm(self, connection: Connection) -> None:
        """Send the present subscriptions. A channel without products lists its own name instead."""
        told = {channel: products or [channel] for channel, products in self._subscribed[connection].items()}
        self._wire.send(connection, "subscriptions", [{"subscriptions": told}])

    # --- time -----------------------------------------------------------------------------------

    def tick(self, changed: Mapping[str, LevelChanges]) -> None:
        """Send the books, tickers, trades, orders and heartbeats of one step. Drop connections that sent nothing for
        too long.
        """
        self._market.tick(changed)
        self._user.tick()
        now = self._exchange.clock()
        if now - self._beaten >= HEARTBEAT_SECONDS:
            self._beaten = now
            self._beat(now)
        for connection, patience in self._patience.items():
            if now - self._wire.sent_at(connection) > patience:
                connection.abort()

    def _beat(self, now: float) -> None:
        for connection, count in self._heartbeats.items():
            self._heartbeats[connection] = count + 1
            beat = {"current_time": iso(int(now * 1000)), "heartbeat_counter": count}
            self._wire.send(connection, "heartbeats", [beat])
