"""The paper exchange bounds what comes in: bodies, and messages of websockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from execution.paper.app import MAX_BODY
from execution.paper.connections import MAX_MESSAGE
from tests.paper.running import Paper


@pytest.mark.parametrize("path", ["/api/v3/order", "/api/v5/trade/order"])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["with a length", "in chunks"])
async def test_a_body_that_is_too_long_is_refused(paper: Paper, path: str, is_chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * MAX_BODY

    data = pieces() if is_chunked else b"x" * (MAX_BODY + 1)
    async with aiohttp.ClientSession() as session:
        try:
            async with session.post(f"{paper.url}{path}", data=data) as answer:
                assert answer.status == 413
        except aiohttp.ClientConnectionError:
            pass  # it closed before all of the body was sent
    assert (await paper.get("/api/v3/ping"))[0] == 200


@pytest.mark.parametrize("path", ["/stream/ws", "/ws-api/v3", "/ws/v5/public", "/ws/v5/private"])
async def test_a_message_that_is_too_long_closes_its_websocket(paper: Paper, path: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{paper.url}{path}", max_msg_size=0) as socket,
    ):
        await socket.send_str("x" * (MAX_MESSAGE + 1))
        while not socket.closed:
            await socket.receive(timeout=10)
        assert socket.close_code == 1009
