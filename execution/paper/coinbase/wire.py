"""The numbering of coinbase's outgoing messages within each connection."""

from __future__ import annotations

from collections.abc import Sequence

from execution.paper.amounts import iso
from execution.paper.coinbase.dialect import Json
from execution.paper.connections import Connection, Connections, encode
from execution.paper.exchange import Exchange


class Wire:
    """Sends messages, numbers those of each connection, and stores the time of each connection's last message."""

    def __init__(self, exchange: Exchange, connections: Connections) -> None:
        self._exchange = exchange
        self._connections = connections
        self._numbers: dict[Connection, int] = {}
        self._sent_at: dict[Connection, float] = {}

    def enter(self, connection: Connection) -> None:
        self._numbers[connection] = 0
        self._sent_at[connection] = self._exchange.clock()

    def leave(self, connection: Connection) -> None:
        del self._numbers[connection], self._sent_at[connection]

    def sent_at(self, connection: Connection) -> float:
        """Return the time of the connection's last message, or of its beginning if there was none (seconds)."""
        return self._sent_at[connection]

    def send(self, connection: Connection, channel: str, events: Sequence[Json]) -> None:
        message = {
            "channel": channel,
            "client_id": "",
            "timestamp": iso(self._exchange.now()),
            "sequence_num": self.skip(connection),
            "events": events,
        }
        self._sent_at[connection] = self._exchange.clock()
        self._connections.send(connection, encode(message))

    def skip(self, connection: Connection) -> int:
        """Use up the connection's next message number, and return it.

        If no message with this number is sent, the client sees a gap.
        """
        number = self._numbers[connection]
        self._numbers[connection] += 1
        return number

    def refuse(self, connection: Connection, message: str) -> None:
        self._connections.send(connection, encode({"type": "error", "message": message}))
