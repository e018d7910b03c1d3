"""The admission and refusal of calls as kraken does them: signature, rising nonce, counter, errors with HTTP 200."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from execution.paper.connections import encode
from execution.paper.faults import FaultRule
from execution.paper.kraken import refusals
from execution.paper.kraken.counters import Counters
from execution.paper.records import Account
from execution.paper.refusals import Refusal
from execution.paper.server import Call, Endpoint, Server


class Kraken:
    """``Dialect`` of kraken. An endpoint's weight is the amount that a call adds to its key's call counter."""

    def key(self, request: web.Request) -> str | None:
        return request.headers.get("API-Key")

    def admit(
        self,
        server: Server,
        endpoint: Endpoint,
        request: web.Request,
        body: str,
        headers: dict[str, str],  # noqa: ARG002  # kraken announces nothing
    ) -> Call:
        """Admit a call. If it must be signed, check key and lockout, then signature, nonce and call counter."""
        query = request.raw_path.partition("?")[2]
        parameters = dict(parse_qsl(query, keep_blank_values=True)) | _fields(body)
        if not endpoint.signed:
            return Call(server, endpoint, parameters, None)
        now, counters = server.exchange.clock(), server.kraken.counters
        signer = server.accounts.find(self.key(request))
        counters.check_lockout(signer, now)
        nonce = _checked_nonce(signer, request, body, parameters, counters, now)
        counters.take_nonce(signer, nonce, now)
        cost = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(parameters)
        counters.count_call(signer, cost, now)
        return Call(server, endpoint, parameters, signer)

    def answered(self, answer: Any) -> Any:
        return {"error": [], "result": answer}

    def refused(self, refusal: Refusal, headers: dict[str, str]) -> web.Response:
        said = refusals.translated(refusal)
        return web.Response(
            text=encode({"error": [said.message]}),
            status=said.status,
            content_type="application/json",
            headers=headers,
        )

    def unknown(self) -> Refusal:
        return refusals.outcome_unknown()

    def fault(self, rule: FaultRule) -> Refusal:
        if rule.kind == "code_1021":
            return refusals.invalid_nonce()
        if rule.kind == "reject":
            return refusals.said("EOrder:Order minimum not met")
        if rule.kind == "code_1007_after":
            return refusals.outcome_unknown()
        return refusals.locked_out() if rule.kind == "status_418" else refusals.too_many_calls()


def _fields(body: str) -> dict[str, str]:
    """Return the parameters of a body, which is a form or a JSON object."""
    if not body.startswith("{"):
        return dict(parse_qsl(body, keep_blank_values=True))
    try:
        read = json.loads(body)
    except ValueError:
        raise refusals.said("EGeneral:Invalid arguments") from None
    return {name: str(value) for name, value in read.items()}


def _checked_nonce(
    account: Account, request: web.Request, body: str, parameters: dict[str, str], counters: Counters, now: float
) -> int:  # fmt: skip
    """Return a request's nonce after checking its signature. Raise Refusal for a wrong signature or nonce."""
    nonce = parameters.get("nonce", "")
    if not _is_signed(account, request.path, nonce, body, request.headers.get("API-Sign", "")):
        counters.note_refusal(account, "signature", now)
        raise refusals.bad_signature()
    if not nonce.isdecimal():
        counters.note_refusal(account, "nonce", now)
        raise refusals.invalid_nonce()
    return int(nonce)


def _is_signed(account: Account, path: str, nonce: str, body: str, signature: str) -> bool:
    """Return whether the signature is right.

    Kraken signs the path, followed by the SHA256 of nonce and body, with HMAC-SHA512. Secret and signature
    are base64.
    """
    try:
        secret = base64.b64decode(account.secret, validate=True)
    except (binascii.Error, ValueError):
        return False
    digest = hashlib.sha256((nonce + body).encode()).digest()
    expected = base64.b64encode(hmac.new(secret, path.encode() + digest, hashlib.sha512).digest())
    return hmac.compare_digest(expected, signature.encode())
