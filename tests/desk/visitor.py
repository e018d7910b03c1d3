"""A person at the desk without a browser: logs in, posts forms, reads pages."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from execution.core.states import OrderStatus
from tests.desk.running import RunningDesk
from tests.patience import PATIENCE

if TYPE_CHECKING:
    # The conftest of the browser tests is read before Django is set up.
    from execution.models import Order

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
KEY = re.compile(r'name="key" value="([^"]+)"')
TERMS = re.compile(r'name="terms_version" value="([^"]+)"')
ACCOUNT = re.compile(r'name="accounts" value="([a-z0-9]{8})"')


class Site(Protocol):
    """A desk that people log in to."""

    @property
    def url(self) -> str: ...

    @property
    def passwords(self) -> Mapping[str, str]: ...

    @property
    def sessions(self) -> dict[str, http.cookiejar.CookieJar]: ...


class Visitor:
    """Someone who is logged in. A person has one session at a desk: a log-in costs half a second of processor."""

    def __init__(self, desk: Site, name: str = "trader", *handlers: urllib.request.BaseHandler) -> None:
        self._base = desk.url
        self.cookies = desk.sessions.get(name) or http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), *handlers
        )
        if name not in desk.sessions:
            self._post("/login/", {"username": name, "password": desk.passwords[name]}, self.get("/login/"))
            desk.sessions[name] = self.cookies

    def get(self, path: str) -> str:
        with self._opener.open(f"{self._base}{path}", timeout=30 * PATIENCE) as answer:
            return str(answer.read().decode())

    def post(self, path: str, fields: dict[str, str], page: str) -> tuple[str, str]:
        """Post ``fields`` with the token of ``page``; the address that it led to, and the answer."""
        return self._post(path, fields, page)

    def _post(self, path: str, fields: dict[str, str], page: str) -> tuple[str, str]:
        token = TOKEN.search(page)
        assert token is not None, "the page has no form"
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        request = urllib.request.Request(
            f"{self._base}{path}", data=data, headers={"Referer": self._base + path}
        )
        with self._opener.open(request, timeout=30 * PATIENCE) as answer:
            return str(answer.geturl()), str(answer.read().decode())

    def ticket(self, **changes: str) -> tuple[dict[str, str], str]:
        """Return the fields of a filled ticket, with its idempotency key, and the page that they are of."""
        page = self.get("/orders/new/")
        key, account = KEY.search(page), ACCOUNT.search(page)
        assert key is not None
        assert account is not None
        fields = {
            "side": "buy",
            "symbol": "BTC/USDT",
            "accounts": account[1],
            "algorithm": "twap",
            "quantity": "0.1",
            "unit": "base",
            "duration": "00:00:20",
            "slices": "4",
            "confirm_lookalike": "yes",
            "key": key[1],
        }
        return fields | changes, page

    def launch(self, **changes: str) -> str:
        """Send a ticket; the public id of its order."""
        fields, page = self.ticket(**changes)
        return self.send(fields, page)

    def resume_if_paused(self, order: Order) -> None:
        """Resume an order that the desk paused because it was away, as on a slow machine. The order catches up.

        A desk that is just back refuses while it does not know the market. Then call this again.
        """
        if order.status != OrderStatus.PAUSED:
            return
        path = f"/orders/{order.public_id}/"
        try:
            self._post(f"{path}resume/", {"mode": "catch_up"}, self.get(path))
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise

    def end_in(self, seconds: float, order: Order) -> None:
        """Amend a running order so that it ends in ``seconds``.

        A test that breaks something while an order lives gives it an hour: how long all that takes hangs on the
        machine. At the test's end the order needs no hour.
        """
        assert order.terms is not None
        path, lasts = f"/orders/{order.public_id}/", datetime.now(UTC) - order.terms.start_at
        version = TERMS.search(self.get(f"{path}amend/"))
        assert version is not None, "the dialog has no version of the order's terms"
        fields = {"terms_version": version[1], "duration": str(round(lasts.total_seconds() + seconds))}
        self._post(f"{path}amend/", fields, self.get(path))

    def send(self, fields: dict[str, str], page: str) -> str:
        address, answer = self._post("/orders/new/", fields, page)
        found = re.search(r"/orders/([a-z0-9]{8})/$", address)
        assert found is not None, f"the ticket was refused: {re.findall(r'<p[^>]*>([^<]+)</p>', answer)}"
        return found[1]


def paper_ledger(desk: RunningDesk, label: str = "alpha") -> dict[str, Any]:
    """Return a paper venue's books of the desk's account there."""
    return desk.paper(label).ledger()
