"""The gaps in the market's known volume, and their effect on an order that decides by it.

The known volume is a lower bound, because an unknown stretch counts as zero. A share of it never exceeds the same
share of the whole. So an order that follows the volume uses the lower bound, does less, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from execution.core.types import ZERO

if TYPE_CHECKING:
    from execution.core.orders.view import OrderView  # which holds the gaps

#: A lower bound this old is no basis for a new child (I14). A quiet market is proven by a look every few seconds, and
#: what a reconnect missed is fetched within a few more: after half a minute the venue or the way to it is in trouble.
VOLUME_LASTS = timedelta(seconds=30)
#: Less is not worth words: the recording of a market begins a moment after its first order.
SAID_FROM = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class VolumeGaps:
    """The gaps in the market's volume since an order's start. The defaults mean no gap."""

    #: Up to when at least one venue's volume is known; None: up to now.
    until: datetime | None = None
    #: Since when one of several venues has told nothing, while another one has.
    silent_since: datetime | None = None
    #: How much of the time before that is not known: of the venue of which it is the most.
    lost: timedelta = timedelta(0)
    #: What the markets probably traded in the gaps, at the pace of the time that is known, in base units; None where
    #: that is less than half of the time.
    estimate: Decimal | None = ZERO


def unknown_since(view: OrderView) -> str:
    """Say since when the market's volume is unknown; empty while it is known well enough for a new child."""
    until = view.volume_gaps.until
    if view.traded_since_start is None:
        return "since the start"
    if until is not None and view.now - until > VOLUME_LASTS:
        # Since when, and not how old: a reason that changed each second would fill the journal.
        return f"since {until:%H:%M:%S} UTC"
    return ""


def volume_trouble(view: OrderView) -> str:
    """Say why no new child may be decided by the market's volume; empty when one may."""
    since = unknown_since(view)
    return f"the market's volume {since} is not known" if since else ""


def gaps_note(view: OrderView, *, treated: str = "left out") -> str:
    """Say which part of the market's volume is missing and how it is ``treated``; empty when none is missing."""
    gaps, said = view.volume_gaps, []
    if gaps.lost >= SAID_FROM:
        seconds = round(gaps.lost.total_seconds())
        said.append(f"the market's volume is not known for {seconds} s since the start, which are {treated}")
    if gaps.silent_since is not None:
        said.append(
            f"the volume of one venue since {gaps.silent_since:%H:%M:%S} UTC is not known, and {treated}"
        )
    return "; ".join(said)
