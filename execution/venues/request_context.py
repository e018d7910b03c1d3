"""What one call of the gateway tells ccxt's lowest level, and hears there.

Carried by the task's context: answers to other calls of the same client come in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass
class Dialogue:
    """One call: what is asked of its signature, and what came back last."""

    #: How long the request may be under way, in milliseconds; None where that is not said, or by a parameter.
    valid_for: int | None = None
    #: The wait that the answer asked for.
    retry_after: timedelta | None = None
    #: The answer's HTTP status.
    status: int | None = None
    #: The answer itself.
    answer: Any = None
    #: All entries of the answer's list, before ccxt takes out those of other symbols and times.
    entries: Sequence[Any] | None = None


_current: ContextVar[Dialogue | None] = ContextVar("dialogue", default=None)


def begin(*, valid_for: int | None = None) -> Dialogue:
    """A new dialogue for this task: nothing of an earlier call is heard in it."""
    _current.set(dialogue := Dialogue(valid_for=valid_for))
    return dialogue


def current() -> Dialogue:
    """The task's dialogue; one that nobody reads where a stream asks."""
    return _current.get() or Dialogue()
