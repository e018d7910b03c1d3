"""Trading while the far side of the alerts answers, refuses and hangs: lateness of slices and of fills.

``uv run pytest -s tests/benchmarks/alerts_down.py`` prints both for a minute each, with an alert a second.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from execution.models import AlertDelivery
from execution.verification.benchmark import records
from execution.verification.benchmark.figures import percentile
from execution.verification.benchmark.measure import BOUGHT
from tests.alerting.far_side import FarSide, event_ids, http_server
from tests.desk.people import channel_add
from tests.desk.running import RunningDesk, wait_until
from tests.desk.visitor import Visitor

ORDERS = 21
SECONDS = 60.0
LASTS = "00:06:00"


@contextmanager
def hanging(side: FarSide) -> Iterator[None]:
    """Take connections at the far side's port, and never answer."""
    side.down()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", side.port))
        listener.listen(128)
        yield
    side.up()


@contextmanager
def refusing(side: FarSide) -> Iterator[None]:
    side.down()
    yield
    side.up()


@contextmanager
def answering(side: FarSide) -> Iterator[None]:
    yield


def alerts_for(admin: Visitor, channel: str, seconds: float) -> tuple[datetime, datetime]:
    """Send an alert each second; the first and the last moment."""
    began, until = timezone.now(), time.monotonic() + seconds
    while time.monotonic() < until:
        admin.post(f"{channel}test/", {}, admin.get("/alert-channels/"))
        time.sleep(1.0)
    return began, timezone.now()


def told(name: str, decided: Sequence[float], recorded: Sequence[float]) -> str:
    figures = [f"{percentile(values, share):.1f}" for values in (decided, recorded) for share in (0.5, 0.99)]
    return f"| {name} | {len(decided)} | {figures[0]} | {figures[1]} | {len(recorded)} | {figures[2]} | {figures[3]} |"


@pytest.mark.real_process
@pytest.mark.timeout(1800)
def test_trading_while_alerts_cannot_be_delivered(
    desk_factory: Callable[..., RunningDesk], tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    desk = desk_factory(tmp_path / "var")
    desk.wait()
    lines = ["| the program | slices | late p50, ms | p99 | fills | recorded after p50, ms | p99 |"]
    with http_server() as side, django_db_blocker.unblock(), records.database_of(desk.var):
        admin, trader = Visitor(desk, "admin"), Visitor(desk)
        channel = channel_add(admin, side.port)
        for number in range(ORDERS):
            symbol, quantity = BOUGHT[number % len(BOUGHT)]
            trader.launch(symbol=symbol, quantity=quantity, duration=LASTS, slices="36")
        time.sleep(5)
        for name, phase in (("answers", answering), ("refuses", refusing), ("hangs", hanging)):
            with phase(side):
                began, ended = alerts_for(admin, channel, SECONDS)
            decided = records.first_children(began, ended).decided
            lines.append(told(name, decided, records.fills_recorded(began, ended)))
        deliveries = AlertDelivery.objects.using(records.ALIAS)
        wait_until(lambda: not deliveries.filter(sent_at=None).exists(), within=900, what="every delivery")
        arrived = event_ids(side)
        lost = set(deliveries.values_list("event_id", flat=True)) - set(arrived)
        print("\n" + "\n".join(lines))
        print(f"{deliveries.count()} alerts, {len(lost)} lost, {len(arrived) - len(set(arrived))} doubled")
        assert not lost
