"""A trader's choices: what an order does at its end, beyond its limit, after a pause and in thin books."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

#: The way in which a paused order resumes: on its old schedule, or on one that is shifted by the length of the pause.
ResumeMode = Literal["catch_up", "shift"]


class AtEnd(StrEnum):
    """The action for the quantity that remains at the order's end."""

    CROSS = "cross"  #: the last slice takes what is left, inside the collar
    STOP = "stop"  #: it stays undone
    EXTEND = "extend"  #: the order goes on, a slice at a time, at most as long again as it was to last


class OutsideLimit(StrEnum):
    """The rule for an order's schedule while the market is beyond its limit price."""

    WAIT = "wait"  #: it stays; what was missed is caught up
    SHIFT = "shift"  #: it moves by the time that the market was beyond


class InsufficientLiquidity(StrEnum):
    """The action of a smart order router when the books hold less than the order's quantity within limit and
    collar.
    """

    PART = "part"  #: do what they carry
    REFUSE = "refuse"  #: do nothing


class RouteMode(StrEnum):
    SPLIT = "split"  #: over several accounts, at the least total cost
    SINGLE = "single"  #: the one account that is best for the whole


class RiskLevel(StrEnum):
    """The risk aversion of an implementation-shortfall order. A higher one trades more of the order early."""

    LOW = "low"  #: some of it early
    MEDIUM = "medium"  #: most of it early
    HIGH = "high"  #: nearly all of it early
    NUMBERS = "numbers"  #: as the risk aversion says that is given as a number
