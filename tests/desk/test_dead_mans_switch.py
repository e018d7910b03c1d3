"""A desk that is killed with an order on the book of okx: the exchange itself cancels it, and the next desk knows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from execution.models import Account
from tests.acceptance.dialects import okx_options
from tests.checks import REPOSITORY
from tests.desk.database import ALIAS, database_of
from tests.desk.running import RunningDesk, desk_environment, wait_until
from tests.desk.visitor import Visitor
from tests.engine.exchange import Exchange
from tests.paper.keys import secret_of

#: The shortest that okx takes.
SECONDS = 10
KEY = {
    "TRANCHE_API_KEY": "alone",
    "TRANCHE_API_SECRET": secret_of("alone"),
    "TRANCHE_API_PASSPHRASE": "alone-passphrase",
}


def account_command(desk: RunningDesk, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "account", *arguments],
        cwd=REPOSITORY,
        env=desk_environment(TRANCHE_VAR=str(desk.var), **KEY),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def row() -> Account:
    return Account.objects.using(ALIAS).get(label="alone")


def open_orders(exchange: Exchange) -> list[dict[str, Any]]:
    return [order for order in exchange.ledger()["alone"]["orders"] if order["status"] == "NEW"]


@pytest.mark.timeout(300)
def test_the_exchange_cancels_what_a_killed_desk_left_on_the_book(
    desk_factory: Callable[..., RunningDesk],
    exchange: Exchange,
    tmp_path: Path,
    django_db_blocker: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRANCHE_SWITCH_SECONDS", str(SECONDS))
    exchange.add_accounts(["alone"])
    exchange.control("POST", "market", {"symbol": "BTC/USDT", "freeze": True})
    desk = desk_factory(tmp_path / "var")
    desk.wait()
    options = json.dumps(okx_options(f"http://127.0.0.1:{exchange.port}"))
    add = ("add", "--label", "alone", "--exchange", "okx", "--environment", "paper", "--options", options)
    account_command(desk, *add, "--grant", "trader")
    account_command(desk, "check", "alone", "--within", "60")
    account_command(desk, "exclusive", "alone", "--reason", "nobody else has its key")
    with database_of(desk, django_db_blocker):
        wait_until(lambda: row().is_reconciled, within=60, what="the account to be reconciled")
        Visitor(desk).launch(
            accounts=row().public_id, duration="00:10:00", slices="2", urgency="0", quantity="0.01"
        )
        wait_until(lambda: open_orders(exchange), within=60, what="an order on the book")
        wait_until(lambda: row().switch_until, within=20, what="the switch to be armed")
        armed = row().switch_until
        wait_until(lambda: row().switch_until != armed, within=20, what="the switch to be renewed")
        page = Visitor(desk, "admin").get(f"/accounts/{row().public_id}/")
        assert f"armed until {row().switch_until:%H:%M}" in page
        time.sleep(SECONDS + 3)
        (resting,) = open_orders(exchange)
        desk.kill_all()
        wait_until(lambda: not open_orders(exchange), within=SECONDS + 10, what="the exchange's cancel")
        ended = {order["id"]: order["status"] for order in exchange.ledger()["alone"]["orders"]}
        assert ended[resting["id"]] == "CANCELED"

        again = desk_factory(desk.var)
        again.wait()
        wait_until(lambda: open_orders(exchange), within=90, what="the order to rest anew")
        child = row().children.get(exchange_id=str(resting["id"]))
        assert (child.status, child.is_settled) == ("cancelled", True)
        wait_until(lambda: row().children.filter(status="open").exists(), within=30, what="its answer")
        took = again.stop()
        print(f"stopped in {took:.1f} s, switch until {row().switch_until}")
        # By the desk's own cancel; by the switch, which stays armed, if a busy machine had no time for that.
        wait_until(lambda: not open_orders(exchange), within=SECONDS + 10, what="an empty book")
