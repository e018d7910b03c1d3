"""The admission and refusal of calls as Binance does them: weights, signed parameters, error codes with a status."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from execution.paper import refusals
from execution.paper.accounts import check_signature, check_time
from execution.paper.connections import encode
from execution.paper.faults import FaultRule
from execution.paper.refusals import Refusal
from execution.paper.server import Call, Endpoint, Server


class Binance:
    """``Dialect`` of binance spot."""

    def key(self, request: web.Request) -> str | None:
        return request.headers.get("X-MBX-APIKEY")

    def admit(
        self, server: Server, endpoint: Endpoint, request: web.Request, body: str, headers: dict[str, str]
    ) -> Call:
        query = request.raw_path.partition("?")[2]
        parameters = dict(parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True))
        weight = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(parameters)
        headers.update(server.limits.weigh(request.remote or "", weight, server.exchange.clock()))
        signer = None
        if endpoint.signed:
            signer = server.accounts.find(self.key(request))
            check_signature(signer, _signed_part(query) + _signed_part(body), parameters.get("signature"))
            check_time(parameters, server.exchange.now())
        return Call(server, endpoint, parameters, signer, headers)

    def answered(self, answer: Any) -> Any:
        return answer

    def refused(self, refusal: Refusal, headers: dict[str, str]) -> web.Response:
        return web.Response(
            text=encode({"code": refusal.code, "msg": refusal.message}),
            status=refusal.status,
            content_type="application/json",
            headers={**headers, **refusal.headers},
        )

    def unknown(self) -> Refusal:
        return refusals.outcome_unknown()

    def fault(self, rule: FaultRule) -> Refusal:
        if rule.kind == "code_1021":
            return refusals.outside_window()
        if rule.kind == "reject":
            return Refusal(-2010, "NEW_ORDER_REJECTED")
        if rule.kind == "code_1007_after":
            return refusals.outcome_unknown()
        status = int(rule.kind.removeprefix("status_"))
        retry = {"Retry-After": str(max(1, int(rule.seconds)))}
        return Refusal(-1003, "Too many requests.", status=status, headers=retry)


def _signed_part(text: str) -> str:
    return "&".join(pair for pair in text.split("&") if not pair.startswith("signature="))
