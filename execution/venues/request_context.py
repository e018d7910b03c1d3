"""The data that one call of the gateway exchanges with the desk's code at ccxt's lowest level.

They are stored in the context of the asyncio task, because answers to other calls of the same client come in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass
class RequestContext:
    """The settings with which one call is signed, and what is known of the last answer to that call."""

    #: The validity of the request in milliseconds. None if it has none, or if a parameter of ccxt carries it.
    valid_for: int | None = None
    #: The time of the signature in milliseconds, while signing, if the body has to repeat it.
    timestamp: int | None = None
    #: The wait that the answer asked for.
    retry_after: timedelta | None = None
    #: The answer's HTTP status.
    status: int | None = None
    #: Whether the answer was a web page or other text instead of JSON.
    is_page: bool = False
    #: The answer itself.
    answer: Any = None
    #: All entries of the answer's list, before ccxt removes those of other symbols and times.
    entries: Sequence[Any] | None = None
    #: The candles of the answer that have no time, which ccxt cannot sort.
    timeless: Sequence[Any] = ()


_current: ContextVar[RequestContext | None] = ContextVar("context", default=None)


def begin(*, valid_for: int | None = None) -> RequestContext:
    """Start a new context for this task, without anything of an earlier call."""
    _current.set(context := RequestContext(valid_for=valid_for))
    return context


def current() -> RequestContext:
    """Return the task's context. A stream's task has none and gets a new one, which nobody reads."""
    return _current.get() or RequestContext()
