"""The admission and refusal of calls as okx does them: limits by call, a signature in headers, answers with a code."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from execution.paper.connections import encode
from execution.paper.faults import FaultRule
from execution.paper.okx import refusals
from execution.paper.okx.signing import check_key, check_time, moment_of
from execution.paper.records import Account
from execution.paper.refusals import Refusal
from execution.paper.server import Call, Endpoint, Server


class Okx:
    """``Dialect`` of okx v5. The ``weight`` of an endpoint is the number of calls that it allows in two seconds."""

    def key(self, request: web.Request) -> str | None:
        return request.headers.get("OK-ACCESS-KEY")

    def admit(
        self,
        server: Server,
        endpoint: Endpoint,
        request: web.Request,
        body: str,
        headers: dict[str, str],  # noqa: ARG002  # okx announces nothing
    ) -> Call:
        """Admit a call: count it, check key, time and signature, and read the parameters.

        Each endpoint has a limit for each key, or for each address if the call is not signed. Creates and cancels
        have a limit for each instrument. Unsigned calls need no key, time and signature.
        """
        who = (self.key(request) if endpoint.signed else None) or request.remote or ""
        allowed = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight({})
        entries = _entries(body) if endpoint.method == "POST" else []
        of = entries[0].get("instId", "") if entries and endpoint.on in ("create", "cancel") else ""
        name = f"{endpoint.method} {endpoint.path} {who} {of}"
        server.limits.count_call(name, allowed, server.exchange.clock())
        signer = _signer(server, request, body) if endpoint.signed else None
        query = request.raw_path.partition("?")[2]
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        if deadline := request.headers.get("expTime"):
            parameters["expTime"] = deadline
        return Call(server, endpoint, parameters, signer, entries=entries)

    def answered(self, answer: Any) -> Any:
        """Return the handler's answer in okx's form.

        In an answer about orders, each order has its own code. The code of the answer says whether none, all
        or some of them failed.
        """
        failed = sum(entry.get("sCode", "0") != "0" for entry in answer if isinstance(entry, dict))
        if not failed:
            return {"code": "0", "msg": "", "data": answer}
        code, text = (
            ("1", "All operations failed")
            if failed == len(answer)
            else ("2", "Bulk operation partially succeeded.")
        )
        return {"code": code, "msg": text, "data": answer}

    def refused(self, refusal: Refusal, headers: dict[str, str]) -> web.Response:
        said = refusals.translated(refusal)
        return web.Response(
            text=encode({"code": str(said.code), "data": [], "msg": said.message}),
            status=said.status,
            content_type="application/json",
            headers=headers,
        )

    def unknown(self) -> Refusal:
        return refusals.outcome_unknown()

    def fault(self, rule: FaultRule) -> Refusal:
        if rule.kind == "code_1021":
            return refusals.expired()
        if rule.kind == "reject":
            return refusals.wrong("sz")
        if rule.kind == "code_1007_after":
            return refusals.outcome_unknown()
        return refusals.too_many_requests()


def _signer(server: Server, request: web.Request, body: str) -> Account:
    """Return the account whose key signed the request.

    Raise Refusal for the first check that fails. The sequence of the checks is that of okx.
    """
    given: dict[str, str] = {}
    for code, name in ((50103, "KEY"), (50104, "PASSPHRASE"), (50106, "SIGN"), (50107, "TIMESTAMP")):
        given[name] = request.headers.get(f"OK-ACCESS-{name}", "")
        if not given[name]:
            raise refusals.header_empty(code, f"OK-ACCESS-{name}")
    account = server.accounts.find(given["KEY"])
    check_time(moment_of(given["TIMESTAMP"]), server.exchange.now())
    payload = given["TIMESTAMP"] + request.method + request.raw_path + body
    check_key(account, given["PASSPHRASE"], payload, given["SIGN"])
    return account


def _entries(body: str) -> list[dict[str, str]]:
    """Return the objects of a body, which is one object or a list of them. Every value becomes a text."""
    try:
        read = json.loads(body)
    except ValueError:
        raise refusals.body_unreadable() from None
    listed = read if isinstance(read, list) else [read]
    if not listed or not all(isinstance(entry, dict) for entry in listed):
        raise refusals.body_unreadable()
    return [{name: _text(value) for name, value in entry.items()} for entry in listed]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
