"""The market's websocket: it shows what is asked for, follows the books, and shows nobody what is not theirs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.live.consumers import NOT_FOUND, UNREADABLE
from execution.core.market_data.candles import MINUTE, KnownCandles
from execution.core.market_data.coverage import Stretch
from execution.core.types import Candle
from execution.models import User
from tests.dashboard.test_live import Line, in_thread
from tests.factories import SYMBOL, D, Rows

pytestmark = pytest.mark.django_db(transaction=True)
BIDS = [("59999.50", "1"), ("59999.00", "2")]
ASKS = [("60000.50", "1"), ("60001.00", "2")]


async def opened(person: User) -> Line:
    client = Client()
    await in_thread(client.force_login, person, backend="django.contrib.auth.backends.ModelBackend")
    return await Line(client, "/ws/market/").open()


def watch(**more: Any) -> dict[str, Any]:
    return {"type": "watch", "symbol": SYMBOL, "accounts": ["alpha"], "group": 1} | more


async def test_a_ticket_is_shown_its_books_and_each_change_of_them(committed_rows: Rows) -> None:
    rows = committed_rows
    await in_thread(rows.book, BIDS, ASKS, at=timezone.now())
    line = await opened(rows.trader)
    await line.socket.send_json_to(watch(side="buy", slice="2", quantity="2.5", collar_bp="50"))
    snapshot = await line.receive("snapshot")
    assert [row["price"] for row in snapshot["ladder"]["asks"]] == ["60000.5", "60001"]
    assert snapshot["ladder"]["slice"]["price"] == "60001"
    assert snapshot["ladder"]["collar"] == "60300"
    await in_thread(rows.book, BIDS, [("60001.00", "2")], at=timezone.now())
    delta = await line.receive("delta")
    assert delta["from"] == snapshot["version"]
    assert [row["price"] for row in delta["ladder"]["asks"]] == ["60001"]
    await line.socket.disconnect()


async def test_candles_come_whole_and_then_what_is_new_of_them(committed_rows: Rows) -> None:
    rows, now = committed_rows, timezone.now()
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=3)
    bars = tuple(Candle(first + MINUTE * n, D(10), D(12), D(9), D(11), D(n + 1)) for n in range(3))
    far = now + timedelta(minutes=1)
    await in_thread(rows.candles, KnownCandles(bars[:2], (Stretch(first, far),)))
    line = await opened(rows.trader)
    await line.socket.send_json_to(watch())
    found = (await line.receive("snapshot"))["candles"]
    assert [row[5] for row in found["rows"]] == ["1", "2"]
    assert len(found["unknown"]) == 1, "what was before the first one"
    await in_thread(rows.candles, KnownCandles(bars, (Stretch(first, far),)))
    for _ in range(5):
        delta = await line.receive("delta")
        if delta.get("candles", {}).get("rows"):
            break
    assert [row[5] for row in delta["candles"]["rows"]] == ["3"]
    await line.socket.disconnect()


async def test_another_wish_is_answered_with_a_snapshot(committed_rows: Rows) -> None:
    rows = committed_rows
    await in_thread(rows.book, BIDS, ASKS, at=timezone.now())
    line = await opened(rows.trader)
    await line.socket.send_json_to(watch())
    assert (await line.receive("snapshot"))["ladder"]["step"] == "0.01"
    await line.socket.send_json_to(watch(group=100))
    assert (await line.receive("snapshot"))["ladder"]["step"] == "1"
    await line.socket.send_json_to(watch(accounts=[]))
    assert (await line.receive("snapshot"))["ladder"] is None
    await line.socket.disconnect()


async def test_at_most_four_updates_a_second(committed_rows: Rows) -> None:
    rows = committed_rows
    line = await opened(rows.trader)
    await line.socket.send_json_to(watch())
    await line.receive("snapshot")
    loop, sent = asyncio.get_running_loop(), 0
    end = loop.time() + 2
    while loop.time() < end:
        sent += 1
        await in_thread(rows.book, BIDS, [("60000.50", str(sent))], at=timezone.now())
        await asyncio.sleep(0.02)
    deltas = 0
    while not await line.socket.receive_nothing(timeout=0.01):
        deltas += (await line.socket.receive_json_from())["type"] == "delta"
    assert sent > 20
    assert 2 <= deltas <= 9, "two seconds, and the one that the snapshot left over"
    await line.socket.disconnect()


async def test_an_order_is_shown_to_who_sees_it(committed_rows: Rows) -> None:
    rows = committed_rows
    order = await in_thread(rows.working)
    await in_thread(rows.book, BIDS, ASKS, at=timezone.now())
    line = await opened(rows.supervisor)
    await line.socket.send_json_to({"type": "watch", "order": order.public_id})
    assert (await line.receive("snapshot"))["ladder"]["order"]["quantity"] == "0.3"
    await line.socket.disconnect()
    other = await in_thread(User.objects.create, username="other", role="trader")
    line = await opened(other)
    await line.socket.send_json_to({"type": "watch", "order": order.public_id})
    assert await line.closed_with() == NOT_FOUND


async def test_a_wish_that_no_page_has_closes_the_socket(committed_rows: Rows) -> None:
    line = await opened(committed_rows.trader)
    await line.socket.send_json_to(watch(quantity="-1"))
    assert await line.closed_with() == UNREADABLE


async def test_nothing_but_beats_before_the_page_says_what_to_watch(committed_rows: Rows) -> None:
    line = await opened(committed_rows.trader)
    assert (await line.socket.receive_json_from(timeout=10))["type"] == "beat"
    assert (await line.socket.receive_json_from(timeout=10))["type"] == "beat"
    await line.socket.disconnect()
