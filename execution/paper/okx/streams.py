"""The common parts of okx's websockets: pings as text, subscribing, and errors."""

from __future__ import annotations

from collections.abc import Callable

from execution.paper.connections import Connection, Connections, encode, read_object
from execution.paper.okx.dialect import Json
from execution.paper.refusals import Refusal

#: Handles one argument of a subscription; raises Refusal if there is no such channel.
Subscribe = Callable[[Connection, Json], None]


class Talk:
    """Answers the client's messages in okx's websocket protocol: ``ping``, ``subscribe``, ``unsubscribe`` and
    ``others``.
    """

    def __init__(
        self,
        connections: Connections,
        subscribe: Subscribe,
        unsubscribe: Subscribe,
        others: dict[str, Callable[[Connection, list[Json]], None]] | None = None,
    ) -> None:
        self._connections = connections
        self._acts = {"subscribe": subscribe, "unsubscribe": unsubscribe}
        self._others = others or {}

    def receive(self, connection: Connection, text: str) -> None:
        if text == "ping":
            self._connections.send(connection, "pong")
            return
        try:
            self._act(connection, text)
        except Refusal as refusal:
            error = {"event": "error", "code": str(refusal.code), "msg": refusal.message, "connId": "paper"}
            self._connections.send(connection, encode(error))

    def _act(self, connection: Connection, text: str) -> None:
        message = read_object(text) or {}
        operation, arguments = str(message.get("op")), message.get("args")
        known = operation in self._acts or operation in self._others
        if not known or not isinstance(arguments, list) or not all(isinstance(a, dict) for a in arguments):
            raise Refusal(60012, f"Illegal request: {text}")
        if operation in self._others:
            self._others[operation](connection, arguments)
            return
        for argument in arguments:
            self._acts[operation](connection, argument)

    def confirm(self, connection: Connection, event: str, argument: Json) -> None:
        """Confirm a subscription. Call this before any message of that channel is sent."""
        self._connections.send(connection, encode({"event": event, "arg": argument, "connId": "paper"}))


def no_such_channel(argument: Json) -> Refusal:
    named = ",".join(f"{name}:{value}" for name, value in argument.items())
    return Refusal(60018, f"{named} doesn't exist")
