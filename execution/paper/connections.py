"""Websocket connections. Each has an outbox of its own, so that a slow reader never delays the exchange."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

#: A connection with this many unsent messages is dropped, as exchanges do.
OUTBOX_LIMIT = 5_000
#: The largest incoming message in bytes. A subscription to a thousand streams needs half of it.
MAX_MESSAGE = 65_536


def encode(message: Any) -> str:
    return json.dumps(message, separators=(",", ":"))


class Connection:
    """One client's websocket. ``push`` puts a message into the outbox and never waits."""

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, path: str, latency: float
    ) -> None:
        self.socket = socket
        self.path = path
        self._transport = request.transport
        self._latency = latency
        self._clock = asyncio.get_running_loop().time
        self._outbox: asyncio.Queue[tuple[float, str]] = asyncio.Queue(OUTBOX_LIMIT)

    def push(self, text: str) -> None:
        try:
            self._outbox.put_nowait((self._clock() + self._latency, text))
        except asyncio.QueueFull:
            self.abort()

    async def write(self) -> None:
        """Send the pushed messages, until the connection ends."""
        with contextlib.suppress(ConnectionError):
            while True:
                due, text = await self._outbox.get()
                if (early := due - self._clock()) > 0:
                    await asyncio.sleep(early)
                await self.socket.send_str(text)

    def abort(self) -> None:
        """Drop the connection without a closing message, as a broken network does."""
        if self._transport is not None:
            self._transport.abort()


#: Handles one text message of a connection.
Receive = Callable[[Connection, str], None]


def read_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object of a message; None for any other message."""
    try:
        message = json.loads(text)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


class Connections:
    """All open websockets, so that all of them can be cut or silenced together.

    Every message is sent ``latency`` seconds after it was pushed.
    """

    def __init__(self, clock: Callable[[], float], latency: float = 0.0) -> None:
        self._clock = clock
        self._latency = latency
        self._open: set[Connection] = set()
        self._silent_until = 0.0

    @property
    def silent(self) -> bool:
        return self._clock() < self._silent_until

    def silence(self, seconds: float) -> None:
        """Keep connections open for ``seconds`` but send nothing, not even pongs.

        Messages due in that time are lost.
        """
        self._silent_until = self._clock() + seconds

    def cut(self) -> int:
        """Drop every connection. Return how many there were."""
        count = len(self._open)
        for connection in list(self._open):
            connection.abort()
        return count

    def send(self, connection: Connection, text: str) -> None:
        if not self.silent:
            connection.push(text)

    async def close(self) -> None:
        """Close every connection with a closing message, for an orderly stop."""

        async def say_goodbye(connection: Connection) -> None:
            async with asyncio.timeout(0.2):
                await connection.socket.close(code=1001)

        await asyncio.gather(*map(say_goodbye, self._open), return_exceptions=True)

    async def serve(
        self, request: web.Request, enter: Callable[[Connection], None], receive: Receive,
        leave: Callable[[Connection], None],
    ) -> web.WebSocketResponse:  # fmt: skip
        """Run one connection until it ends, handing each text message to ``receive``."""
        # Pings are answered by hand: a silent connection must not give itself away as alive.
        socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=MAX_MESSAGE)
        await socket.prepare(request)
        connection = Connection(socket, request, request.path, self._latency)
        self._open.add(connection)
        enter(connection)
        writer = asyncio.create_task(connection.write())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    receive(connection, message.data)
                elif message.type is WSMsgType.PING and not self.silent:
                    await socket.pong(message.data)
        finally:
            self._open.discard(connection)
            leave(connection)
            writer.cancel()
        return socket
