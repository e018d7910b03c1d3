"""The differences between our books and the venue's that polls of one account find. Each poll stores them once.

This module sends one kind of request to the venue: it cancels an open order in two cases. The order's client id has
our mark but names no parent order in our books. Or the order has ended in our books.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core.numbers import plain
from execution.core.states import CHILD_FINAL
from execution.core.types import CancelConfirmed, OrderRef, OrderReport, Trade
from execution.engine.context import EngineContext
from execution.engine.foreign_orders import ForeignOrders
from execution.selectors.decisions.sessions import SessionChild, known_client_ids, known_exchange_orders
from execution.services.accounts.sessions import account_failed
from execution.services.children.reconciliation import (
    Found,
    Policy,
    differences_record,
    orphan_adopt,
    orphan_cancelled,
)
from execution.venues.protocol import Gateway, Unreadable

log = structlog.get_logger(__name__)

#: A venue may list trades later than an order's state. Missing trades are a difference only after this time.
TRADES_AWAITED = timedelta(seconds=30)
#: The venue's answer may be older than our rows. Differences of state count only if a second poll shows them too, at
#: least this much later.
SEEN_TWICE = timedelta(seconds=1)

MAX_WHY_LENGTH = 200


class Differences:
    """Collects the differences that one poll finds, and remembers when each was first seen."""

    def __init__(
        self,
        context: EngineContext,
        gateway: Gateway,
        *,
        account_pk: int,
        foreign: ForeignOrders,
        orphans: Policy,
    ) -> None:
        self._context = context
        self._gateway = gateway
        self._account_pk = account_pk
        self._foreign = foreign
        self._orphan_policy = orphans
        self._found: list[Found] = []
        #: For each symbol, the difference about unreadable trades in its last list of trades.
        self._unreadable_trades: dict[str, Found] = {}
        self._first_seen: dict[tuple[str, str, str], datetime] = {}
        #: The number of stored differences. None until the rows of earlier sessions have been compared.
        self._kept: int | None = None

    def begin(self, children: Iterable[SessionChild], now: datetime) -> None:
        """Begin the differences of a new poll.

        Note each child whose recorded fills add up to less than the exchange has reported as filled.
        """
        self._found = []
        self._now = now
        for child in children:
            if child.reported_filled is not None and child.misses_trades:
                evidence = {"reported": plain(child.reported_filled), "fills": plain(child.filled)}
                self._add("missing_fills", child.ref, child.pk, evidence)

    def _add(self, kind: str, ref: OrderRef, child_pk: int | None, evidence: dict[str, Any]) -> None:
        said = {"client_id": ref.client_id, "exchange_id": ref.exchange_id, **evidence}
        key = ref.exchange_id if kind == "foreign" and ref.exchange_id else ref.client_id
        self._found.append(Found(kind, ref.symbol, key, said, child_pk))

    # --- while a poll goes on -------------------------------------------------------------------

    async def note_orders(self, symbol: str, open_orders: list[OrderReport]) -> None:
        """Compare the venue's open orders with our children, and note what differs.

        An open order whose client id has our mark, but which is no child in our books, is an orphan. If its parent
        order is known, the orphan becomes a child of that order. Otherwise it is cancelled.
        """
        marked = {r.client_id for r in open_orders if r.client_id and self._foreign.is_marked(r.client_id)}
        known = (
            await self._context.database.read_soon(known_client_ids, self._account_pk, marked)
            if marked
            else {}
        )
        nameless = {r.exchange_id for r in open_orders if not r.client_id and r.exchange_id}
        ours = (
            await self._context.database.read_soon(known_exchange_orders, self._account_pk, symbol, nameless)
            if nameless
            else set()
        )
        for report in open_orders:
            if report.client_id in known:
                child_pk, status = known[report.client_id]
                if status in CHILD_FINAL:
                    self._add("open_there", _ref(report), child_pk, {**_shown(report), "ours": status.value})
            elif report.client_id in marked:
                await self._take_in(report)
            elif report.exchange_id not in ours:
                if report.client_id:
                    self._foreign.add(symbol, report.exchange_id)
                self._add("foreign", _ref(report), None, _shown(report))

    async def _take_in(self, report: OrderReport) -> None:
        now = self._context.clock.now()
        adopted = await self._context.database.retry_until_committed(
            orphan_adopt, account_pk=self._account_pk, report=report, policy=self._orphan_policy, now=now
        )
        if adopted:
            log.error("an orphan was adopted", account=self._account_pk, child=report.client_id)
            self._context.poke_account(self._account_pk)
            self._add("orphan", _ref(report), None, {**_shown(report), "done": "adopted by its order"})
            return
        await self._gateway.ready("cancel", report.symbol)
        outcome = await self._gateway.cancel(_ref(report))
        is_done = isinstance(outcome, CancelConfirmed)
        done = "cancelled at the venue" if is_done else "the cancel is not confirmed yet"
        log.error("an orphan without an order", account=self._account_pk, child=report.client_id, done=done)
        self._add("orphan", _ref(report), None, {**_shown(report), "done": done})
        if is_done:
            await self._context.database.retry_until_committed(
                orphan_cancelled, account_pk=self._account_pk, report=report, outcome=done, now=now
            )

    def note_trades(self, symbol: str, trades: list[Trade], without_child: set[str]) -> None:
        """Note the trades in ``without_child``, which belong to no child. Leave out trades of known foreign orders."""
        for trade in trades:
            if trade.trade_id in without_child and not self._foreign.has(symbol, trade.exchange_id):
                evidence = {
                    "exchange_id": trade.exchange_id,
                    "side": trade.side.value,
                    "price": plain(trade.price),
                    "quantity": plain(trade.quantity),
                    "at": trade.at.isoformat(),
                }
                self._found.append(Found("lost_trade", symbol, trade.trade_id, evidence))

    def note_unreadable(self, symbol: str, kind: str, entries: Collection[Unreadable]) -> None:
        """Note how many entries of an exchange's list could not be read.

        These ``entries`` belong to other programs and were skipped.
        """
        if kind == "trades":
            self._unreadable_trades.pop(symbol, None)
        if entries:
            first = next(iter(entries))
            evidence = {
                "count": len(entries),
                "of": kind,
                "exchange_id": first.exchange_id,
                "client_id": first.client_id,
                "why": str(first.error)[:MAX_WHY_LENGTH],
            }
            found = Found("unreadable", symbol, kind, evidence)
            self._found.append(found)
            if kind == "trades":
                self._unreadable_trades[symbol] = found

    def keep_unreadable_trades(self, symbol: str) -> None:
        """Note the unreadable trades of an earlier poll again, because this poll does not read the symbol's trades."""
        if symbol in self._unreadable_trades:
            self._found.append(self._unreadable_trades[symbol])

    def note_gone(self, child: SessionChild) -> None:
        """Note a child that should be open but that the exchange lists neither as open nor as ended."""
        self._add("gone_there", child.ref, child.pk, {"ours": child.status.value})

    # --- after it ------------------------------------------------------------------------------

    async def keep(self, symbols: Collection[str], now: datetime) -> None:
        """Store the differences of ``symbols`` that have lasted long enough.

        Open orders that have ended in our books are cancelled. Nothing is written if there were no differences before
        and there are none now.
        """
        lasting = self._lasting(symbols, now)
        for one in lasting:
            if one.kind == "open_there":
                await self._cancel_ended(one)
        if not lasting and self._kept == 0:
            return
        try:
            self._kept = await self._context.database.run(
                differences_record,
                account_pk=self._account_pk,
                differences=lasting,
                symbols=symbols,
                now=now,
            )
        except (DatabaseError, InterfaceError) as error:
            log.warning("differences could not be kept", account=self._account_pk, error=str(error))
            return
        orphans = [one.key for one in lasting if one.kind == "orphan"]
        if orphans:
            text = f"open orders with this desk's client ids and no child: {', '.join(sorted(orphans))}"
            await self._context.database.retry_until_committed(
                account_failed, account_pk=self._account_pk, error=text, now=now
            )

    async def _cancel_ended(self, found: Found) -> None:
        """Cancel an open order that has ended in our books. Its quantity may have been sent again."""
        ref = OrderRef(found.evidence["client_id"], found.symbol, found.evidence["exchange_id"])
        await self._gateway.ready("cancel", ref.symbol)
        outcome = await self._gateway.cancel(ref)
        is_done = isinstance(outcome, CancelConfirmed)
        found.evidence["done"] = "cancelled at the venue" if is_done else "the cancel is not confirmed yet"
        log.error(
            "an order that had ended is open", account=self._account_pk, child=ref.client_id, **found.evidence
        )

    def _lasting(self, symbols: Collection[str], now: datetime) -> list[Found]:
        """Return the differences of the polled ``symbols`` that have lasted long enough.

        Keep those of other symbols.
        """
        names = {(one.kind, one.symbol, one.key): one for one in self._found if one.symbol in symbols}
        others = {name: at for name, at in self._first_seen.items() if name[1] not in symbols}
        self._first_seen = others | {name: self._first_seen.get(name, now) for name in names}
        least = {"missing_fills": TRADES_AWAITED, "open_there": SEEN_TWICE, "gone_there": SEEN_TWICE}
        return [
            one
            for name, one in names.items()
            if now - self._first_seen[name] >= least.get(one.kind, timedelta(0))
        ]


def _ref(report: OrderReport) -> OrderRef:
    return OrderRef(report.client_id or "", report.symbol, report.exchange_id)


def _shown(report: OrderReport) -> dict[str, Any]:
    return {
        "side": None if report.side is None else report.side.value,
        "price": None if report.price is None else plain(report.price),
        "quantity": None if report.quantity is None else plain(report.quantity),
        "filled": None if report.filled is None else plain(report.filled),
    }
