"""A stop never waits: neither for the API's limit, nor for reads, nor for Redis."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from execution.models import AuditEntry, Halt, Order
from tests.dashboard.bulk_orders import crowd
from tests.dashboard.desk_fixture import Desk
from tests.web.process import Web, browser, program, running_web

# The office is seen by another process.
pytestmark = [pytest.mark.real_process, pytest.mark.django_db(transaction=True)]

#: Alone a stop takes some 20 ms; on a machine that other work keeps busy it may take so many times a page's time.
AT_ONCE = 1.5  # seconds
TIMES = 20
#: Reads that may end while a stop is under way: those that had begun share the processor with it.
OVERTAKING = 24
RATE = 20
HALT = {"kind": "stop", "scope": "desk"}
PHRASE = {"phrase": "HALT DESK", "reason": "a drill"}


def within_a_minute() -> None:
    """Wait for the beginning of a minute if it is near its end, because the limit counts by the clock's minutes."""
    left = 60 - time.time() % 60
    if left < 12:
        time.sleep(left + 0.1)


def read(web: Web, headers: Mapping[str, str]) -> int:
    return web.ask("/api/v1/accounts", headers).status


def use_up(webs: Sequence[Web], headers: Mapping[str, str]) -> list[int]:
    """Read from the processes in turn, some more than one may; what they answered."""
    return [read(webs[number % len(webs)], headers) for number in range(RATE + 6)]


def stop_by_program(web: Web, office: Desk) -> Iterator[tuple[str, float, int]]:
    """Pause, cancel and a halt over the API: what, how long it took, its status."""
    order = office.order(key=f"stopped-{time.monotonic()}")
    trader, supervisor = program(office.trader), program(office.supervisor)
    for action in ("pause", "cancel"):
        answer = web.ask(f"/api/v1/orders/{order.public_id}/{action}", trader, data=b"{}")
        yield f"{action} by a program", answer.seconds, answer.status
    preview = web.ask("/api/v1/halts/preview", supervisor, data=json.dumps(HALT).encode())
    yield "preview of a halt by a program", preview.seconds, preview.status
    answer = web.ask("/api/v1/halts", supervisor, data=json.dumps(HALT | PHRASE).encode())
    yield "halt by a program", answer.seconds, answer.status
    order.refresh_from_db()
    assert (order.status, order.outcome) == ("closing", "cancelled")


def stop_by_browser(web: Web, office: Desk) -> Iterator[tuple[str, float, int]]:
    """Yield the same from pages, with the form of the halt."""
    order = office.order(key=f"stopped-{time.monotonic()}")
    trader, supervisor = browser(office, office.trader), browser(office, office.supervisor)
    for action in ("pause", "cancel"):
        answer = web.ask(f"/orders/{order.public_id}/{action}/", trader, data=b"reason=a+drill")
        yield f"{action} by a browser", answer.seconds, answer.status
    form = web.ask("/halts/new/", supervisor)
    yield "form of a halt", form.seconds, form.status
    answer = web.ask("/halts/new/", supervisor, data=urlencode(HALT | PHRASE).encode())
    yield "halt by a browser", answer.seconds, answer.status
    order.refresh_from_db()
    assert (order.status, order.outcome) == ("closing", "cancelled")


def at_once(web: Web) -> float:
    """Return how long a stop may take on a machine as busy as this one, in seconds."""
    return max(AT_ONCE, TIMES * min(web.ask("/login/", {}).seconds for _ in range(3)))


def stops(web: Web, office: Desk) -> Iterator[tuple[str, float]]:
    """Make every kind of stop, on orders that the reads do not know: what, and how long it took."""
    for stop in (stop_by_browser, stop_by_program):
        for what, seconds, status in stop(web, office):
            assert status in (200, 201, 302, 303), f"{what} was answered with {status}"
            yield what, seconds
        assert Halt.objects.get(lifted_at=None).set_by == office.supervisor
        assert AuditEntry.objects.filter(kind="halt_set").exists()
        Halt.objects.all().delete()


def assert_stops_at_once(web: Web, office: Desk) -> None:
    """Check that no stop takes longer than a busy machine explains."""
    within = at_once(web)
    for what, seconds in stops(web, office):
        assert seconds < within, f"{what} took {seconds:.2f} s; at most {within:.2f}"


def test_the_limit_is_one_over_all_web_processes_and_stops_are_outside_of_it(
    office: Desk, redis_url: str, tmp_path: Path
) -> None:
    order = office.order()
    trader = program(office.trader)
    with (
        running_web(tmp_path / "one", redis_url, API_RATE=str(RATE)) as one,
        running_web(tmp_path / "two", redis_url, API_RATE=str(RATE)) as two,
    ):
        within_a_minute()
        statuses = use_up([one, two], trader)
        assert statuses == [200] * RATE + [429] * (len(statuses) - RATE)
        for web in (one, two):
            assert read(web, program(office.other)) == 200, "another person's limit is their own"
            assert read(web, program(office.trader)) == 429, "a second token has no limit of its own"
            assert_stops_at_once(web, office)
        resume = one.ask(
            f"/api/v1/orders/{order.public_id}/resume", trader, data=b'{"mode": "catch_up", "reason": "on"}'
        )
        assert resume.status == 429, "a resume is no stop"
        assert 0 < int(resume.headers["Retry-After"]) <= 60


def test_a_stop_is_checked_like_everything_else(office: Desk, redis_url: str, tmp_path: Path) -> None:
    order, theirs = office.order(), office.order(office.other, key="theirs")
    forged = {**browser(office, office.trader), "X-CSRFToken": "f" * 32}
    with running_web(tmp_path, redis_url) as web:
        for headers, path, status in (
            ({}, f"/api/v1/orders/{order.public_id}/cancel", 401),
            (program(office.trader), f"/api/v1/orders/{theirs.public_id}/cancel", 404),
            (program(office.trader), "/api/v1/halts", 403),
            ({}, f"/orders/{order.public_id}/cancel/", 403),
            (forged, f"/orders/{order.public_id}/cancel/", 403),
            (browser(office, office.trader), f"/orders/{theirs.public_id}/cancel/", 404),
            (browser(office, office.trader), "/halts/new/", 403),
        ):
            body = json.dumps(HALT | PHRASE).encode() if path.endswith("halts") else b"{}"
            assert web.ask(path, headers, data=body).status == status, path
    assert not Order.objects.exclude(status=order.status).exists()
    assert not Halt.objects.exists()


@contextmanager
def reads_in_flight(
    web: Web, requests: Sequence[tuple[str, Mapping[str, str]]]
) -> Iterator[list[socket.socket]]:
    """Send them all, each on a connection of its own, and wait for none."""
    with ExitStack() as stack:
        sockets = []
        for path, headers in requests:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=60))
            lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in headers.items())]
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            sockets.append(connection)
        yield sockets


def answers(connections: Sequence[socket.socket]) -> int:
    """Count the reads that have been answered."""
    return sum(answered(connection) for connection in connections)


def answered(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


@pytest.mark.timeout(1800)
def test_reads_that_keep_the_process_busy_delay_no_stop(office: Desk, redis_url: str, tmp_path: Path) -> None:
    crowd(office.account, office.trader, 600, live=5, full=100)
    people = (office.trader, office.other, office.supervisor)
    paths = ("/orders/export.csv", "/orders/", "/api/v1/orders?state=all")
    with running_web(tmp_path, redis_url) as web:
        headers = [
            program(person) if path.startswith("/api") else browser(office, person)
            for path in paths
            for person in people
        ]
        each = [path for path in paths for _ in people]
        with reads_in_flight(web, list(zip(each, headers, strict=True)) * 12) as sockets:
            time.sleep(0.5)
            done = answers(sockets)
            # Counted in reads and not in seconds: how long a read takes depends on the machine.
            for what, _ in stops(web, office):
                before, done = done, answers(sockets)
                assert done - before <= OVERTAKING, f"{done - before} reads were answered before the {what}"
            assert done < len(sockets), "all reads were answered before the stops: they kept nothing busy"


def test_without_redis_stops_go_and_each_process_counts_for_itself(
    office: Desk, redis_url: str, tmp_path: Path
) -> None:
    trader = program(office.trader)
    with running_web(tmp_path, f"unix://{tmp_path}/nobody-listens", API_RATE=str(RATE)) as web:
        within_a_minute()
        statuses = use_up([web], trader)
        assert statuses == [200] * RATE + [429] * (len(statuses) - RATE)
        assert_stops_at_once(web, office)
        assert web.log.read_text().count("requests are counted in this process alone") == 1


def test_a_redis_that_takes_connections_and_answers_none_delays_no_stop(office: Desk, tmp_path: Path) -> None:
    silent = tmp_path / "silent"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(silent))
        listener.listen(64)
        with running_web(tmp_path, f"unix://{silent}") as web:
            assert_stops_at_once(web, office)
            assert read(web, program(office.trader)) == 200
