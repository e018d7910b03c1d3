"""An admin's day on the real desk: a second key is confirmed, trades, is suspended, and is found nowhere."""

from __future__ import annotations

import base64
import json
import re
import secrets
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from execution.engine.keyring import Keyring
from execution.launcher.redis_server import socket_path
from execution.models import Account, ChildOrder, Order
from tests.browser.console_guard import Watched
from tests.checks import REPOSITORY
from tests.desk.database import ALIAS, database_of
from tests.desk.people import admin_ensure
from tests.desk.running import RunningDesk, desk_environment, free_port, wait_until
from tests.desk.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

BALANCES = {"BTC": "100", "USDT": "10000000", "ETH": "1000", "SOL": "50000"}
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")


class Exchange:
    """The paper exchange named alpha, as its own operator sees it."""

    def __init__(self, desk: RunningDesk) -> None:
        files = sorted(desk.var.glob("paper/**/accounts.json"), key=lambda path: "alpha" not in str(path))
        self.folder = files[0].parent

    def register(self, key: str, secret: str) -> None:
        """Register a second account. The exchange reads the file again when the key comes."""
        path = self.folder / "accounts.json"
        entries = json.loads(path.read_text())
        path.write_text(json.dumps([*entries, {"key": key, "secret": secret, "balances": BALANCES}]))

    def orders(self, key: str) -> list[dict[str, Any]]:
        """Return all orders of the key's account."""
        port = (self.folder / "port").read_text().strip()
        token = (self.folder / "control").read_text().strip()
        address = f"http://127.0.0.1:{port}/_paper/ledger"
        request = urllib.request.Request(address, headers={"X-Paper-Control": token})
        with urllib.request.urlopen(request, timeout=10) as answer:
            orders: list[dict[str, Any]] = json.loads(answer.read())[key]["orders"]
        return orders


class Wire:
    """Everything that any process says to Redis while this listens: tasks, doorbells, cached rows."""

    def __init__(self, path: Path) -> None:
        self.heard = bytearray()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._socket.sendall(b"MONITOR\r\n")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while block := self._socket.recv(65_536):
            self.heard += block

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def everything_in(client: redis.Redis) -> bytes:
    """Return all keys of Redis with their values."""
    read: dict[bytes, Callable[[bytes], Any]] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": client.xrange,
        b"none": lambda _: None,  # gone since it was listed
    }
    held = {key: read[client.type(key)](key) for key in client.scan_iter()}  # type: ignore[index]
    return repr(held).encode()


def holds(content: bytes, marks: list[str]) -> bool:
    """Return whether a mark is in the content, plain, in hex or inside base64 (Celery's bodies)."""
    decoded = b"\n".join(_decoded(found) for found in BASE64.findall(content))
    return any(
        mark.encode() in content or mark.encode().hex().encode() in content or mark.encode() in decoded
        for mark in marks
    )


def _decoded(token: bytes) -> bytes:
    """Return all possible meanings of a run of such characters, from any character on."""
    plain = token.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    return b"\n".join(
        base64.b64decode(plain[start : start + (len(plain) - start) // 4 * 4]) for start in range(4)
    )


def test_the_search_finds_a_mark_in_every_clothing() -> None:
    mark = "marked-0123456789abcdef"
    inside = base64.b64encode(json.dumps([["an id", mark], {}]).encode())
    for content in (
        mark.encode(),
        mark.encode().hex().encode(),
        b'{"body": "' + inside + b'"}',
        b"x" + inside,
    ):
        assert holds(content, [mark])
    assert not holds(b"nothing of the kind", [mark])


def add_account(page: Page, second: Watched, key: str, secret: str) -> str:
    """Add an account as two admins: one gives the key, the other activates it. Return its public id."""
    page.get_by_role("link", name="Add an account", exact=True).click()
    page.get_by_label("Account", exact=False).first.fill("second")
    page.get_by_label("Venue", exact=True).select_option("alpha")
    page.get_by_label("Symbols", exact=False).fill("BTC/USDT, ETH/USDT")
    page.get_by_label("trader", exact=True).check()
    page.get_by_label("API key").fill(key)
    page.get_by_label("Secret", exact=True).fill(secret)
    page.get_by_role("button", name="Add the account", exact=True).click()
    expect(page).to_have_url(re.compile(r"/access/$"))
    expect(
        page.get_by_text(
            "You asked for this. Nothing changes until another admin or a supervisor confirms it on this page."
        )
    ).to_be_visible()
    expect(page.get_by_role("button", name="Confirm", exact=True)).to_have_count(0)
    other = second.log_in("second_admin")
    other.get_by_role("link", name="Access 1 waiting", exact=True).click()
    expect(other.get_by_role("article")).to_contain_text(f"…{key[-4:]}")
    second.picture("access")
    other.get_by_role("button", name="Confirm", exact=True).click()
    expect(other.get_by_text("Nothing waits.")).to_be_visible()
    page.goto("/accounts/")
    page.get_by_role("link", name="second", exact=True).click()
    expect(page).to_have_url(re.compile(r"/accounts/[0-9a-z]{8}/$"))
    expect(page.locator(".order-title .pill")).to_contain_text("active")
    return page.url.split("/")[-2]


def fact(page: Page, name: str) -> Any:
    """Return the value beside ``name`` on the account's page."""
    return page.locator(f"dt:text-is('{name}') + dd")


def order_of(public_id: str) -> Order:
    return Order.objects.using(ALIAS).get(public_id=public_id)


def resting(public_id: str) -> bool:
    """Return whether part of the order has filled and part of it rests now."""
    children = ChildOrder.objects.using(ALIAS).filter(order__public_id=public_id, status="open")
    return order_of(public_id).filled > 0 and children.exists()


def suspend(page: Page) -> None:
    page.get_by_role("button", name="Suspend…", exact=True).click()
    page.locator("#suspend-dialog").get_by_label("Reason").fill("seen on a screen")
    page.get_by_role("button", name="Suspend the key", exact=True).click()
    expect(page.locator(".order-title .pill")).to_contain_text("suspended")


def is_flat(public_id: str) -> bool:
    return not ChildOrder.objects.using(ALIAS).filter(order__public_id=public_id, is_settled=False).exists()


def pages_of(desk: RunningDesk, account: str, order: str) -> bytes:
    """Return the HTML of the pages that each role has."""
    paths = {
        "admin": [
            *("/accounts/", "/accounts/new/", f"/accounts/{account}/", "/access/", "/people/", "/admin/"),
            *(f"/admin/execution/{name}/" for name in ("auditentry", "account", "venue", "user")),
        ],
        "trader": ["/orders/", "/orders/new/", f"/orders/{order}/"],
        "supervisor": ["/orders/", f"/orders/{order}/"],
    }
    found = []
    for name, addresses in paths.items():
        visitor = Visitor(desk, name)
        found += [visitor.get(address) for address in addresses]
    return "\n".join(found).encode()


def files_of(desk: RunningDesk) -> Iterator[Path]:
    """Yield every file of the desk: database with its log, Redis's file, logs, notes; not the exchange's."""
    for path in desk.var.rglob("*"):
        if path.is_file() and path.relative_to(desk.var).parts[0] != "paper":
            yield path


@pytest.mark.timeout(1800)
def test_a_second_account_trades_is_suspended_and_its_secret_is_found_nowhere(
    browser: Browser, desk: RunningDesk, django_db_blocker: Any
) -> None:
    marks = [f"marked-key-{secrets.token_hex(12)}", f"marked-secret-{secrets.token_hex(24)}"]
    exchange, wire = Exchange(desk), Wire(socket_path(desk.var))
    exchange.register(*marks)
    watched, second = Watched(browser, desk), Watched(browser, desk)
    with database_of(desk, django_db_blocker):
        admin_ensure(desk, "second_admin")
        page = watched.log_in("admin")
        account = add_account(page, second, *marks)
        for name, said in (("May read", "yes"), ("May trade", "yes"), ("May withdraw", "no")):
            expect(fact(page, name)).to_contain_text(said)
        watched.picture("account")
        order = Visitor(desk).launch(accounts=account, quantity="0.4", duration="00:02:00", slices="30")
        wait_until(lambda: resting(order), within=30, what="a fill and a resting child of the new account")
        suspend(page)
        wait_until(lambda: order_of(order).status == "paused", within=5, what="the order to pause")
        wait_until(lambda: is_flat(order), within=5, what="its children to be settled")
        assert "the key of account second was suspended by admin: seen on a screen" in order_of(order).reason
        statuses = {row["status"].lower() for row in exchange.orders(marks[0])}
        assert statuses
        assert not statuses & {"new", "partially_filled"}, "nothing rests at the exchange"
        page.goto("/accounts/")
        expect(page.locator("#account-rows")).to_contain_text("suspended")
        watched.picture("accounts")
        search(desk, wire, marks, account, order)
    assert watched.complaints + second.complaints == []


def search(desk: RunningDesk, wire: Wire, marks: list[str], account: str, order: str) -> None:
    """Check that no mark is written anywhere, that the sealed key is there, and that the workers' keyring opens
    it.
    """
    wire.close()
    assert b"drive" in bytes(wire.heard), "the tasks' arguments were heard"
    places = {str(path.relative_to(desk.var)): path.read_bytes() for path in files_of(desk)}
    assert {"tranche.sqlite3", "desk.log"} <= places.keys()
    assert not any(name.startswith("redis/") for name in places), "Redis keeps no file"
    places |= {
        "said to Redis": bytes(wire.heard),
        "held by Redis": everything_in(redis.Redis.from_url(f"unix://{socket_path(desk.var)}")),
        "pages": pages_of(desk, account, order),
    }
    assert [name for name, content in places.items() if holds(content, marks)] == []
    made = Account.objects.using(ALIAS).get(public_id=account)
    sealed = bytes(made.credentials.get().sealed)
    assert any(sealed in content for name, content in places.items() if "sqlite3" in name)
    opened = Keyring.load(desk.var / "keyring").open(sealed, bound_to=account)
    assert opened == {"apiKey": marks[0], "secret": marks[1]}


def run_account(desk: RunningDesk, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py account`` in a shell that holds a key."""
    key = {"TRANCHE_API_KEY": "key-12345678", "TRANCHE_API_SECRET": "hush", "TRANCHE_VAR": str(desk.var)}
    command = [sys.executable, "manage.py", "account", *arguments]
    environment = desk_environment(**key)
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.timeout(1800)
def test_an_account_of_another_exchange_is_added_by_the_command_and_its_check_says_unreachable(
    desk: RunningDesk,
) -> None:
    """ccxt's own bybit class, at a port where nothing listens."""
    here = f"http://127.0.0.1:{free_port()}"
    names = ("spot", "futures", "v2", "public", "private")
    options = json.dumps({"urls": {"api": dict.fromkeys(names, here)}})
    where = ("--exchange", "bybit", "--environment", "paper", "--options", options)
    added = run_account(desk, "add", "--label", "other", *where, "--symbols", "BTC/USDT", "--grant", "trader")
    assert added.returncode == 0, added.stderr
    assert "venue    other (bybit)" in added.stdout
    checked = run_account(desk, "check", "other")
    assert checked.returncode == 1
    assert "the exchange is unreachable" in checked.stderr
    assert "hush" not in checked.stdout + checked.stderr
