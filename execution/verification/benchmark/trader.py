"""A trader over HTTP, who logs in and sends the ticket's form as a browser does."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request

from django.core.management import CommandError

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
KEY = re.compile(r'name="key" value="([^"]+)"')
ACCOUNT = re.compile(r'name="accounts" value="([a-z0-9]{8})"')
ORDER = re.compile(r"/orders/([a-z0-9]{8})/$")
MESSAGE = re.compile(r"<p>([^<]+)</p>")
TIMEOUT = 30.0


class Trader:
    """A logged-in web session of the person ``trader``."""

    def __init__(self, url: str, password: str) -> None:
        self._url = url
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self._post("/login/", {"username": "trader", "password": password}, self._get("/login/"))

    @property
    def cookie(self) -> str:
        """Return the ``Cookie`` header with which a websocket belongs to this session."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)

    def launch(self, *, symbol: str, quantity: str, seconds: int, slices: int) -> str:
        """Send a TWAP that buys, and return its public id. Raises ``CommandError`` when it is refused."""
        page = self._get("/orders/new/")
        fields = {
            "side": "buy",
            "symbol": symbol,
            "accounts": _found(ACCOUNT, page, "an account"),
            "algorithm": "twap",
            "quantity": quantity,
            "unit": "base",
            "duration": str(seconds),
            "slices": str(slices),
            "confirm_lookalike": "yes",  # many alike are meant
            "key": _found(KEY, page, "a key"),
        }
        address, answer = self._post("/orders/new/", fields, page)
        order = ORDER.search(address)
        if order is None:
            raise CommandError(f"the ticket was refused: {'; '.join(MESSAGE.findall(answer))}")
        return order[1]

    def _get(self, path: str) -> str:
        with self._opener.open(f"{self._url}{path}", timeout=TIMEOUT) as answer:
            return str(answer.read().decode())

    def _post(self, path: str, fields: dict[str, str], page: str) -> tuple[str, str]:
        data = {**fields, "csrfmiddlewaretoken": _found(TOKEN, page, "a form")}
        request = urllib.request.Request(  # noqa: S310  # the desk that we started
            f"{self._url}{path}",
            data=urllib.parse.urlencode(data).encode(),
            headers={"Referer": f"{self._url}{path}"},
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return str(answer.geturl()), str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return path, error.read().decode(errors="replace")


def _found(pattern: re.Pattern[str], page: str, what: str) -> str:
    match = pattern.search(page)
    if match is None:
        raise CommandError(f"the page has not {what}")
    return match[1]
