"""The difference between an exchange's clock and ours."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

EVERY = 600.0  # seconds
RETRY = 5.0
#: The number of requests for one measurement. The quickest answer counts, because its travel time bounds the error.
LOOKS = 3


class Timekeeper:
    """Measures the difference between the exchange's clock and ours every ten minutes.

    It measures at once after the exchange has rejected our time.

    ``before_look`` is awaited before each request, to take its place in the rate limit.
    """

    def __init__(self, client: Any, before_look: Callable[[], Awaitable[None]]) -> None:
        self._client = client
        self._before_look = before_look
        self._due = 0.0
        #: The time by which the exchange's clock is behind ours, and the largest error of that; None before the first
        #: measurement.
        self.behind: timedelta | None = None
        self.error = timedelta(0)

    def doubt(self) -> None:
        """Make the next call of ``keep`` measure again, because the exchange says that our clock is wrong."""
        self._due = 0.0

    async def keep(self) -> None:
        now = time.monotonic()
        if now < self._due or not self._client.has.get("fetchTime"):
            return
        self._due = now + RETRY
        try:
            self.behind, self.error = min(
                [await self._look() for _ in range(LOOKS)], key=lambda look: look[1]
            )
        except Exception:  # noqa: BLE001  # tried again soon; the call it goes before shows the trouble
            return
        self._client.options["timeDifference"] = round(self.behind / timedelta(milliseconds=1))
        self._due = now + EVERY

    async def _look(self) -> tuple[timedelta, timedelta]:
        """Return the time by which the exchange's clock is behind ours, and the largest error of this figure.

        The error is half of the time between request and answer. An exchange may give its time only in whole
        steps, such as seconds. Its clock is then taken to be in the middle of the step, which adds half a
        step of error.
        """
        await self._before_look()
        begun, at = time.monotonic(), self._client.milliseconds()
        theirs = await self._client.fetch_time()
        half = timedelta(seconds=time.monotonic() - begun) / 2
        middle = self._client.spec.time_step / 2
        return timedelta(milliseconds=at - theirs) + half - middle, half + middle

    def corrected(self, at: datetime) -> datetime:
        """Convert a time of the exchange's clock to our clock. Return it unchanged while the difference is unknown."""
        return at if self.behind is None else at + self.behind


def exchange_time(client: Any) -> int:
    """Return the time of the exchange's clock in milliseconds, or our own while the difference is unknown."""
    return int(client.milliseconds()) - int(client.options.get("timeDifference") or 0)
