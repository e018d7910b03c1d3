"""What the looks of one account find to differ between our books and the venue's, told to the rows once a look.

Nothing is asked of the venue here but the cancel of an order with our mark that no order of ours can own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core.identifiers import has_our_mark
from execution.core.numbers import plain
from execution.core.states import CHILD_FINAL
from execution.core.types import CancelConfirmed, OrderRef, OrderReport, Trade
from execution.engine.context import EngineContext
from execution.selectors.decisions.sessions import SessionChild, known_client_ids, known_exchange_orders
from execution.services.accounts.sessions import account_failed
from execution.services.children.reconciliation import (
    Found,
    Policy,
    differences_record,
    orphan_adopt,
    orphan_cancelled,
)
from execution.venues.protocol import Gateway

log = structlog.get_logger(__name__)

#: A venue may list trades later than states; only after this is a lack of them a difference.
TRADES_AWAITED = timedelta(seconds=30)
#: A picture of the venue may be older than ours: these count when a second look, as long after, shows them too.
SEEN_TWICE = timedelta(seconds=1)


class Differences:
    """Gathers over one look, remembers what the last ones found, and writes only what there is."""

    def __init__(
        self,
        parts: EngineContext,
        gateway: Gateway,
        *,
        account_pk: int,
        marks: frozenset[str],
        orphans: Policy,
    ) -> None:
        self._context = parts
        self._gateway = gateway
        self._account_pk = account_pk
        self._marks = marks
        self._orphan_policy = orphans
        self._found: list[Found] = []
        self._first_seen: dict[tuple[str, str, str], datetime] = {}
        #: None: the rows of earlier sessions have not been compared yet.
        self._kept: int | None = None
        self._foreign_ids: set[str] = set()

    def begin(self, children: Iterable[SessionChild], now: datetime) -> None:
        """A look begins: what the rows alone say of ``children``."""
        self._found, self._foreign_ids = [], set()
        self._now = now
        for child in children:
            reported = child.reported_filled
            if reported is not None and reported > child.filled:
                evidence = {"reported": plain(reported), "fills": plain(child.filled)}
                self._add("missing_fills", child.ref, child.pk, evidence)

    def _add(self, kind: str, ref: OrderRef, child_pk: int | None, evidence: dict[str, Any]) -> None:
        said = {"client_id": ref.client_id, "exchange_id": ref.exchange_id, **evidence}
        key = ref.exchange_id if kind == "foreign" and ref.exchange_id else ref.client_id
        self._found.append(Found(kind, ref.symbol, key, said, child_pk))

    # --- while a look goes on -------------------------------------------------------------------

    async def note_orders(self, symbol: str, open_orders: list[OrderReport]) -> None:
        """Compare the open orders with our children: one query when there are any with our mark."""
        marked = {r.client_id for r in open_orders if r.client_id and has_our_mark(r.client_id, self._marks)}
        known = (
            await self._context.database.read(known_client_ids, self._account_pk, marked) if marked else {}
        )
        nameless = {r.exchange_id for r in open_orders if not r.client_id and r.exchange_id}
        ours = (
            await self._context.database.read(known_exchange_orders, self._account_pk, symbol, nameless)
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
                self._foreign_ids.add(report.exchange_id or "")
                self._add("foreign", _ref(report), None, _shown(report))

    async def _take_in(self, report: OrderReport) -> None:
        """An open order with our mark and no child (I4): adopted by its parent, else cancelled at the venue."""
        now = self._context.clock.now()
        adopted = await self._context.database.retry_until_committed(
            orphan_adopt, account_pk=self._account_pk, report=report, policy=self._orphan_policy, now=now
        )
        if adopted:
            log.error("an orphan was adopted", account=self._account_pk, child=report.client_id)
            self._context.poke_account(self._account_pk)
            self._add("orphan", _ref(report), None, {**_shown(report), "done": "adopted by its order"})
            return
        await self._gateway.ready("cancel")
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
        """Trades that belong to no child; those of foreign orders on the book are not ours to explain."""
        for trade in trades:
            if trade.trade_id in without_child and trade.exchange_id not in self._foreign_ids:
                evidence = {
                    "exchange_id": trade.exchange_id,
                    "side": trade.side.value,
                    "price": plain(trade.price),
                    "quantity": plain(trade.quantity),
                    "at": trade.at.isoformat(),
                }
                self._found.append(Found("lost_trade", symbol, trade.trade_id, evidence))

    def note_gone(self, child: SessionChild) -> None:
        """On the book as far as we know, and the exchange shows it nowhere."""
        self._add("gone_there", child.ref, child.pk, {"ours": child.status.value})

    # --- after it ------------------------------------------------------------------------------

    async def keep(self, symbols: Collection[str], now: datetime) -> None:
        """Write what differs for long enough; nothing when there is nothing and was nothing."""
        lasting = self._lasting(now)
        if not lasting and self._kept == 0:
            return
        try:
            self._kept = await self._context.database.run(
                differences_record,
                account_pk=self._account_pk,
                found=lasting,
                symbols=symbols,
                now=now,
            )
        except (DatabaseError, InterfaceError) as error:
            log.warning("differences could not be kept", account=self._account_pk, error=str(error))
            return
        orphans = [one.key for one in lasting if one.kind == "orphan"]
        if orphans:
            text = f"open orders with our mark and no child: {', '.join(sorted(orphans))}"
            await self._context.database.retry_until_committed(
                account_failed, account_pk=self._account_pk, error=text, now=now
            )

    def _lasting(self, now: datetime) -> list[Found]:
        names = {(one.kind, one.symbol, one.key): one for one in self._found}
        self._first_seen = {name: self._first_seen.get(name, now) for name in names}
        least = {"missing_fills": TRADES_AWAITED, "open_there": SEEN_TWICE, "gone_there": SEEN_TWICE}
        return [
            one
            for name, one in names.items()
            if now - self._first_seen[name] >= least.get(one.kind, timedelta(0))
        ]


def _ref(report: OrderReport) -> OrderRef:
    return OrderRef(report.client_id or "", report.symbol, report.exchange_id)


def _shown(report: OrderReport) -> dict[str, Any]:
    """What the exchange says of an order, decimals as text; None is not said."""
    return {
        "side": None if report.side is None else report.side.value,
        "price": None if report.price is None else plain(report.price),
        "quantity": None if report.quantity is None else plain(report.quantity),
        "filled": None if report.filled is None else plain(report.filled),
    }
