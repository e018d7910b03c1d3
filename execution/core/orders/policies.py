"""What a trader may choose between."""

from __future__ import annotations

from enum import StrEnum


class AtEnd(StrEnum):
    """What becomes of a quantity that is left when the time is over."""

    CROSS = "cross"  #: the last slice takes what is left, inside the collar
    STOP = "stop"  #: it stays undone
    EXTEND = "extend"  #: the order goes on, a slice at a time, at most as long again as it was to last


class OutsideLimit(StrEnum):
    """What becomes of the schedule while the market is beyond the limit price."""

    WAIT = "wait"  #: it stays; what was missed is caught up
    SHIFT = "shift"  #: it moves by the time that the market was beyond


class InsufficientLiquidity(StrEnum):
    """What a router does when the books do not carry the quantity within the limit."""

    PART = "part"  #: do what they carry
    REFUSE = "refuse"  #: do nothing


class RouteMode(StrEnum):
    SPLIT = "split"  #: over several accounts, at the least total cost
    SINGLE = "single"  #: the one account that is best for the whole
