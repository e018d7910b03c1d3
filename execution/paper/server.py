"""What the handlers share, and how a call becomes an answer: faults, limits, signatures, then the handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from execution.paper import refusals
from execution.paper.accounts import Accounts, check_signature, check_time
from execution.paper.connections import Connections, encode
from execution.paper.exchange import Exchange
from execution.paper.faults import AFTER, BEFORE, FaultRule, Faults
from execution.paper.limits import Limits
from execution.paper.market_streams import MarketStreams
from execution.paper.records import Account
from execution.paper.refusals import Refusal
from execution.paper.user_streams import UserStreams


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
    control_token: str
    latency: float = 0.0  #: seconds that an answer takes longer


@dataclass(slots=True)
class Call:
    """One request as a handler sees it. ``headers`` go out with the answer."""

    server: Server
    endpoint: Endpoint
    parameters: dict[str, str]
    signer: Account | None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def account(self) -> Account:
        """The account that signed."""
        if self.signer is None:
            raise LookupError(f"{self.endpoint.path} is not signed")
        return self.signer

    @property
    def exchange(self) -> Exchange:
        return self.server.exchange

    def lag(self, kind: str) -> int:
        """Milliseconds by which this call's answer lags behind, for the faults of late visibility."""
        rule = self.server.faults.strike(
            self.endpoint.on, frozenset({kind}), self.signer.key if self.signer else None
        )
        return int(rule.seconds * 1000) if rule else 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route. ``on`` is its name among the faults; ``weight`` may depend on the parameters."""

    method: str
    path: str
    on: str
    weight: int | Callable[[dict[str, str]], int]
    handler: Callable[[Call], Any]
    signed: bool = False


def add_endpoint(application: web.Application, server: Server, endpoint: Endpoint) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await _answer(server, endpoint, request)

    application.router.add_route(endpoint.method, endpoint.path, handle)


async def _answer(server: Server, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
    """1. Faults before. 2. Process, which writes before it returns. 3. The venue's latency. 4. Faults after."""
    body = await request.text()
    key = request.headers.get("X-MBX-APIKEY")
    rule = server.faults.strike(endpoint.on, BEFORE, key)
    if rule is not None:
        spoilt = await _spoil_before(rule, request)
        if spoilt is not None:
            return spoilt
    answer = _process(server, endpoint, request, body)
    if server.latency:
        await asyncio.sleep(server.latency)
    rule = server.faults.strike(endpoint.on, AFTER, key)
    return answer if rule is None else await _spoil_after(rule, request, answer)


def _process(server: Server, endpoint: Endpoint, request: web.Request, body: str) -> web.Response:
    headers: dict[str, str] = {}
    try:
        query = request.raw_path.partition("?")[2]
        parameters = dict(parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True))
        weight = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(parameters)
        headers.update(server.limits.weigh(request.remote or "", weight, server.exchange.clock()))
        signer = None
        if endpoint.signed:
            signer = server.accounts.find(request.headers.get("X-MBX-APIKEY"))
            check_signature(signer, _signed_part(query) + _signed_part(body), parameters.get("signature"))
            check_time(parameters, server.exchange.now())
        call = Call(server, endpoint, parameters, signer, headers)
        answer = endpoint.handler(call)
    except Refusal as refusal:
        return _refused(refusal, headers)
    return web.Response(text=encode(answer), content_type="application/json", headers=headers)


def _signed_part(text: str) -> str:
    return "&".join(pair for pair in text.split("&") if not pair.startswith("signature="))


def _refused(refusal: Refusal, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        text=encode({"code": refusal.code, "msg": refusal.message}),
        status=refusal.status,
        content_type="application/json",
        headers={**(headers or {}), **refusal.headers},
    )


def _page(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"<html><body>{text}</body></html>", content_type="text/html")


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _truncated(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Promise the whole body, send half of it, and close."""
    body = (answer.text or "").encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _spoil_before(rule: FaultRule, request: web.Request) -> web.StreamResponse | None:
    """The answer to a call that is not processed; None when it only had to wait."""
    if rule.kind == "delay_before":
        await asyncio.sleep(rule.seconds)
        return None
    if rule.kind == "drop_before":
        return _dropped(request)
    if rule.kind == "code_1021":
        return _refused(refusals.outside_window())
    if rule.kind == "reject":
        return _refused(Refusal(-2010, "NEW_ORDER_REJECTED"))
    status = int(rule.kind.removeprefix("status_"))
    if status in (418, 429):
        retry = {"Retry-After": str(max(1, int(rule.seconds)))}
        return _refused(Refusal(-1003, "Too many requests.", status=status, headers=retry))
    return _page(status, "The paper exchange failed on request, before the call was processed.")


async def _spoil_after(rule: FaultRule, request: web.Request, answer: web.Response) -> web.StreamResponse:
    """What the caller gets for a call that has been processed."""
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
        text = (
            "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
        )
        return _refused(Refusal(-1007, text, status=504))
    status = int(rule.kind.removeprefix("status_").removesuffix("_after"))
    return _page(status, "The paper exchange failed on request, after the call was processed.")
