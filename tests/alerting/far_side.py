"""The far sides of alerts on this machine: an HTTP server and an SMTP server that can be taken down."""

from __future__ import annotations

import email
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FarSide:
    """A server on a port that stays its own while it is down. It keeps what it has taken, in order."""

    def __init__(self, make: Callable[[int, FarSide], socketserver.TCPServer]) -> None:
        self._make = make
        self._server: socketserver.TCPServer | None = None
        self.port = 0
        #: What arrived: body or message, with its headers.
        self.taken: list[tuple[dict[str, str], Any]] = []
        #: The status that HTTP answers with; None takes the message and cuts the line without an answer.
        self.status: int | None = 200

    def up(self) -> FarSide:
        self._server = self._make(self.port, self)
        self.port = self._server.socket.getsockname()[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def down(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def http_server() -> Iterator[FarSide]:
    side = FarSide(lambda port, side: ThreadingHTTPServer(("127.0.0.1", port), _http_handler(side))).up()
    try:
        yield side
    finally:
        side.down()


def _http_handler(side: FarSide) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if side.status is None or side.status < 300:
                side.taken.append((dict(self.headers), content))
            if side.status is None:
                self.connection.close()
                return
            self.send_response(side.status)
            if 300 <= side.status < 400:
                self.send_header("Location", f"http://127.0.0.1:{side.port}/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    return Handler


class _Smtp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def smtp_server() -> Iterator[FarSide]:
    side = FarSide(lambda port, side: _Smtp(("127.0.0.1", port), _smtp_handler(side))).up()
    try:
        yield side
    finally:
        side.down()


def _smtp_handler(side: FarSide) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 far side")
            for line in iter(self.rfile.readline, b""):
                word = line.strip().upper()[:4]
                if word == b"DATA":
                    self._say("354 go on")
                    self._take()
                self._say("221 bye" if word == b"QUIT" else "250 ok")
                if word == b"QUIT":
                    return

        def _take(self) -> None:
            lines = list(iter(self.rfile.readline, b".\r\n"))
            message = email.message_from_bytes(b"".join(lines))
            side.taken.append((dict(message.items()), message))

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    return Handler


def event_ids(side: FarSide) -> list[str]:
    """Return the event ids in the order of their arrival."""
    return [headers["Tranche-Event-Id"] for headers, _ in side.taken]


def json_of(content: bytes) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(content)
    return read


def text_of_mail(message: Message) -> str:
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()
