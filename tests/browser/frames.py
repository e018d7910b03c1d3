"""Messages of a page's websockets, as its browser receives them."""

from __future__ import annotations

import json

from playwright.sync_api import Page, WebSocket


class Frames:
    """Messages that come through a page's websockets of one address."""

    def __init__(self, page: Page, address: str) -> None:
        self._address = address
        self.updates = 0
        self.open: list[WebSocket] = []
        page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        if socket.url.endswith(self._address):
            self.open.append(socket)
            socket.on("framereceived", self._count)
            socket.on("close", lambda _: self.open.remove(socket))

    def _count(self, payload: str | bytes) -> None:
        self.updates += json.loads(payload)["type"] != "beat"

    def within(self, page: Page, milliseconds: int) -> int:
        before = self.updates
        page.wait_for_timeout(milliseconds)
        return self.updates - before
