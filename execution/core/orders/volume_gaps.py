"""The gaps in the market's known volume, and their effect on an order that depends on that volume.

The known volume is a lower bound, because a time with unknown volume is treated as a time without volume. A share of
the known volume never exceeds the same share of the real volume. So an order that follows the volume uses the lower
bound, trades less, and says so in its reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from execution.core.types import ZERO

if TYPE_CHECKING:
    from execution.core.orders.view import OrderView  # which holds the gaps

#: A lower bound older than this is no basis for a new child (I14). The desk checks a quiet market every few seconds,
#: and soon fetches the trades that a reconnect missed. After this time the venue or the connection is in trouble.
VOLUME_LASTS = timedelta(seconds=30)
#: Least length of a gap that is mentioned. The recording of a market begins a moment after its first order.
SAID_FROM = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class VolumeGaps:
    """The gaps in the known volume of the market since an order's start. The defaults mean no gap."""

    #: The time up to which at least one venue's volume is known; None means up to now.
    until: datetime | None = None
    #: The time since which one of several venues has sent no volume, while another one has.
    silent_since: datetime | None = None
    #: Total length of the gaps before a venue's known end, at the venue where it is the longest.
    lost: timedelta = timedelta(0)
    #: The probable volume in the gaps in base units, at the pace of the known time; None if less than half of the time
    #: is known.
    estimate: Decimal | None = ZERO


def unknown_since(view: OrderView) -> str:
    """Return words that say since when the market's volume is unknown.

    The text is empty while a new child may rely on the volume.
    """
    until = view.volume_gaps.until
    if view.traded_since_start is None:
        return "since the start"
    if until is not None and view.now - until > VOLUME_LASTS:
        # Since when, and not how old: a reason that changed each second would fill the journal.
        return f"since {until:%H:%M:%S} UTC"
    return ""


def volume_trouble(view: OrderView) -> str:
    """Return the reason why no new child may rely on the market's volume; empty when one may."""
    since = unknown_since(view)
    return f"the market's volume {since} is not known" if since else ""


def gaps_note(view: OrderView, *, treated: str = "left out") -> str:
    """Return words that say which part of the market's volume is missing and how it is ``treated``.

    The text is empty if no part is missing.
    """
    gaps, said = view.volume_gaps, []
    if gaps.lost >= SAID_FROM:
        seconds = round(gaps.lost.total_seconds())
        said.append(f"the market's volume is not known for {seconds} s since the start, which are {treated}")
    if gaps.silent_since is not None:
        said.append(
            f"the volume of one venue since {gaps.silent_since:%H:%M:%S} UTC is not known, and {treated}"
        )
    return "; ".join(said)
