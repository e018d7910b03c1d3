"""The path from a call to its answer, common to all dialects: faults, limits, signatures, handler."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from execution.paper.accounts import Accounts
from execution.paper.binance.market_streams import MarketStreams
from execution.paper.binance.user_streams import UserStreams
from execution.paper.coinbase.streams import Channels as CoinbaseChannels
from execution.paper.connections import Connections, encode
from execution.paper.exchange import Exchange
from execution.paper.faults import AFTER, BEFORE, FaultRule, Faults
from execution.paper.kraken.parts import KrakenParts
from execution.paper.limits import Limits
from execution.paper.okx.market_streams import MarketChannels
from execution.paper.okx.user_streams import UserChannels
from execution.paper.records import Account, PaperOrder
from execution.paper.refusals import Refusal


@dataclass(slots=True)
class Server:
    """The parts of a running paper exchange."""

    exchange: Exchange
    accounts: Accounts
    limits: Limits
    faults: Faults
    connections: Connections
    market_streams: MarketStreams
    user_streams: UserStreams
    market_channels: MarketChannels
    user_channels: UserChannels
    kraken: KrakenParts
    coinbase_channels: CoinbaseChannels
    control_token: str
    latency: float = 0.0  #: seconds that a request and its answer take longer together


@dataclass(slots=True)
class Call:
    """One request as a handler sees it. ``headers`` are those of the response.

    The JSON body of okx is in ``entries``: a list of flat objects, or a single one. The JSON body of coinbase
    is in ``body``, because it has objects inside objects.
    """

    server: Server
    endpoint: Endpoint
    parameters: dict[str, str]
    signer: Account | None
    headers: dict[str, str] = field(default_factory=dict)
    entries: list[dict[str, str]] = field(default_factory=list)
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def account(self) -> Account:
        """Return the account whose key signed the request. Raise LookupError if the endpoint is not signed."""
        if self.signer is None:
            raise LookupError(f"{self.endpoint.path} is not signed")
        return self.signer

    @property
    def exchange(self) -> Exchange:
        return self.server.exchange

    def lag(self, kind: str) -> int:
        """Return how old, in milliseconds, the state is that the answer shows.

        It is 0 unless a fault rule of ``kind`` hits this call.
        """
        rule = self.server.faults.strike(
            self.endpoint.target(self.parameters),
            frozenset({kind}),
            self.signer.key if self.signer else None,
        )
        return int(rule.seconds * 1000) if rule else 0

    def as_seen(self, orders: list[PaperOrder], lag: int) -> list[PaperOrder]:
        """Return the orders as they were ``lag`` milliseconds ago.

        Orders that did not exist at that time are left out.
        """
        if not lag:
            return orders
        at = self.exchange.now() - lag
        return [past for past in (order.as_of(at) for order in orders) if past is not None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route. ``on`` is the target by which fault rules choose its calls (``faults.TARGETS``).

    ``on`` and ``weight`` may depend on the parameters.
    """

    method: str
    path: str
    on: str | Callable[[Mapping[str, str]], str]
    weight: int | Callable[[dict[str, str]], int]
    handler: Callable[[Call], Any]
    signed: bool = False

    def target(self, parameters: Mapping[str, str]) -> str:
        """Return the fault target (``faults.TARGETS``) of a call with these parameters."""
        return self.on if isinstance(self.on, str) else self.on(parameters)


class Dialect(Protocol):
    """The API of one exchange: how a call is admitted, answered and refused."""

    def key(self, request: web.Request) -> str | None:
        """Return the key that the request names, whether the exchange knows it or not."""

    def admit(
        self, server: Server, endpoint: Endpoint, request: web.Request, body: str, headers: dict[str, str]
    ) -> Call:
        """Check limits, signature and time, and return the call. Raise Refusal if a check fails.

        Entries added to ``headers`` are sent with the response, even if the call is refused.
        """

    def answered(self, answer: Any) -> Any:
        """Return the handler's answer in the form in which it is sent."""

    def refused(self, refusal: Refusal, headers: dict[str, str]) -> web.Response:
        """Return the response that tells the client of the refusal."""

    def unknown(self) -> Refusal:
        """Return the refusal by which the exchange says that the outcome of a call is unknown."""

    def fault(self, rule: FaultRule) -> Refusal:
        """Return the refusal for a fault such as ``code_1021``, ``reject`` or ``status_429``, in the API's form."""


def add_endpoint(application: web.Application, server: Server, endpoint: Endpoint, dialect: Dialect) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await _answer(server, endpoint, request, dialect)

    application.router.add_route(endpoint.method, endpoint.path, handle)


async def _answer(
    server: Server, endpoint: Endpoint, request: web.Request, dialect: Dialect
) -> web.StreamResponse:
    """Answer a call, with the faults that are to spoil it.

    1. Apply faults that come before the processing.
    2. Process the call, and write its changes.
    3. Apply faults to the answer.

    Half of the venue's latency passes before step 2, half after it.
    """
    body = await request.text()
    key, target = dialect.key(request), endpoint.target(request.query)
    rule = server.faults.strike(target, BEFORE, key)
    if rule is not None:
        spoilt = await _spoil_before(rule, request, dialect)
        if spoilt is not None:
            return spoilt
    if server.latency:
        await asyncio.sleep(server.latency / 2)
    answer = _process(server, endpoint, request, body, dialect)
    if server.latency:
        await asyncio.sleep(server.latency / 2)
    rule = server.faults.strike(target, AFTER, key)
    return answer if rule is None else await _spoil_after(rule, request, answer, dialect)


def _process(
    server: Server, endpoint: Endpoint, request: web.Request, body: str, dialect: Dialect
) -> web.Response:
    headers: dict[str, str] = {}
    try:
        call = dialect.admit(server, endpoint, request, body, headers)
        answer = dialect.answered(endpoint.handler(call))
    except Refusal as refusal:
        return dialect.refused(refusal, headers)
    except (
        sqlite3.OperationalError
    ):  # it is not written, and may be yet: the exchange is suspended until it is
        return dialect.refused(dialect.unknown(), headers)
    return web.Response(text=encode(answer), content_type="application/json", headers=headers)


def _page(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"<html><body>{text}</body></html>", content_type="text/html")


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _truncated(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Announce the whole body's length, send half of the body, and close the connection."""
    body = (answer.text or "").encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _spoil_before(rule: FaultRule, request: web.Request, dialect: Dialect) -> web.StreamResponse | None:
    """Return the answer to a call that a fault prevents from being processed; None if the fault only delayed it."""
    if rule.kind == "delay_before":
        await asyncio.sleep(rule.seconds)
        return None
    if rule.kind == "drop_before":
        return _dropped(request)
    if rule.kind in ("code_1021", "reject", "status_418", "status_429"):
        return dialect.refused(dialect.fault(rule), {})
    status = int(rule.kind.removeprefix("status_"))
    return _page(status, "The paper exchange failed on request, before the call was processed.")


async def _spoil_after(
    rule: FaultRule, request: web.Request, answer: web.Response, dialect: Dialect
) -> web.StreamResponse:
    """Return the spoilt answer to a call that has been processed."""
    if rule.kind == "delay":
        await asyncio.sleep(rule.seconds)
        return answer
    if rule.kind == "drop_after":
        return _dropped(request)
    if rule.kind == "truncate":
        return await _truncated(request, answer)
    if rule.kind == "html_200":
        return _page(200, "The paper exchange is under maintenance.")
    if rule.kind == "empty_200":
        return web.Response(text="{}", content_type="application/json")
    if rule.kind == "code_1007_after":
        return dialect.refused(dialect.fault(rule), {})
    status = int(rule.kind.removeprefix("status_").removesuffix("_after"))
    return _page(status, "The paper exchange failed on request, after the call was processed.")
