"""A request has so long to come in, however slowly: the real connection on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.http import Request

from config.web import LINGER, MAX_WAITING, REQUEST_WITHIN, BoundedChannel

HEAD = b"POST /api/v1/orders HTTP/1.1\r\nHost: desk\r\nContent-Length: 1000\r\n\r\n"


class Asked(Request):  # type: ignore[misc]
    """A request that has come in whole: where daphne hands it to the application."""

    def process(self) -> None:
        self.channel.answered.append(self.content.read())


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count no connection of another test."""
    monkeypatch.setattr(BoundedChannel, "waiting", {})


class Transport(StringTransport):  # type: ignore[misc]
    """Remembers how it was closed."""

    is_half_closed = False
    is_aborted = False

    def loseWriteConnection(self) -> None:
        self.is_half_closed = True

    def abortConnection(self) -> None:
        self.is_aborted = True


class Connection:
    def __init__(self) -> None:
        self.clock, self.transport = Clock(), Transport()
        self.channel: Any = BoundedChannel()
        self.channel.callLater, self.channel.timeOut = self.clock.callLater, 60
        self.channel.requestFactory, self.channel.answered = Asked, []
        self.channel.makeConnection(self.transport)

    def drip(self, pieces: Iterable[bytes], *, every: float) -> None:
        for piece in pieces:
            self.channel.dataReceived(piece)
            self.clock.advance(every)

    @property
    def said(self) -> bytes:
        return bytes(self.transport.value())


def bytes_of(text: bytes) -> Iterable[bytes]:
    return (text[number : number + 1] for number in range(len(text)))


@pytest.mark.parametrize("text", [HEAD + b"x" * 999, HEAD[:-2] + b"X: y\r\n" * 90], ids=["body", "head"])
def test_a_request_that_drips_in_is_refused_and_its_connection_closed(text: bytes) -> None:
    connection = Connection()
    connection.drip(bytes_of(text), every=REQUEST_WITHIN / 400)
    assert connection.said.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"did not arrive within 20 s" in connection.said
    assert connection.said.count(b"HTTP/1.1") == 1
    assert connection.transport.is_half_closed
    connection.clock.advance(LINGER)
    assert connection.transport.is_aborted
    assert connection.channel.answered == []
    assert connection.clock.getDelayedCalls() == []


def test_a_connection_that_says_nothing_is_closed() -> None:
    connection = Connection()
    connection.clock.advance(REQUEST_WITHIN)
    assert connection.transport.is_aborted
    assert connection.said == b""


def test_what_takes_a_while_and_comes_in_whole_is_answered() -> None:
    connection = Connection()
    connection.drip([HEAD, *[b"x" * 100] * 10], every=REQUEST_WITHIN / 12)
    assert connection.channel.answered == [b"x" * 1000]
    connection.clock.advance(10 * REQUEST_WITHIN)  # an answer may take its time
    assert (connection.said, connection.transport.is_aborted) == (b"", False)


def test_a_client_that_goes_on_sending_is_made_to_wait() -> None:
    connection = Connection()
    connection.channel.dataReceived(HEAD.replace(b"1000", b"300000000"))
    assert connection.said.startswith(b"HTTP/1.1 413 ")
    for _ in range(20):
        connection.channel.dataReceived(b"x" * 1_000_000)
    assert connection.transport.producerState == "paused"
    assert connection.said.count(b"HTTP/1.1") == 1
    connection.clock.advance(LINGER)
    assert connection.transport.is_aborted


def test_of_too_many_half_open_requests_the_oldest_is_closed_and_nobody_who_is_answered() -> None:
    answered, idle, half = Connection(), Connection(), Connection()
    answered.drip([HEAD, b"x" * 1000], every=0)
    half.drip([HEAD, b"x"], every=0)
    more = [Connection() for _ in range(MAX_WAITING - 2)]
    assert not idle.transport.disconnecting
    more.append(Connection())
    assert idle.transport.disconnecting, "one that has said nothing is closed in order"
    more.append(Connection())
    assert half.transport.is_aborted
    assert not answered.transport.disconnecting
    assert not any(each.transport.disconnecting or each.transport.is_aborted for each in more)
    assert len(BoundedChannel.waiting) == MAX_WAITING
