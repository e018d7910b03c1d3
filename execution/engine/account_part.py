"""The base class of an account session's parts: gateway, fence, wake-up call and the storing of errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import ParamSpec, TypeVar

from execution.engine.context import EngineContext
from execution.engine.failures import Health, unseen
from execution.services.accounts.sessions import account_failed
from execution.venues.protocol import Gateway

P = ParamSpec("P")
T = TypeVar("T")


class AccountPart:
    """One part of the session of an account.

    ``fence`` is a number that grows with each engine that takes the account over. By it the database recognises writes
    of an engine that has lost the account.
    """

    def __init__(
        self,
        context: EngineContext,
        gateway: Gateway,
        *,
        account_pk: int,
        fence: int,
        health: Health | None = None,
    ) -> None:
        self._context = context
        self._gateway = gateway
        self._account_pk = account_pk
        self._fence = fence
        self._health = health or unseen(context.clock)
        self._wake = asyncio.Event()

    def poke(self) -> None:
        """Wake the part, because there may be work for it."""
        self._wake.set()

    def _now(self) -> datetime:
        return self._context.clock.now()

    async def _keep(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._context.database.retry_until_committed(function, *args, **kwargs)

    async def _note_error(self, message: str) -> None:
        await self._keep(account_failed, account_pk=self._account_pk, error=message, now=self._now())
