"""Requests from strangers fill no log with errors, and leave the process as it was."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.desk_fixture import Desk
from tests.web.process import Web, browser, running_web

# The office is seen by another process.
pytestmark = [pytest.mark.real_process, pytest.mark.django_db(transaction=True)]

#: Frames after a good handshake: a reserved bit, an unmasked one, text that is not UTF-8, no JSON, JSON that is too
#: deep, bytes, a close without a reason, a ping that is too long.
FRAMES = {
    "reserved bit": b"\xf1\x80\x00\x00\x00\x00",
    "unmasked": b"\x81\x02{}",
    "not UTF-8": b"\x81\x82\x00\x00\x00\x00\xff\xfe",
    "no JSON": b"\x81\x81\x00\x00\x00\x00{",
    "too deep": b"\x81\xfe\x0f\xa0\x00\x00\x00\x00" + b"[" * 4000,
    "bytes": b"\x82\x82\x00\x00\x00\x00{}",
    "broken close": b"\x88\x81\x00\x00\x00\x00\x03",
    "long ping": b"\x89\xfe\x00\x80\x00\x00\x00\x00" + b"x" * 128,
}


def said(web: Web, head: bytes, more: bytes = b"") -> bytes:
    """Send a head, then ``more`` after the first answer; everything that came back until the other side closed."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        connection.sendall(head)
        answer = b""
        try:
            while data := connection.recv(65_536):
                answer += data
                if more and b"\r\n\r\n" in answer:
                    connection.sendall(more)
                    more = b""
        except ConnectionError:
            return answer
    return answer


def handshake(web: Web, path: str, cookie: str = "", **headers: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    given = {
        "Host": f"127.0.0.1:{web.port}",
        "Origin": web.url,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
        "Cookie": cookie,
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def strange_heads(web: Web) -> Iterator[tuple[str, bytes]]:
    yield "an unknown path", handshake(web, "/ws/nowhere/")
    yield "a path that is no text", handshake(web, "/ws/%ff%00/")
    yield "another site", handshake(web, "/ws/orders/", Origin="https://elsewhere.example")
    yield "no version", handshake(web, "/ws/orders/", Sec_WebSocket_Version="99")
    yield "a protocol that is not ASCII", handshake(web, "/ws/orders/", Sec_WebSocket_Protocol="\xff")
    yield "a folder of its own", handshake(web, "/ws/orders/", Daphne_Root_Path="/elsewhere\xff")
    for line in (
        b"GET / HTTP/1.1\r\nHost: elsewhere.example",
        b"GET / HTTP/1.1\r\nHost: a\x1b[31mb",
        b"\xff\xfe / HTTP/1.1",
    ):
        yield repr(line), line + b"\r\nConnection: close\r\n\r\n"
    yield "a length that is none", b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n"
    yield "no request at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"


def test_nothing_that_a_stranger_sends_is_an_error_of_the_desk(
    office: Desk, redis_url: str, tmp_path: Path
) -> None:
    cookie = browser(office, office.trader)["Cookie"]
    with running_web(tmp_path, redis_url) as web:
        for what, head in strange_heads(web):
            assert b" 101 " not in said(web, head)[:40] or what == "a folder of its own", what
        for frame in FRAMES.values():
            answer = said(web, handshake(web, "/ws/orders/", cookie), frame)
            assert answer.startswith(b"HTTP/1.1 101 "), frame
        assert web.ask("/login/", {}).status == 200
        log = web.log.read_text(encoding="utf-8")
    assert "elsewhere.example" in log, "what was refused is there"
    for line in log.splitlines():
        assert "level=error" not in line, line
        assert "level=critical" not in line, line
        assert "Traceback" not in line, line
        assert line.isprintable(), repr(line)
