"""The admission and refusal of calls as coinbase does them: limits per second, signed tokens, error words."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from execution.paper.coinbase import refusals
from execution.paper.coinbase.refusals import NO_PREVIEW, UNKNOWN_FAILURE, CoinbaseRefusal
from execution.paper.coinbase.signing import claimed_key, signer_of
from execution.paper.connections import encode
from execution.paper.faults import FaultRule
from execution.paper.refusals import Refusal
from execution.paper.server import Call, Endpoint, Server

#: Calls a second: of one key to private endpoints, and of one network address to public ones.
PRIVATE_PER_SECOND = 30
PUBLIC_PER_SECOND = 10
BEARER = "Bearer "


class Coinbase:
    """``Dialect`` of coinbase's Advanced Trade."""

    def key(self, request: web.Request) -> str | None:
        return claimed_key(_token(request))

    def admit(
        self,
        server: Server,
        endpoint: Endpoint,
        request: web.Request,
        body: str,
        headers: dict[str, str],  # noqa: ARG002  # coinbase announces nothing
    ) -> Call:
        """Admit a call: count it for the limit per second, check the token, and read query and body."""
        if endpoint.signed:
            name, allowed = f"coinbase private {self.key(request)}", PRIVATE_PER_SECOND
        else:
            name, allowed = f"coinbase public {request.remote}", PUBLIC_PER_SECOND
        server.limits.count_second(name, allowed, server.exchange.clock())
        signer = None
        if endpoint.signed:
            uri = f"{request.method} {request.host}{request.path}"
            signer = signer_of(_token(request), server.accounts, server.exchange.clock(), uri)
        parameters = _parameters(request.raw_path.partition("?")[2]) | dict(request.match_info)
        return Call(server, endpoint, parameters, signer, body=_object(body))

    def answered(self, answer: Any) -> Any:
        return answer

    def refused(self, refusal: Refusal, headers: dict[str, str]) -> web.Response:
        """Return the answer to a refused call. A refused order has status 200. A refused key gets no details."""
        said = refusals.translated(refusal)
        if said.status == 401:
            return web.Response(text=f"{said.message}\n", status=401, headers=headers)
        answer = (
            not_placed(said, {})
            if said.status == 200
            else {"error": said.word, "error_details": said.message, "message": said.message}
        )
        return web.Response(
            text=encode(answer), status=said.status, content_type="application/json", headers=headers
        )

    def unknown(self) -> Refusal:
        return refusals.outcome_unknown()

    def fault(self, rule: FaultRule) -> Refusal:
        if rule.kind == "code_1021":
            return refusals.unauthorized()
        if rule.kind == "reject":
            return CoinbaseRefusal("INVALID_REQUEST", "Invalid request")
        if rule.kind == "code_1007_after":
            return refusals.outcome_unknown()
        return refusals.too_many_requests()


def not_placed(said: CoinbaseRefusal, asked: Any) -> dict[str, Any]:
    """Return the answer to a refused create. ``asked`` is the order configuration of the request."""
    return {
        "success": False,
        "failure_reason": UNKNOWN_FAILURE,
        "order_id": "",
        "error_response": {
            "error": said.word,
            "message": said.message,
            "error_details": "",
            "preview_failure_reason": said.preview or NO_PREVIEW,
        },
        "order_configuration": asked,
    }


def _token(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix(BEARER)


def _parameters(query: str) -> dict[str, str]:
    """Return the parameters of a URL's query. A repeated parameter holds all its values, joined by commas."""
    given: dict[str, list[str]] = defaultdict(list)
    for name, value in parse_qsl(query, keep_blank_values=True):
        given[name].append(value)
    return {name: ",".join(values) for name, values in given.items()}


def _object(body: str) -> dict[str, Any]:
    try:
        read = json.loads(body) if body else {}
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise refusals.invalid_argument("the body is not a JSON object")
    return read
