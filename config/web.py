"""The web process: ``python -m config.web``, with daphne's options.

Daphne accepts a request of any size. Twisted writes its body to a temporary file, and daphne then puts all of it into
a queue in memory, before any check of its sender. The classes here bound the head, the body and the time of a request
while it comes in.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from http import HTTPStatus
from typing import Any, ClassVar

from autobahn.exception import Disconnected
from autobahn.websocket.types import ConnectionDeny
from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from django.http import HttpResponse
from twisted.web.http import HTTPChannel

import config.ready  # noqa: F401  sets Django up
from config.static_files import collect_static
from dashboard.api.problems import PREFIX, problem_response
from dashboard.middleware import with_bare_headers
from execution.core.problem_codes import Code
from execution.core.problems import Problem

#: The most bytes of a login: a name, a password and a token, with some room.
LOGIN_BODY = 8_192
LOGINS = (b"/login/", b"/admin/login/")
#: The most bytes of the first line, which has the address with its query.
MAX_ADDRESS = 8_192
#: The most bytes of the first line and all headers together, and the most headers.
MAX_HEAD = 16_384
MAX_HEADERS = 100
#: The most connections of all clients that have sent half a request, or are between two requests. One more closes the
#: oldest.
MAX_WAITING = 300
#: The most seconds for a request to come in, from its first byte; and for that first byte, from the connection.
REQUEST_WITHIN = 20.0
#: A client that is still sending when it is refused would miss the answer if the connection were closed at once. So
#: its bytes are dropped for this many seconds, and up to this many bytes.
LINGER = 2.0
DROPPED = 8_000_000
#: The most bytes of a websocket message from a page, and the most messages in ``PERIOD`` seconds. A request for a
#: snapshot, which a page sends after a gap, has 20 bytes.
MAX_MESSAGE = 4_096
MAX_MESSAGES = 60
PERIOD = 10.0
TOO_MANY_MESSAGES = 4429


def most_of_body(address: bytes) -> int:
    """Return the largest body of a request to ``address``, in bytes."""
    path = address.partition(b"?")[0]
    return LOGIN_BODY if path in LOGINS else int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


class BoundedChannel(HTTPChannel):  # type: ignore[misc]
    """An HTTP connection that refuses a request once it is too long or too slow, or if too many are open."""

    _address = b""
    _lines = 0
    _head = 0
    _body = 0
    _dropped = 0
    _is_answering = False
    _is_refused = False
    _timer: Any = None
    #: The connections without a complete request, the longest waiting first.
    waiting: ClassVar[dict[BoundedChannel, None]] = {}

    def connectionMade(self) -> None:
        super().connectionMade()
        self._start_timer()
        self._wait()

    def connectionLost(self, reason: Any) -> None:
        self.waiting.pop(self, None)
        self._stop_timer()
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        if self._is_refused:
            self._drop(len(data))
            return
        if self._timer is None and not self._is_answering:
            self._start_timer()
        super().dataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        if self._lines:
            self._refuse_head(self._head + len(line))
        else:
            self._address = line.split(b" ", 2)[1] if line.count(b" ") else b""
            self._refuse_address(len(line))

    def lineReceived(self, line: bytes) -> None:
        if (
            self._is_refused or line[:17].lower() == b"daphne-root-path:"
        ):  # the folder that a client would choose
            return
        if not self._lines:
            self._address = line.split(b" ", 2)[1] if line.count(b" ") else b""
        self._lines += bool(self._lines or line)  # an empty line before a request is none of it
        self._head += len(line) + 2
        if self._lines == 1 and len(line) > MAX_ADDRESS:
            self._refuse_address(len(line))
        elif self._head > MAX_HEAD:
            self._refuse_head(self._head)
        elif self._lines > MAX_HEADERS + 2 or (line and self._lines > MAX_HEADERS + 1):
            self._refuse(431, "headers", f"The request has more than {MAX_HEADERS} headers.", "", MAX_HEADERS)
        else:
            super().lineReceived(line)

    def allHeadersReceived(self) -> None:
        """Refuse a request whose headers announce a body that is too long.

        It is refused before the body comes, because a client may wait for an answer before it sends the body.
        """
        if self.length is not None and self.length > most_of_body(self._address):
            self._refuse_body(self.length)
        else:
            super().allHeadersReceived()

    def rawDataReceived(self, data: bytes) -> None:
        """Count the bytes of a chunked body, including the chunks' own headers, because its headers do not give its
        length.
        """
        if self._is_refused:
            return
        if not self._is_answering and self.length is None:
            self._body += len(data)
            if self._body > most_of_body(self._address):
                self._refuse_body(self._body)
                return
        super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        if self._is_refused:
            return
        self._stop_timer()
        self.waiting.pop(self, None)
        self._is_answering = True
        self._lines = self._head = self._body = 0
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        self._is_answering = False
        self._wait()
        super().requestDone(request)

    def _wait(self) -> None:
        """Add this connection to those without a complete request. Close the oldest of them if there are too many."""
        self.waiting[self] = None
        if len(self.waiting) > MAX_WAITING:
            oldest = next(iter(self.waiting))
            del self.waiting[oldest]
            oldest.make_room()

    def make_room(self) -> None:
        """Close the connection to make room for others.

        If a request has arrived only in part, close it at once. Otherwise close it once the last answer has been sent.
        """
        self._stop_timer()
        if self._lines:
            self._abort()
        else:
            self.transport.loseConnection()

    # --- refusing ---------------------------------------------------------------------------------

    def _refuse_address(self, length: int) -> None:
        message = f"The address has {length:,} bytes or more. At most {MAX_ADDRESS:,} are allowed."
        self._refuse(414, "address", message, str(length), MAX_ADDRESS)

    def _refuse_head(self, length: int) -> None:
        message = f"The headers have {length:,} bytes or more. At most {MAX_HEAD:,} are allowed."
        self._refuse(431, "headers", message, str(length), MAX_HEAD)

    def _refuse_body(self, length: int) -> None:
        limit = most_of_body(self._address)
        said = "" if self.length is not None else " or more"
        message = f"The body has {length:,} bytes{said}. At most {limit:,} are allowed."
        self._refuse(413, "body", message, str(length), limit)

    def _refuse(self, status: int, field: str, message: str, value: str, limit: float) -> None:
        self._is_refused = True
        self._stop_timer()
        self.setTimeout(None)
        if self._address.startswith(PREFIX.encode()):
            code = Code.REQUEST_TOO_LARGE if field else Code.REQUEST_TOO_SLOW
            response = problem_response(
                status, message, [Problem(field, message, value, str(limit), code=code)]
            )
        else:
            response = HttpResponse(
                f"Refused: {message}", status=status, content_type="text/plain; charset=utf-8"
            )
        with_bare_headers(response)
        response["Content-Length"], response["Connection"] = str(len(response.content)), "close"
        head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        head += [f"{name}: {text}" for name, text in response.headers.items()]
        self.transport.unregisterProducer()
        self.transport.write("\r\n".join([*head, "", ""]).encode("latin-1") + response.content)
        self.transport.loseWriteConnection()
        self._timer = self.callLater(LINGER, self._abort)

    def _drop(self, length: int) -> None:
        self._dropped += length
        if self._dropped > DROPPED:
            self.transport.pauseProducing()  # the client's sending stops until the connection is closed

    def _abort(self) -> None:
        self._timer = None
        self.transport.abortConnection()

    def _start_timer(self) -> None:
        self._timer = self.callLater(REQUEST_WITHIN, self._late)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _late(self) -> None:
        self._timer = None
        if not self._lines:
            self._abort()  # it has not even said what it wants
            return
        message = f"The request did not arrive within {REQUEST_WITHIN:.0f} s."
        self._refuse(408, "", message, "", REQUEST_WITHIN)


class BoundedWebSocket(WebSocketProtocol):  # type: ignore[misc]
    """A page's websocket.

    It disconnects a client that sends too many messages, because daphne would queue them all.
    """

    maxMessagePayloadSize: int

    def onConnect(self, request: Any) -> Any:
        said = request.headers.get("sec-websocket-protocol", "")
        if not (said + request.path + "".join(request.headers)).isascii():
            raise ConnectionDeny(400, "the head is not ASCII")  # type: ignore[no-untyped-call]
        return super().onConnect(request)

    def onOpen(self) -> None:
        self._times: deque[float] = deque(maxlen=MAX_MESSAGES)
        super().onOpen()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N803
        now = self.factory.reactor.seconds()
        if len(self._times) == MAX_MESSAGES and now - self._times[0] < PERIOD:
            self.sendClose(
                code=TOO_MANY_MESSAGES, reason=f"more than {MAX_MESSAGES} messages in {PERIOD:.0f} s"
            )
            return
        self._times.append(now)
        super().onMessage(payload, isBinary)

    def sendMessage(self, *arguments: Any, **options: Any) -> None:
        """Send a message of any length. While sending, turn the length limit of incoming messages off, because
        Autobahn would apply it to outgoing ones too.

        Send nothing if the page has just gone. The consumer then gets the event of the disconnect.
        """
        limit, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            with contextlib.suppress(Disconnected):
                super().sendMessage(*arguments, **options)
        finally:
            self.maxMessagePayloadSize = limit


class BoundedServer(Server):  # type: ignore[misc]
    """Daphne's server with bounded connections and websockets."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["websocket_max_message_size"] = options["websocket_max_frame_size"] = MAX_MESSAGE
        super().__init__(*arguments, **options, ready_callable=self._take_ours)

    def _take_ours(self) -> None:
        self.http_factory.protocol = BoundedChannel
        self.ws_factory.protocol = BoundedWebSocket


class WebCommand(CommandLineInterface):  # type: ignore[misc]
    server_class = BoundedServer


if __name__ == "__main__":
    collect_static()  # before the application, which looks once which files there are
    WebCommand().run([*sys.argv[1:], "config.asgi:application"])
