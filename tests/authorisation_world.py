"""The people, the clients and the things that the authorisation matrix is asked of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.test import Client
from django.utils import timezone

from dashboard.forms.baskets import read_basket
from dashboard.views import accounts as account_views
from dashboard.views import reconciliation as reconciliation_views
from execution.core.orders.bulk import BulkAction
from execution.core.orders.presets import parse_preset
from execution.models import Basket, ChildOrder, Login, Order, OrderApproval, Preset, TradingLimit, User
from execution.services.desk.doors import account_grant_ask
from execution.services.desk.limits import limit_set, parse_limit_request
from execution.services.desk.presets import preset_save
from execution.services.desk.tokens import token_create
from execution.services.halts import HaltRequest, halt_set
from execution.services.orders.basket_confirmation import BasketConfirmation
from execution.services.orders.basket_submit import basket_submit
from execution.services.orders.orders import order_pause
from tests.alerting.made import alert_of, channel_made
from tests.authorisation import ROLES
from tests.dashboard.api import order_body, token_of
from tests.dashboard.desk_fixture import Desk, make_office

UNKNOWN_CHILD = "qtestabcdefgh00p0"
#: One that the exchange has shown.
SHOWN_CHILD = "qtestabcdefgh00p1"
UNKNOWN_ASKED = {"reason": "a drill", "exchange_id": "77", "phrase": f"ABSENT {UNKNOWN_CHILD}"}
BULK = {"mode": "catch_up", "by": "30m", "urgency": "0.8"}
BULK_FIELDS = {BulkAction.RESUME: ("mode",), BulkAction.EXTEND: ("by",), BulkAction.URGENCY: ("urgency",)}
BASKET = {
    "key": "basket-1",
    "csv": "side,symbol,quantity,unit,algorithm,accounts,duration,limit_price\n"
    "buy,BTC/USDT,0.75,base,twap,alpha,1h,64000",
}
LIMIT = {
    "kind": "order_notional",
    "scope": "symbol",
    "level": "hard",
    "value": "1000000000",
    "reason": "a drill",
}


@dataclass
class World:
    desk: Desk
    things: dict[str, str]
    #: By role: with a session for the pages; with a token and no session for the API.
    visitors: dict[str, Client]
    programs: dict[str, Client]

    def client(self, role: str, route: str) -> Client:
        return (self.programs if route.startswith("api/") else self.visitors)[role]

    def ask(self, method: str, route: str, role: str, public_id: str) -> Any:
        path = "/" + route.replace("<slug:public_id>", public_id).lstrip("/")
        client = self.client(role, route)
        # The order has its limit price, so every request that may succeed does: it is the role that decides.
        if route.startswith("api/"):
            body = self.bodies().get(route, {})
            key = {"Idempotency-Key": f"by {role}"}
            return client.generic(method, path, json.dumps(body), "application/json", headers=key)
        form = self.forms().get(route, {})
        if method == "GET":
            return client.get(path, form)
        return client.post(path, form) if method == "POST" else client.generic(method, path)

    def forms(self) -> dict[str, dict[str, Any]]:
        ticket = self.desk.form(quantity="1.5")  # not a look-alike of the order, which would ask
        return {
            "orders/new/": ticket,
            "orders/new/preview/": ticket,
            "orders/new/review/": ticket,
            "baskets/new/": BASKET,
            "baskets/new/review/": BASKET,
            "orders/<slug:public_id>/resume/": {"mode": "catch_up"},
            **{
                f"orders/bulk/{action}/{part}": BULK | {"orders": f"{self.things['order']}.1"}
                for action in BulkAction
                for part in ("", "review/")
            },
            "orders/<slug:public_id>/amend/": {
                "quantity": "2",
                "terms_version": "1",
                "confirm_quantity": "2",
            },
            "orders/<slug:public_id>/amend/preview/": {"quantity": "2", "terms_version": "1"},
            "me/": {"name": "by hand", "days": "1", "scopes": ["read"]},
            "halts/new/": {
                "kind": "stop",
                "scope": "symbol",
                "subject": "ETH/USDT",
                "phrase": "HALT ETH/USDT",
                "reason": "a drill",
            },
            "halts/<slug:public_id>/lift/": {"reason": "over"},
            "orders/new/presets/": {"algorithm": "twap", "symbol": "BTC/USDT"},
            "presets/": {**ticket, "preset_name": "calm", "preset_for": "any"},
            "presets/<slug:public_id>/rename/": {"name": "calmer"},
            "watchlist/add/": {"symbol": "ETH/USDT"},
            "watchlist/remove/": {"symbol": "ETH/USDT"},
            "limits/": {**LIMIT, "subject_symbol": "ETH/USDT"},
            "limits/<slug:public_id>/end/": {"reason": "a drill"},
            "access/<slug:public_id>/confirm/": {"reason": "agreed", "hash": self.things["request hash"]},
            "access/<slug:public_id>/refuse/": {"reason": "not agreed"},
            "people/<slug:public_id>/disable/": {"reason": "a drill"},
            "approvals/<slug:public_id>/refuse/": {"reason": "a drill"},
            **{
                f"reconciliation/<slug:public_id>/{action}/": UNKNOWN_ASKED
                for action in reconciliation_views.ACTIONS
            },
            "reconciliation/<slug:public_id>/ended/": {"reason": "a drill", "phrase": f"ENDED {SHOWN_CHILD}"},
            **{
                f"accounts/<slug:public_id>/{action}/": {"reason": "a drill"}
                for action in account_views.ACTIONS
            },
        }

    def bodies(self) -> dict[str, dict[str, Any]]:
        asked = {"kind": "stop", "scope": "symbol", "subject": "ETH/USDT"}
        return {
            "api/v1/orders": order_body(self.desk),
            "api/v1/orders/preview": order_body(self.desk),
            "api/v1/baskets": {"orders": [order_body(self.desk)], "confirm_notional": "163000"},
            "api/v1/baskets/preview": {"orders": [order_body(self.desk)]},
            "api/v1/baskets/<slug:public_id>/resume": {"mode": "catch_up"},
            "api/v1/baskets/<slug:public_id>/resume/preview": {"mode": "catch_up"},
            "api/v1/orders/<slug:public_id>/resume": {"mode": "catch_up"},
            **{
                f"api/v1/orders/bulk/{action}{part}": {
                    "orders": [{"id": self.things["order"], "terms_version": 1}],
                    **{name: text for name, text in BULK.items() if name in BULK_FIELDS.get(action, ())},
                }
                for action in BulkAction
                for part in ("", "/preview")
            },
            "api/v1/orders/<slug:public_id>/amend": {
                "quantity": "2",
                "terms_version": 1,
                "confirm_quantity": "2",
            },
            "api/v1/orders/<slug:public_id>/amend/preview": {"quantity": "2"},
            "api/v1/halts/preview": asked,
            "api/v1/halts": {**asked, "phrase": "HALT ETH/USDT", "reason": "a drill"},
            "api/v1/halts/<slug:public_id>/lift": {"reason": "over"},
            "api/v1/presets": {"name": "calm", "algorithm": "twap", "parameters": {"duration": 3600}},
            "api/v1/limits": {**LIMIT, "subject": "ETH/USDT"},
            "api/v1/limits/<slug:public_id>/end": {"reason": "a drill"},
            "api/v1/approvals/<slug:public_id>/approve": {"kinds": []},
            "api/v1/approvals/<slug:public_id>/refuse": {"reason": "a drill"},
            "api/v1/reconciliation/<slug:public_id>/poll": {},
            "api/v1/reconciliation/<slug:public_id>/cancel": {"reason": "a drill"},
            "api/v1/reconciliation/<slug:public_id>/attach": {"reason": "a drill", "exchange_id": "77"},
            "api/v1/reconciliation/<slug:public_id>/absent": {
                "reason": "a drill",
                "phrase": f"ABSENT {UNKNOWN_CHILD}",
            },
            "api/v1/reconciliation/<slug:public_id>/ended": {
                "reason": "a drill",
                "phrase": f"ENDED {SHOWN_CHILD}",
            },
        }


def make_world() -> World:
    desk, now = make_office(), timezone.now()
    watcher = User.objects.create(username="watcher", role="trader", sees_desk=True)
    desk.account.traders.add(watcher)
    # A halt that covers nothing of the order: its account, no trader and no symbol of it.
    request = HaltRequest("no_new_orders", "symbol", "ETH/USDT")
    halt = halt_set(
        person=desk.supervisor, request=request, phrase="HALT ETH/USDT", reason="a drill", now=now
    )
    token, _ = token_create(person=desk.trader, name="of the trader", now=now)
    order = desk.order()
    order_pause(public_id=order.public_id, person=desk.trader, reason="to be resumed", now=now)
    User.objects.create(username="newcomer", role="trader")
    asked = account_grant_ask(
        person=desk.admin, account_id=desk.account.public_id, trader="newcomer", now=now
    )
    assert asked is not None
    people = (None, desk.trader, desk.other, watcher, desk.supervisor, desk.admin)
    things = {
        "-": "",
        "order": order.public_id,
        "basket": _basket(desk).public_id,
        "token": token.public_id,
        "halt": halt.public_id,
        "account": desk.account.public_id,
        "person": desk.trader.public_id,
        "request": asked.public_id,
        "request hash": asked.content_hash,
        "limit": _limit(desk, now).public_id,
        "preset": _preset(desk, now).public_id,
        "approval": _approval(desk, now).public_id,
        "alert": alert_of(desk.trader).public_id,
        "channel": channel_made().public_id,
        "child": _unknown_child(desk, order, UNKNOWN_CHILD).client_id,
        "shown": _unknown_child(desk, order, SHOWN_CHILD, sequence=901, exchange_id="78").client_id,
    }
    visitors = {role: desk.client(person) for role, person in zip(ROLES, people, strict=True)}
    things["session"] = Login.objects.get(person=desk.trader).public_id
    programs = {role: _program(person) for role, person in zip(ROLES, people, strict=True)}
    return World(desk, things, visitors, programs)


def _limit(desk: Desk, now: datetime) -> TradingLimit:
    request = parse_limit_request({**LIMIT, "subject": "ETH/USDT", "level": "approval", "value": "1000000"})
    return limit_set(person=desk.supervisor, request=request, reason="a drill", now=now)


def _preset(desk: Desk, now: datetime) -> Preset:
    raw = {"name": "of the trader", "algorithm": "twap", "parameters": {"duration": "01:00:00"}}
    return preset_save(person=desk.trader, request=parse_preset(raw), now=now)


def _basket(desk: Desk) -> Basket:
    rows = read_basket(BASKET["csv"].replace("0.75", "0.7"), desk.trader)
    confirmed = BasketConfirmation()
    return basket_submit(
        person=desk.trader, name="", rows=rows, key="basket", clock=timezone.now, confirmed=confirmed
    )


def _approval(desk: Desk, now: datetime) -> OrderApproval:
    order = desk.order(quantity="1.25", key="asked")
    Order.objects.filter(pk=order.pk).update(status="pending_approval")
    return OrderApproval.objects.create(
        order=order,
        terms_version=1,
        requested_by=desk.trader,
        requested_at=now,
        expires_at=now + timedelta(minutes=15),
    )


def _unknown_child(
    desk: Desk, order: Order, client_id: str, *, sequence: int = 900, exchange_id: str = ""
) -> ChildOrder:
    long_ago = timezone.now() - timedelta(minutes=5)
    return ChildOrder.objects.create(
        order=order,
        account=desk.account,
        sequence=sequence,
        client_id=client_id,
        exchange_id=exchange_id,
        symbol=order.symbol,
        side=order.side,
        type="limit",
        quantity=Decimal("0.01"),
        time_in_force="gtc",
        purpose="rest",
        why="a drill",
        status="unknown",
        intended_at=long_ago,
        submitted_at=long_ago,
        last_possible_send_at=long_ago,
    )


def _program(person: User | None) -> Client:
    return Client(headers={} if person is None else {"Authorization": f"Bearer {token_of(person)}"})
