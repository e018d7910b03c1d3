"""Changes to ccxt's websocket clients, so that a failure closes them."""

from __future__ import annotations

import asyncio
from typing import Any

from ccxt.base import errors as ccxt_errors


def harden(socket: Any) -> None:
    """Make a ccxt websocket client close on a failure instead of falling silent.

    1. A message that cannot be handled closes the socket. Without the change, ccxt's receive loop would just stop.
    2. An error while receiving closes it too. Without the change, ccxt would keep a socket that nobody reads.
    3. A future that fails while nobody awaits it logs nothing. A task that does await it still gets the error.
    """
    handle, receive, future = socket.handle_message, socket.receive, socket.future

    def handle_message(message: Any) -> None:
        try:
            handle(message)
        except Exception as error:  # noqa: BLE001  # whatever a handler of ccxt raises
            socket.on_error(ccxt_errors.NetworkError(f"message not understood: {type(error).__name__}"))

    async def receive_message() -> Any:
        try:
            return await receive()
        except Exception as error:
            socket.on_error(ccxt_errors.NetworkError(f"receiving failed: {type(error).__name__}"))
            raise

    def quiet_future(message_hash: Any) -> Any:
        made = future(message_hash)
        made.remove_done_callback(_retrieve)
        made.add_done_callback(_retrieve)
        return made

    socket.handle_message, socket.receive, socket.future = handle_message, receive_message, quiet_future


def _retrieve(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
