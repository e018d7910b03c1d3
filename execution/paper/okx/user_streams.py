"""Okx's private channel of orders: after a login, each change of an order is sent with the fill that caused it."""

from __future__ import annotations

from aiohttp import web

from execution.paper.accounts import Accounts
from execution.paper.amounts import text
from execution.paper.connections import Connection, Connections, encode
from execution.paper.exchange import Exchange
from execution.paper.faults import Faults
from execution.paper.okx import dialect
from execution.paper.okx.dialect import Json
from execution.paper.okx.refusals import translated
from execution.paper.okx.signing import check_key, check_time
from execution.paper.okx.streams import Talk, no_such_channel
from execution.paper.records import Account, News, OrderNews
from execution.paper.refusals import Refusal

INSTRUMENT_TYPES = ("SPOT", "ANY")
#: The code of each failed login, by the code of the same error over REST.
_LOGIN_CODES = {50102: 60006, 50105: 60024, 50111: 60005, 50113: 60007}


class UserChannels:
    """The connections that are logged in to each account, and those that also listen to its orders."""

    def __init__(
        self, exchange: Exchange, accounts: Accounts, connections: Connections, faults: Faults
    ) -> None:
        self._exchange = exchange
        self._accounts = accounts
        self._connections = connections
        self._faults = faults
        self._talk = Talk(connections, self._subscribe, self._unsubscribe, {"login": self._login})
        self._logins: dict[Connection, str] = {}
        self._listeners: dict[str, dict[Connection, Json]] = {}
        exchange.listeners.append(self.publish)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve ``/ws/v5/private``."""
        return await self._connections.serve(request, lambda _: None, self._talk.receive, self._leave)

    def publish(self, news: list[News]) -> None:
        """Publish, after each commit, the order events of each account that has a listener."""
        for item in news:
            if not isinstance(item, OrderNews):
                continue
            listeners = self._listeners.get(item.order.account)
            if not listeners:
                continue
            event = self._event(item)
            for _ in range(self._faults.copies(item.order.account)):
                for connection, argument in listeners.items():
                    self._connections.send(connection, encode({"arg": argument, "data": [event]}))

    def _event(self, news: OrderNews) -> Json:
        """Return the order as it was at that time. Its fill fields are those of the event's trade, if any."""
        market = self._exchange.symbols[news.order.symbol].market
        trade = news.trade
        trades = self._exchange.ledger.by_order[news.order.id]
        so_far = trades[: trades.index(trade) + 1] if trade else [t for t in trades if t.time <= news.time]
        return {
            **dialect.order_state(news.order, market, so_far if news.order.executed else []),
            "fillPx": text(trade.price if trade else None),
            "fillSz": text(trade.quantity) if trade else "0",
            "fillTime": str(trade.time) if trade else "",
            "fillFee": text(-trade.fee) if trade else "0",
            "fillFeeCcy": trade.fee_asset if trade else "",
            "tradeId": str(trade.id) if trade else "",
            "execType": ("M" if trade.is_maker else "T") if trade else "",
            "amendResult": "",
            "reqId": "",
            "code": "0",
            "msg": "",
        }

    # --- logging in and subscribing -------------------------------------------------------------

    def _login(self, connection: Connection, arguments: list[Json]) -> None:
        first = arguments[0] if arguments else {}
        given = {name: str(value) for name, value in first.items()}
        try:
            account = self._checked(given)
        except Refusal as refusal:
            said = translated(refusal)
            raise Refusal(_LOGIN_CODES.get(said.code, said.code), said.message) from None
        self._logins[connection] = account.key
        self._connections.send(
            connection, encode({"event": "login", "code": "0", "msg": "", "connId": "paper"})
        )

    def _checked(self, entry: dict[str, str]) -> Account:
        account = self._accounts.find(entry.get("apiKey"))
        stamp = entry.get("timestamp", "")
        if not stamp.isdecimal():
            raise Refusal(60004, "Invalid timestamp")
        check_time(int(stamp) * 1000, self._exchange.now())
        check_key(account, entry.get("passphrase"), f"{stamp}GET/users/self/verify", entry.get("sign"))
        return account

    def _subscribe(self, connection: Connection, argument: Json) -> None:
        listeners = self._named(connection, argument)
        listeners[connection] = {"channel": "orders", "instType": argument["instType"], "uid": "1"}
        self._talk.confirm(connection, "subscribe", argument)

    def _unsubscribe(self, connection: Connection, argument: Json) -> None:
        self._named(connection, argument).pop(connection, None)
        self._talk.confirm(connection, "unsubscribe", argument)

    def _named(self, connection: Connection, argument: Json) -> dict[Connection, Json]:
        key = self._logins.get(connection)
        if key is None:
            raise Refusal(60011, "Please log in")
        if argument.get("channel") != "orders" or argument.get("instType") not in INSTRUMENT_TYPES:
            raise no_such_channel(argument)
        return self._listeners.setdefault(key, {})

    def _leave(self, connection: Connection) -> None:
        self._logins.pop(connection, None)
        for listeners in self._listeners.values():
            listeners.pop(connection, None)
