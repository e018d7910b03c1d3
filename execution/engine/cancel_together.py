"""The cancel of several children in one request, used where every child that may be open is to be cancelled."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from execution.core.types import CancelFailed, OrderReport
from execution.engine.context import EngineContext
from execution.selectors.decisions.sessions import SessionChild, symbols_kept_open
from execution.venues.protocol import Gateway

log = structlog.get_logger(__name__)

#: Fewer cancels are sent one by one: then the answer to each tells how its order ended.
AT_LEAST = 3


@dataclass(frozen=True, slots=True)
class CancelGroup:
    """Children that one request cancels. ``symbol`` is None for all symbols of the account."""

    symbol: str | None
    children: tuple[SessionChild, ...]


class CancelTogether:
    """Replaces many cancels on one account by one request that cancels all open orders.

    The request also cancels orders of other programs. So it is used only on accounts that an admin has marked as the
    desk's alone, and only where no child should stay open.
    """

    def __init__(self, context: EngineContext, gateway: Gateway, account_pk: int) -> None:
        self._context = context
        self._gateway = gateway
        self._account_pk = account_pk
        self._requests: set[asyncio.Task[Mapping[str, OrderReport] | CancelFailed]] = set()

    async def groups(self, cancels: Sequence[SessionChild]) -> list[CancelGroup]:
        """Return the groups of ``cancels`` that one request can replace. The caller cancels the others one by one."""
        scope = self._gateway.cancels_all
        if scope is None or len(cancels) < AT_LEAST:
            return []
        by_symbol: defaultdict[str | None, list[SessionChild]] = defaultdict(list)
        for child in cancels:
            by_symbol[child.ref.symbol if scope == "symbol" else None].append(child)
        large = {symbol: tuple(group) for symbol, group in by_symbol.items() if len(group) >= AT_LEAST}
        if not large:
            return []
        kept = await self._context.database.read_first(symbols_kept_open, self._account_pk)
        if kept is None or (scope == "account" and kept):
            return []
        return [CancelGroup(symbol, group) for symbol, group in large.items() if symbol not in kept]

    def begin(self, group: CancelGroup) -> asyncio.Task[Mapping[str, OrderReport] | CancelFailed]:
        """Send the request for a group as soon as the rate limit allows it."""
        task = asyncio.create_task(self._cancel_all(group), name=f"cancel all {group.symbol or ''}")
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)
        return task

    def close(self) -> None:
        """Cancel the requests that are still unanswered."""
        for task in self._requests:
            task.cancel()

    async def _cancel_all(self, group: CancelGroup) -> Mapping[str, OrderReport] | CancelFailed:
        told = await self._gateway.cancel_all(group.symbol)
        log.info(
            "cancelled together",
            account=self._account_pk,
            symbol=group.symbol or "all",
            children=len(group.children),
            detail=getattr(told, "message", ""),
        )
        return told
