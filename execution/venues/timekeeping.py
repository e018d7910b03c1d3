"""The difference between an exchange's clock and ours."""

from __future__ import annotations

import time
from typing import Any

EVERY = 3600.0  # seconds
RETRY = 5.0


class Timekeeper:
    """Learns the clock's difference hourly, and at once when the exchange complained of it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._due = 0.0

    def doubt(self) -> None:
        """The exchange says that our clock is wrong."""
        self._due = 0.0

    async def keep(self) -> None:
        now = time.monotonic()
        if now < self._due or not self._client.has.get("fetchTime"):
            return
        self._due = now + RETRY
        try:
            await self._client.load_time_difference()
        except Exception:  # noqa: BLE001  # tried again soon; the call it goes before shows the trouble
            return
        self._due = now + EVERY
