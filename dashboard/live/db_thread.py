"""Database access of sockets, on one thread whose connection stays open between the reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, connection

T = TypeVar("T")


def reading(read: Callable[[], T]) -> Awaitable[T]:
    """Call ``read`` on the sockets' thread. Raises what it raises.

    Channels itself closes the connection before and after each call. Opening one, once a second for every socket,
    costs more than the read. A connection that an error may have left unusable is dropped.
    """
    return sync_to_async(_kept, thread_sensitive=True)(read)


def _kept(read: Callable[[], T]) -> T:
    try:
        return read()
    except (DatabaseError, InterfaceError):
        if not connection.in_atomic_block:
            connection.close()
        raise
