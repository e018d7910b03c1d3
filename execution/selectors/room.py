"""Free space on the disk of the installation's folder.

Below a minimum no new order starts, but running orders go on.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import structlog
from django.conf import settings

from execution.core.problem_codes import Code
from execution.core.problems import Problem

log = structlog.get_logger(__name__)

MEGABYTE = 1_000_000
USUAL_FLOOR = 200 * MEGABYTE
#: On a small disk the floor is this share of the disk, so that the disk can meet it at all.
SHARE_OF_SMALL_DISK = 0.1


@dataclass(frozen=True, slots=True)
class Room:
    """The free space on the disk, and the floor below which no new order starts, both in bytes."""

    free: int
    floor: int

    @property
    def is_short(self) -> bool:
        return self.free < self.floor

    @property
    def words(self) -> str:
        return f"Only {megabytes(self.free)} of disk are free. No new order starts below {megabytes(self.floor)}."

    @property
    def why(self) -> str:
        """Return the reason why no new order starts.

        The text names the floor and not the free space. Free space changes all the time, and each change of the text
        would be written to the order.
        """
        return f"less than {megabytes(self.floor)} of disk are free, and no new order starts"


def room() -> Room | None:
    """Return the space on the disk of ``settings.VAR``; None, with a log line, if the system does not report it."""
    try:
        usage = shutil.disk_usage(settings.VAR)
    except OSError as error:
        log.warning("the free space is not known", folder=str(settings.VAR), error=str(error))
        return None
    floor = settings.TRANCHE_DISK_FLOOR
    if floor is None:
        return Room(usage.free, min(USUAL_FLOOR, round(usage.total * SHARE_OF_SMALL_DISK)))
    return Room(usage.free, floor * MEGABYTE)


def _short_room() -> Room | None:
    found = room()
    return found if found is not None and found.is_short else None


def room_words() -> str:
    """Return the reason why no new order may start for lack of disk space; empty if one may."""
    return found.words if (found := _short_room()) else ""


def held_back() -> str:
    """Return the reason why an order may not start now; empty if it may. The text does not name the free space."""
    return found.why if (found := _short_room()) else ""


def room_problem() -> Problem | None:
    """Return the refusal of a new order for lack of disk space, with value and limit; None if there is enough."""
    if (found := _short_room()) is None:
        return None
    return Problem("", found.words, megabytes(found.free), megabytes(found.floor), code=Code.DISK_SPACE_LOW)


def megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB" if size < 10 * MEGABYTE else f"{size // MEGABYTE:,} MB"
