"""The database access of websockets, on one thread that keeps its connection open between reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, connection

T = TypeVar("T")


def reading(read: Callable[[], T]) -> Awaitable[T]:
    """Call ``read`` on the sockets' database thread. Raises the errors of ``read``.

    Channels itself would close the connection before and after each call. To open a connection once a second for every
    socket would cost more than the reads. A connection that may be unusable after an error is dropped.
    """
    return sync_to_async(_kept, thread_sensitive=True)(read)


def _kept(read: Callable[[], T]) -> T:
    try:
        return read()
    except (DatabaseError, InterfaceError):
        if not connection.in_atomic_block:
            connection.close()
        raise
