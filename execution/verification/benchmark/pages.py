"""Order pages without a browser: websockets that record when each version of an order arrives."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import aiohttp

OPEN_WITHIN = 30.0


class OpenPages:
    """Websockets to the orders' pages. Until ``close`` is called, they run in a thread with its own event loop."""

    def __init__(self, url: str, cookie: str, orders: Sequence[str]) -> None:
        self._url = url
        self._cookie = cookie
        self._orders = tuple(orders)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="pages", daemon=True)
        self._is_done = asyncio.Event()
        #: The versions of each order in the order of their arrival: (version, time of arrival).
        self.arrived: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        self.errors: list[str] = []

    def open(self) -> int:
        """Open all pages. Return the number that sent a snapshot within ``OPEN_WITHIN`` seconds."""
        self._thread.start()
        deadline = time.monotonic() + OPEN_WITHIN
        while len(self.arrived) < len(self._orders) and time.monotonic() < deadline:
            time.sleep(0.05)
        return len(self.arrived)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._is_done.set)
        self._thread.join(OPEN_WITHIN)

    def seen_at(self, order: str, version: int) -> float | None:
        """Return when (seconds since 1970) the page of ``order`` showed ``version``; None if it never did."""
        return next((at for found, at in self.arrived[order] if found >= version), None)

    def _run(self) -> None:
        self._loop.run_until_complete(self._all())
        self._loop.close()

    async def _all(self) -> None:
        headers = {"Cookie": self._cookie, "Origin": self._url}
        async with aiohttp.ClientSession(headers=headers) as session:
            tasks = [asyncio.create_task(self._page(session, order)) for order in self._orders]
            await self._is_done.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _page(self, session: aiohttp.ClientSession, order: str) -> None:
        try:
            async with session.ws_connect(f"{self._url}/ws/orders/{order}/", max_msg_size=0) as socket:
                async for message in socket:
                    self._take(order, message.json(), time.time())
                self.errors.append(f"the page of {order} was closed with code {socket.close_code}")
        except aiohttp.ClientError as error:
            self.errors.append(f"the page of {order}: {error}")

    def _take(self, order: str, message: dict[str, Any], at: float) -> None:
        if message["type"] in {"snapshot", "delta"}:
            self.arrived[order].append((int(message["version"]), at))
