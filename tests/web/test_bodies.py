"""Input is bounded before it is read: on real web processes, from anybody, at any length."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import psutil
import pytest
from django.conf import settings

from config.web import (
    LOGIN_BODY,
    MAX_ADDRESS,
    MAX_HEAD,
    MAX_HEADERS,
    MAX_MESSAGE,
    MAX_MESSAGES,
    TOO_MANY_MESSAGES,
)
from tests.dashboard.bulk_orders import crowd
from tests.dashboard.desk_fixture import Desk
from tests.fixtures.rows import flush
from tests.web.process import Web, browser, program, running_web

# The office is seen by another process.
pytestmark = [pytest.mark.real_process, pytest.mark.django_db(transaction=True)]

BODY = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
HUGE = 300_000_000
PIECE = b"x" * 1_000_000
#: What a process may hold more afterwards, in MB.
A_FEW = 12.0


@pytest.fixture(scope="module")
def web(django_db_setup: None, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Yield one process for all of these tests. Each leaves it as it was."""
    flush(redis_server)
    with running_web(tmp_path_factory.mktemp("web"), redis_server) as running:
        yield running


@contextlib.contextmanager
def watched(web: Web) -> Iterator[list[float]]:
    """Yield the most memory that the process has held since the beginning, in MB, as the list's only item."""
    most, is_over = [web.memory], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.01):
            most[0] = max(most[0], web.memory)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        is_over.set()
        thread.join()


def exchanged(web: Web, head: list[str], body: Callable[[], Iterator[bytes]] | None = None) -> bytes:
    """Send a head and a body until the other side stops; everything that it answered, b"" when it only closed."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall("\r\n".join([*head, "", ""]).encode())
            for piece in body() if body else ():
                connection.sendall(piece)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while data := connection.recv(65_536):
                answer += data
        return answer


def post(address: str, *headers: str) -> list[str]:
    return [f"POST {address} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers]


def plain_pieces(length: int) -> Iterator[bytes]:
    for begin in range(0, length, len(PIECE)):
        yield PIECE[: length - begin]


def chunks(length: int) -> Iterator[bytes]:
    for piece in plain_pieces(length):
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


@pytest.mark.parametrize("is_chunked", [False, True], ids=["with a length", "in chunks"])
@pytest.mark.parametrize("address", ["/login/", "/api/v1/orders"])
def test_300_mb_from_anybody_go_neither_into_memory_nor_onto_the_disk(
    web: Web, office: Desk, address: str, is_chunked: bool
) -> None:
    for path in ("/login/", "/api/v1/accounts"):
        web.ask(path, program(office.trader))  # what the first page loads is no body's memory
    header = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {HUGE}"
    pieces = chunks if is_chunked else plain_pieces
    before, written = web.memory, psutil.Process(web.process.pid).io_counters().write_chars
    with watched(web) as most, ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(exchanged, web, post(address, header), lambda: pieces(HUGE)) for _ in range(4)]
        page = web.ask("/login/", {})
        answers = [job.result() for job in sending]
    assert page.status == 200
    assert {status_of(answer) for answer in answers} <= {0, 413}
    assert most[0] - before < A_FEW, f"from {before:.0f} to {most[0]:.0f} MB"
    assert psutil.Process(web.process.pid).io_counters().write_chars - written < 1_000_000


@pytest.mark.parametrize("length", [BODY + 1, 3_000_000])
def test_a_program_with_a_body_that_is_too_long_is_told_its_length_and_the_limit(
    web: Web, length: int
) -> None:
    answer = exchanged(web, post("/api/v1/orders", f"Content-Length: {length}"), lambda: plain_pieces(length))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(head) == 413
    assert b"Content-Type: application/problem+json" in head
    problem = json.loads(body)
    message = f"The body has {length:,} bytes. At most {BODY:,} are allowed."
    assert (problem["status"], problem["detail"]) == (413, message)
    assert problem["problems"] == [
        {
            "field": "body",
            "message": message,
            "value": str(length),
            "limit": str(BODY),
            "code": "request_too_large",
        }
    ]


def test_a_page_says_it_in_words_and_a_login_may_have_little(web: Web) -> None:
    answer = exchanged(web, post("/login/", "Content-Length: 9000"), lambda: plain_pieces(9000))
    assert status_of(answer) == 413
    assert answer.endswith(f"Refused: The body has 9,000 bytes. At most {LOGIN_BODY:,} are allowed.".encode())


def test_who_asks_before_sending_is_refused_before_sending(web: Web) -> None:
    answer = exchanged(web, post("/api/v1/orders", f"Content-Length: {HUGE}", "Expect: 100-continue"))
    assert status_of(answer) == 413


@pytest.mark.parametrize("is_chunked", [False, True], ids=["with a length", "in chunks"])
def test_a_body_within_the_limit_is_read_whole(web: Web, office: Desk, is_chunked: bool) -> None:
    body = json.dumps({"reason": "x" * (BODY // 2)}).encode()
    header = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {len(body)}"
    order = office.order()
    head = post(f"/api/v1/orders/{order.public_id}/pause", header, "Connection: close")
    head.append(f"Authorization: {program(office.trader)['Authorization']}")

    def pieces() -> Iterator[bytes]:
        yield f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n" if is_chunked else body

    answer = exchanged(web, head, pieces)
    assert status_of(answer) == 422, answer[:300]
    assert b"reason" in answer


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        (414, [f"GET /orders/?state={'x' * MAX_ADDRESS} HTTP/1.1"]),
        (414, [f"GET /api/v1/orders?state={'x' * 3 * MAX_HEAD} HTTP/1.1"]),
        (431, ["GET /orders/ HTTP/1.1", *(f"X-{number}: y" for number in range(MAX_HEADERS + 1))]),
        (431, ["GET /api/v1/orders HTTP/1.1", *(f"X-{n}: {'y' * 4000}" for n in range(5))]),
        (431, ["GET /api/v1/orders HTTP/1.1", f"X: {'y' * 3 * MAX_HEAD}"]),
    ],
    ids=["address", "an address without end", "headers", "long headers", "a header without end"],
)
def test_a_head_is_bounded_too(web: Web, status: int, lines: list[str]) -> None:
    answer = exchanged(web, lines)
    assert status_of(answer) == status
    assert (b"application/problem+json" in answer) == ("/api/" in lines[0])
    assert b"At most" in answer or b"more than" in answer
    assert web.ask("/login/", {}).status == 200


def test_a_connection_that_stays_open_is_counted_afresh_for_each_request(web: Web, office: Desk) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    headers = program(office.trader) | {f"X-{number}": "y" * 100 for number in range(MAX_HEADERS - 10)}
    order = office.order()
    body = json.dumps({"reason": "x" * (BODY // 2)}).encode()
    for _ in range(4):
        connection.request("POST", f"/api/v1/orders/{order.public_id}/pause", body=body, headers=headers)
        answer = connection.getresponse()
        assert (answer.status, b"reason" in answer.read()) == (422, True)
    connection.request("POST", "/login/", body=b"x" * (LOGIN_BODY + 1))
    assert connection.getresponse().status == 413
    connection.close()


def test_files_and_many_fields_are_refused(web: Web, office: Desk) -> None:
    trader = browser(office, office.trader)
    order = office.order()
    path = f"/orders/{order.public_id}/pause/"
    many = "&".join(f"field{number}=x" for number in range(501)).encode()
    assert web.ask(path, trader, data=many).status == 400
    file = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
        b"Content-Type: text/plain\r\n\r\nx\r\n--edge--\r\n"
    )
    answer = web.ask(path, {**trader, "Content-Type": "multipart/form-data; boundary=edge"}, data=file)
    assert answer.status == 400
    order.refresh_from_db()
    assert order.status != "paused"


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["x" * (MAX_MESSAGE + 1)], 1006),  # cut off at the frame's head, without a word
        (['{"type": "nothing"}'] * (MAX_MESSAGES + 40), TOO_MANY_MESSAGES),
    ],
    ids=["a long message", "many messages"],
)
def test_a_websocket_takes_short_messages_and_few(
    web: Web, office: Desk, texts: list[str], code: int
) -> None:
    crowd(office.account, office.trader, 50, live=5, parts=1)
    headers = {"Cookie": browser(office, office.trader)["Cookie"], "Origin": web.url}
    assert asyncio.run(code_after(web, headers, texts)) == code


async def code_after(web: Web, headers: dict[str, str], texts: list[str]) -> int | None:
    """Return the code with which a page's socket is closed after it has sent ``texts``."""
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(f"{web.url}/ws/orders/") as page,
    ):
        first = await page.receive_str(timeout=20)
        assert json.loads(first)["type"] == "snapshot"
        assert len(first) > 5 * MAX_MESSAGE, "what goes out is not held to the limit"
        for text in texts:
            await page.send_str(text)
        while not page.closed:
            await page.receive(timeout=20)
        return page.close_code
