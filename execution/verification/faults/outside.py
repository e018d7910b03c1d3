"""Stand-ins for the outside world in a simulation: Redis, wake-ups over Redis, random ids, the log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.db import DatabaseError

from execution import notify
from execution.engine import cancel_together
from execution.models import fields
from execution.selectors import quotes


class Listening(Protocol):
    """A simulation that receives the messages which the desk sends to the outside."""

    shared: dict[str, str]

    def random(self, purpose: str) -> Random: ...

    def tell(self, text: str) -> None: ...

    def fail(self, text: str) -> None: ...

    def ring(self, message: dict[str, Any]) -> None: ...


class _SharedQuotes:
    def __init__(self, shared: dict[str, str]) -> None:
        self._shared = shared

    def get(self, key: str) -> str | None:
        return self._shared.get(key)

    def mget(self, keys: Sequence[str]) -> list[str | None]:
        return [self._shared.get(key) for key in keys]


class _Bell:
    def __init__(self, world: Listening) -> None:
        self._world = world

    def ring(self, message: Any) -> None:
        if isinstance(message, dict):
            self._world.ring(message)
        elif hasattr(message, "close"):
            message.close()  # a task for Celery: the engines look for what is free by themselves

    def group(self, _group: str, _message: Mapping[str, Any], _gather: float = 0) -> None:
        return None

    def wake(self, message: notify.Wake) -> dict[str, Any]:
        return dict(message)


@contextmanager
def replaced(world: Listening) -> Iterator[None]:
    """Replace the outside world by stand-ins while one seed runs."""
    shared = _SharedQuotes(world.shared)
    places: list[tuple[Any, str, Any]] = [
        (quotes, "_client", lambda _url: shared),
        (notify, "_bell", _Bell(world)),
        (fields, "secrets", world.random("ids")),
        (settings, "SECRET_KEY", "the same for every simulation"),  # seeds of orders are made with it
        (settings, "TRANCHE_SWITCH_SECONDS", settings.TRANCHE_SWITCH_SECONDS),  # the seed draws another
        (cancel_together, "AT_LEAST", cancel_together.AT_LEAST),  # and this one
    ]
    before = [(place, name, getattr(place, name)) for place, name, _ in places]
    for place, name, stand_in in places:
        setattr(place, name, stand_in)
    _listen(world)
    try:
        yield
    finally:
        for place, name, real in before:
            setattr(place, name, real)


def _listen(world: Listening) -> None:
    """Send each log line of the product to the seed's event log. An exception of our own code is a violation."""

    def hear(_logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        text = str(event.pop("event", ""))
        error = event.pop("exc_info", None)
        if error is True:
            error = sys.exc_info()[1]
        details = " ".join(f"{name}={value}" for name, value in event.items())
        world.tell(f"{method}: {text} {details}")
        if isinstance(error, BaseException) and not _is_injected(error):
            world.fail(f"our own code failed: {text} {details}: {error!r}")
        raise structlog.DropEvent

    structlog.configure(
        processors=[hear],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _is_injected(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_injected(inner) for inner in error.exceptions)
    return isinstance(error, DatabaseError)
