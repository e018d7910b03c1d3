"""The user data stream over the websocket API, begun by ``userDataStream.subscribe.signature``."""

from __future__ import annotations

import itertools
from typing import Any

from aiohttp import web

from execution.paper.accounts import Accounts, check_signature, check_time, sorted_payload
from execution.paper.binance import dialect
from execution.paper.connections import Connection, Connections, encode, read_object
from execution.paper.exchange import Exchange
from execution.paper.faults import Faults
from execution.paper.records import News, OrderNews
from execution.paper.refusals import Refusal


class UserStreams:
    """The websockets that listen to each account.

    They get the account's events in the order in which these happened.
    """

    def __init__(
        self, exchange: Exchange, accounts: Accounts, connections: Connections, faults: Faults
    ) -> None:
        self._exchange = exchange
        self._accounts = accounts
        self._connections = connections
        self._faults = faults
        self._listeners: dict[str, dict[Connection, int]] = {}
        self._numbers = itertools.count()
        exchange.listeners.append(self.publish)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve ``/ws-api/v3``."""
        return await self._connections.serve(request, lambda _: None, self._receive, self._leave)

    def publish(self, news: list[News]) -> None:
        """Publish, after each commit, the events of each account that has a listener."""
        for item in news:
            account = item.order.account if isinstance(item, OrderNews) else item.account
            listeners = self._listeners.get(account)
            if not listeners:
                continue
            event = _event(item)
            for _ in range(self._faults.copies(account)):
                for connection, number in listeners.items():
                    self._connections.send(connection, encode({"subscriptionId": number, "event": event}))

    def _receive(self, connection: Connection, text: str) -> None:
        message = read_object(text)
        if message is None:
            self._connections.send(connection, encode(dialect.INVALID_JSON))
            return
        parameters = {name: _text(value) for name, value in (message.get("params") or {}).items()}
        try:
            result = self._answer(connection, str(message.get("method")), parameters)
            answer: dialect.Json = {
                "id": message.get("id"),
                "status": 200,
                "result": result,
                "rateLimits": [],
            }
        except Refusal as refusal:
            error = {"code": refusal.code, "msg": refusal.message}
            answer = {"id": message.get("id"), "status": refusal.status, "error": error, "rateLimits": []}
        self._connections.send(connection, encode(answer))

    def _answer(self, connection: Connection, method: str, parameters: dict[str, str]) -> dialect.Json:
        if method == "ping":
            return {}
        if method == "time":
            return {"serverTime": self._exchange.now()}
        if method == "userDataStream.subscribe.signature":
            return {"subscriptionId": self._subscribe(connection, parameters)}
        if method == "userDataStream.unsubscribe":
            self._leave(connection)
            return {}
        raise Refusal(-1020, "This operation is not supported.")

    def _subscribe(self, connection: Connection, parameters: dict[str, str]) -> int:
        account = self._accounts.find(parameters.get("apiKey"))
        check_signature(account, sorted_payload(parameters), parameters.get("signature"))
        check_time(parameters, self._exchange.now())
        listeners = self._listeners.setdefault(account.key, {})
        if connection not in listeners:
            listeners[connection] = next(self._numbers)
        return listeners[connection]

    def _leave(self, connection: Connection) -> None:
        for listeners in self._listeners.values():
            listeners.pop(connection, None)


def _event(item: News) -> dialect.Json:
    if isinstance(item, OrderNews):
        return dialect.execution_report(item)
    return dialect.account_position(item)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
