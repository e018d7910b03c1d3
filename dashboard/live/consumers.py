"""Websocket consumers. A group message (a doorbell) only wakes a consumer, which then sends what has changed.

Each consumer has one task that sends, so its messages cannot overtake each other. It also polls once a
second, so a lost group message delays a page by a second at most.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from random import uniform
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import structlog
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.utils import timezone

from dashboard import sockets
from dashboard.access import person_lately
from dashboard.forms.filters import read_filter
from dashboard.live.db_thread import reading
from execution.core.strict_json import read_json
from execution.notify import trader_group
from execution.payloads.encode import epoch_ms
from execution.payloads.market import MarketUpdate
from execution.payloads.orders import Snapshot
from execution.selectors.orders import pages
from execution.selectors.orders.blotter import blotter_marks, blotter_page
from execution.selectors.orders.order_filter import OrderListFilter
from execution.selectors.tca import market_tape

if TYPE_CHECKING:
    from execution.models import User

log = structlog.get_logger()

LOGGED_OUT = 4401
#: Close codes: the person's role or rights have changed since the page was made. The page loads again, or is refused.
ROLE_CHANGED = 4403
NOT_FOUND = 4404
#: Close codes: a message that no page sends, and more open pages than one browser has.
UNREADABLE = 4400
TOO_MANY_SOCKETS = 4430
#: Seconds between messages with changes, on average, and between heartbeats.
MIN_PAUSE = 0.25
BEAT = 1.0
#: The number of messages that may follow each other after only ``BURST_PAUSE``. The news of a slice come in bursts:
#: intent, answer, fill.
BURST = 8
BURST_PAUSE = 0.01
#: Seconds after which orders with a limit price are read again, even unchanged, because the market may have moved.
LIMITS_AGAIN = 10.0


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """The base of all consumers. It admits a person, joins a group, and sends in one task until the socket closes."""

    task: asyncio.Task[None] | None = None
    #: The person at the page, read again before each message. None before the first poll and after a logout.
    person: User | None = None
    #: The person's role and view of the desk when the socket opened.
    standing: tuple[str, bool] | None = None
    #: The session for which this socket is counted in ``sockets.seats``; None if it is not counted.
    seat: str | None = None

    async def connect(self) -> None:
        # Accepted first: a refused handshake would reach the page as 1006, which says nothing.
        await self.accept()
        self.woken = asyncio.Event()
        self.wants_snapshot = True
        if (code := await reading(self.verdict)) is not None:
            await self.close(code=code)
            return
        if not sockets.seats.take(self.session_key or ""):
            await self.close(code=TOO_MANY_SOCKETS)
            return
        self.seat = self.session_key or ""
        await self.join()
        self.task = asyncio.create_task(self.run())

    async def disconnect(self, code: int) -> None:  # noqa: ARG002
        if self.seat is not None:
            sockets.seats.leave(self.seat)
            self.seat = None
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any) -> None:  # noqa: ARG002
        """Read a message, and close the socket if it is unreadable.

        No exception is raised. It would be logged, so anybody could fill the log.
        """
        try:
            content = read_json(text_data or "")
        except ValueError:
            await self.close(code=UNREADABLE)
        else:
            await self.receive_json(content)

    async def receive_json(self, content: Any, **_kwargs: Any) -> None:
        """Record that the page requests a snapshot, as it does after a gap in the versions."""
        if isinstance(content, Mapping) and content.get("type") == "snapshot":
            self.wants_snapshot = True
            self.woken.set()

    async def ring(self, _event: Mapping[str, Any]) -> None:
        self.woken.set()

    order_changed = ring
    orders_changed = ring

    @property
    def session_key(self) -> str | None:
        session = self.scope.get("session")
        return session.session_key if session is not None else None

    def verdict(self) -> int | None:
        """Return the code with which the socket has to be closed, or None if it may stay open.

        A logout, a new password or another role ends every socket.
        """
        self.person = person_lately(self.session_key)
        if self.person is None:
            return LOGGED_OUT
        standing = (self.person.role, self.person.sees_desk)
        if self.standing not in (None, standing):
            return ROLE_CHANGED
        self.standing = standing
        return self.refusal(self.person)

    async def join(self) -> None:
        """Join the group. If the channel layer fails, the page still works, but gets changes up to a second later."""
        try:
            await self.channel_layer.group_add(self.group, self.channel_name)
        except Exception:
            log.exception("no doorbell for a page", group=self.group)

    async def run(self) -> None:
        """Send until the person loses access, or the socket closes."""
        clock = asyncio.get_running_loop().time
        beat_at = sent_at = clock()
        burst = float(BURST)
        try:
            while True:
                with_beat = clock() >= beat_at
                if with_beat:
                    # Pages that opened together do not poll together for ever.
                    beat_at = clock() + BEAT * uniform(0.8, 1.0)  # noqa: S311  # no secret
                found = await self.messages(with_beat)
                if isinstance(found, int):
                    await self.close(code=found)
                    return
                for message in found:
                    await self.send_json(message)
                # What is saved up in calm is spent in a burst: MIN_PAUSE apart on the average.
                burst, sent_at = min(burst + (clock() - sent_at) / MIN_PAUSE, BURST) - 1, clock()
                await asyncio.sleep(BURST_PAUSE if burst >= 0 else MIN_PAUSE)
                await self.rest(beat_at - clock())
        except Exception:
            # The page reconnects and starts from a snapshot; silence would look like calm.
            log.exception("a page's socket failed", group=getattr(self, "group", ""))
            await self.close(code=1011)

    async def messages(self, with_beat: bool) -> list[dict[str, Any]] | int:
        """Return the messages for the page, or the code with which the socket has to be closed."""
        return await reading(partial(self.poll, with_beat))

    def poll(self, with_beat: bool) -> list[dict[str, Any]] | int:
        """Return the result of ``messages`` by a single call on the database thread."""
        code = self.verdict()
        if code is not None:
            return code
        return [*self.changes(), self.beat()] if with_beat else self.changes()

    async def rest(self, seconds: float) -> None:
        """Wait for a group message, or until the next heartbeat is due."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self.woken.wait()
        self.woken.clear()

    # --- for the consumers below

    group = ""

    def refusal(self, person: User) -> int | None:
        """Return the code with which the socket has to be closed, or None if ``person`` may see the object.

        Runs in a thread.
        """
        raise NotImplementedError

    def changes(self) -> list[dict[str, Any]]:
        """Return the messages to send now. Runs in a thread and may read the database."""
        raise NotImplementedError

    def beat(self) -> dict[str, Any]:
        """Return a heartbeat with the server's time in ms since 1970."""
        return {"type": "beat", "now": epoch_ms(timezone.now())}


class OrderConsumer(LiveConsumer):
    """Sends one order: a snapshot, then deltas with versions. The market and the server's time follow each second."""

    order_id = 0
    tape: market_tape.Tape | None = None
    held: Snapshot | None = None

    def refusal(self, person: User) -> int | None:
        if self.group:
            return None  # who may see it depends on the person's standing alone, which has not changed
        public_id = self.scope["url_route"]["kwargs"]["public_id"]
        found = pages.order_find(person=person, public_id=public_id)
        if found is None:
            return NOT_FOUND
        self.order_id, self.group = found, f"order.{public_id}"
        return None

    def changes(self) -> list[dict[str, Any]]:
        if self.wants_snapshot or self.held is None:
            self.wants_snapshot = False
            self.tape = None  # the samples start again, too
            self.held = pages.order_snapshot(self.order_id)
            return [{"type": "snapshot", **self.held}]
        if pages.order_version(self.order_id) == self.held["version"]:
            return []
        delta = pages.order_delta(self.order_id, self.held)
        self.held = pages.delta_applied(self.held, delta)
        return [{"type": "delta", **delta}]

    def beat(self) -> dict[str, Any]:
        return super().beat() | {"market": self.market()}

    def market(self) -> MarketUpdate | None:
        self.tape = self.tape or market_tape.tape_open(self.order_id)
        return market_tape.tape_read(self.tape, self.order_id, timezone.now()) if self.tape else None


def may_wait(row: Mapping[str, Any]) -> bool:
    """Return True if the text about why an order waits may change with the market alone, without a change of the
    order.
    """
    return bool(row["waits"]) or (row["status"] == "working" and row["limit_price"] is not None)


class OrdersConsumer(LiveConsumer):
    """Sends a page of the list of orders: first all rows, then the changed rows. Each message also has the
    ids of all rows in their sequence.
    """

    marks: tuple[int, int] = (-1, -1)
    number = 0
    read_at = -LIMITS_AGAIN

    def refusal(self, person: User) -> int | None:
        if not self.group:
            query = self.scope.get("query_string", b"").decode("ascii", "replace")
            written = dict(parse_qsl(query, keep_blank_values=True))
            self.chosen = read_filter(person, OrderListFilter, written)
            self.rows: dict[str, Any] = {}
            self.group = trader_group(person.pk)
        return NOT_FOUND if self.chosen.problems else None

    def changes(self) -> list[dict[str, Any]]:
        whole, self.wants_snapshot = self.wants_snapshot, False
        if self.person is None:
            return []
        marks, limits_again = blotter_marks(person=self.person), monotonic() - self.read_at >= LIMITS_AGAIN
        if marks == self.marks and not whole and not limits_again:
            return []
        known = self.rows
        if limits_again:
            known = {key: row for key, row in known.items() if not may_wait(row)}
            self.read_at = monotonic()
        found = blotter_page(person=self.person, chosen=self.chosen.filter, known=known)
        rows = {row["id"]: row for row in found["rows"]}
        if marks == self.marks and not whole and rows == self.rows:
            return []
        self.marks = marks
        message = {
            "type": "snapshot" if whole else "delta",
            "from": self.number,
            "version": self.number + 1,
            "rows": [row for key, row in rows.items() if whole or self.rows.get(key) != row],
            "order": list(rows),
            "counts": found["counts"],
            "total": found["total"],
        }
        self.rows, self.number = rows, self.number + 1
        return [message]
