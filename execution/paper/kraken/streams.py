"""The common parts of kraken's websockets: the greeting, pings, heartbeats, subscribing, and errors."""

from __future__ import annotations

from collections.abc import Callable

from execution.paper.connections import Connection, Connections, read_object
from execution.paper.exchange import Exchange
from execution.paper.kraken.encoding import Json, encode, iso_time
from execution.paper.refusals import Refusal

#: Handles a subscription's parameters and returns the result of each confirmation; raises Refusal.
Subscribe = Callable[[Connection, Json], list[Json]]
#: Sends the first messages of a subscription after its confirmation.
Begin = Callable[[Connection, Json], None]
HEARTBEAT = encode({"channel": "heartbeat"})
HEARTBEAT_SECONDS = 1.0


class Talk:
    """Answers the client's messages in kraken's websocket protocol: ``ping``, ``subscribe`` and ``unsubscribe``."""

    def __init__(
        self,
        exchange: Exchange,
        connections: Connections,
        subscribe: Subscribe,
        begin: Begin,
        unsubscribe: Subscribe,
    ) -> None:
        self._exchange = exchange
        self._connections = connections
        self._begin = begin
        self._acts = {"subscribe": subscribe, "unsubscribe": unsubscribe}
        #: The time of the last message to each connection that has subscribed, in seconds.
        self._spoken: dict[Connection, float] = {}

    def greet(self, connection: Connection) -> None:
        system = {"system": "online", "api_version": "v2", "version": "2.0.10", "connection_id": 1}
        self.send(connection, encode({"channel": "status", "type": "update", "data": [system]}))

    def leave(self, connection: Connection) -> None:
        self._spoken.pop(connection, None)

    def send(self, connection: Connection, text: str) -> None:
        if connection in self._spoken:
            self._spoken[connection] = self._exchange.clock()
        self._connections.send(connection, text)

    def beat(self) -> None:
        """Send a heartbeat to each subscriber that received nothing for a second."""
        now = self._exchange.clock()
        for connection, spoken in list(self._spoken.items()):
            if now - spoken >= HEARTBEAT_SECONDS:
                self.send(connection, HEARTBEAT)

    def receive(self, connection: Connection, text: str) -> None:
        message = read_object(text) or {}
        method, parameters = str(message.get("method")), message.get("params") or {}
        if method == "ping":
            self._answer(connection, message, {"method": "pong"})
            return
        try:
            self._act(connection, message, method, parameters)
        except Refusal as refusal:
            self._answer(connection, message, {"method": method, "error": refusal.message, "success": False})

    def _act(self, connection: Connection, message: Json, method: str, parameters: Json) -> None:
        if method not in self._acts or not isinstance(parameters, dict):
            raise Refusal(0, f"Unsupported method: {method}")
        for result in self._acts[method](connection, parameters):
            self._answer(connection, message, {"method": method, "result": result, "success": True})
        if method == "subscribe":
            self._spoken[connection] = self._exchange.clock()
            self._begin(connection, parameters)

    def _answer(self, connection: Connection, message: Json, said: Json) -> None:
        now = iso_time(self._exchange.clock() * 1000)
        number = {"req_id": message["req_id"]} if isinstance(message.get("req_id"), int) else {}
        self.send(connection, encode({**said, "time_in": now, "time_out": now, **number}))
