"""Growing pauses between polls that bring nothing new.

Without them, a child whose state stays unknown would use up the rate limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from execution.selectors.decisions.sessions import SessionChild

#: The longest pause, unless a look-up takes more of the rate limit.
LONGEST = 3.0  # seconds
#: Repeated look-ups take at most this part of the rate limit.
PART = 0.2


@dataclass(slots=True)
class _Asked:
    what: frozenset[tuple[object, ...]]
    pause: float
    not_before: datetime


class Repeats:
    """Remembers the children of each symbol's last poll, with their states.

    While nothing about them changes, it makes the pauses between polls longer.
    """

    def __init__(self, first: float, seconds_per_read: float) -> None:
        """Set up the pauses. ``first`` is the first pause in seconds.

        ``seconds_per_read`` is the cost of one read: the seconds in which the rate limit recovers from it.
        """
        self._first = first
        self._longest = max(LONGEST, seconds_per_read / PART)
        self._asked: dict[str, _Asked] = {}

    def is_due(self, symbol: str, children: Iterable[SessionChild], now: datetime) -> bool:
        """Return True if these children should be polled now.

        If nothing has changed since their last poll, the pause after this poll becomes longer.
        """
        what = frozenset(
            (child.pk, child.status, child.reported_filled, child.filled, child.attach_id)
            for child in children
        )
        last = self._asked.get(symbol)
        if last is None or last.what != what:
            pause = self._first
        elif now < last.not_before:
            return False
        else:
            pause = min(last.pause * 2, self._longest)
        self._asked[symbol] = _Asked(what, pause, now + timedelta(seconds=pause))
        return True
