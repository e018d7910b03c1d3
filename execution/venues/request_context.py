"""The data that one call of the gateway passes to ccxt's lowest level, and receives from there.

The task's context carries it, because answers to other calls of the same client come in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass
class RequestContext:
    """The context of one call: its wishes for the signature, and the last answer."""

    #: How long the request may be under way, in milliseconds; None where that is not said, or by a parameter.
    valid_for: int | None = None
    #: The time with which it is being signed, in milliseconds, where its body says the same.
    timestamp: int | None = None
    #: The wait that the answer asked for.
    retry_after: timedelta | None = None
    #: The answer's HTTP status.
    status: int | None = None
    #: Whether it was a page or other text instead of JSON.
    is_page: bool = False
    #: The answer itself.
    answer: Any = None
    #: All entries of the answer's list, before ccxt takes out those of other symbols and times.
    entries: Sequence[Any] | None = None
    #: The candles of the answer that have no time, which ccxt cannot put in order.
    timeless: Sequence[Any] = ()


_current: ContextVar[RequestContext | None] = ContextVar("context", default=None)


def begin(*, valid_for: int | None = None) -> RequestContext:
    """Start a new context for this task, without anything of an earlier call."""
    _current.set(context := RequestContext(valid_for=valid_for))
    return context


def current() -> RequestContext:
    """Return the task's context. A stream has one that nobody reads."""
    return _current.get() or RequestContext()
