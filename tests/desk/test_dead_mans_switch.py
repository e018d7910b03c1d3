"""A desk that is killed with an order on the book of okx: the exchange itself cancels it, and the next desk knows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from execution.models import Account
from tests.acceptance.dialects import okx_options
from tests.checks import REPOSITORY
from tests.desk.database import ALIAS, database_of, order_of
from tests.desk.running import (
    SWITCH_SECONDS,
    RunningDesk,
    desk_environment,
    expect_nothing_left,
    wait_until,
)
from tests.desk.visitor import Visitor
from tests.engine.exchange import Exchange
from tests.paper.keys import secret_of

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


def rests_anew(desk: RunningDesk, exchange: Exchange, public_id: str) -> bool:
    """Return whether the order rests again. Resume it if the machine took so long that the desk paused it."""
    Visitor(desk).resume_if_paused(order_of(public_id))
    return bool(open_orders(exchange))


@pytest.mark.timeout(1800)
def test_the_exchange_cancels_what_a_killed_desk_left_on_the_book(
    desk: RunningDesk, desk_factory: Callable[..., RunningDesk], exchange: Exchange, django_db_blocker: Any
) -> None:
    """The supervisor is killed with kill -9; nothing outlives it, and another goes on in the same folder."""
    exchange.add_accounts(["alone"])
    exchange.control("POST", "market", {"symbol": "BTC/USDT", "freeze": True})
    options = json.dumps(okx_options(f"http://127.0.0.1:{exchange.port}"))
    add = ("add", "--label", "alone", "--exchange", "okx", "--environment", "paper", "--options", options)
    account_command(desk, *add, "--grant", "trader")
    account_command(desk, "check", "alone", "--within", "60")
    account_command(desk, "exclusive", "alone", "--reason", "nobody else has its key")
    with database_of(desk, django_db_blocker):
        wait_until(lambda: row().is_reconciled, within=60, what="the account to be reconciled")
        public_id = Visitor(desk).launch(
            accounts=row().public_id, duration="00:10:00", slices="2", urgency="0", quantity="0.01"
        )
        wait_until(lambda: open_orders(exchange), within=60, what="an order on the book")
        wait_until(lambda: row().switch_until, within=20, what="the switch to be armed")
        armed = row().switch_until
        assert armed is not None
        wait_until(lambda: row().switch_until != armed, within=20, what="the switch to be renewed")
        page = Visitor(desk, "admin").get(f"/accounts/{row().public_id}/")
        assert f"armed until {row().switch_until:%H:%M}" in page
        time.sleep(max(0.0, (armed - datetime.now(UTC)).total_seconds()) + 1)
        (resting,) = open_orders(exchange)
        passwords = desk.passwords
        desk.pids()
        os.kill(desk.process.pid, signal.SIGKILL)
        desk.process.wait(5)
        expect_nothing_left(desk, within=5)
        wait_until(
            lambda: not open_orders(exchange), within=SWITCH_SECONDS + 10, what="the exchange's cancel"
        )
        ended = {order["id"]: order["status"] for order in exchange.ledger()["alone"]["orders"]}
        assert ended[resting["id"]] == "CANCELED"

        again = desk_factory(desk.var)
        again.wait()
        assert again.passwords == passwords
        assert passwords["trader"] not in again.console(), "passwords are printed at the first start only"
        wait_until(lambda: rests_anew(again, exchange, public_id), within=90, what="the order to rest anew")
        child = row().children.get(exchange_id=str(resting["id"]))
        assert (child.status, child.is_settled) == ("cancelled", True)
        wait_until(lambda: row().children.filter(status="open").exists(), within=30, what="its answer")
        took = again.stop()
        print(f"stopped in {took:.1f} s, switch until {row().switch_until}")
        # By the desk's own cancel; by the switch, which stays armed, if a busy machine had no time for that.
        wait_until(lambda: not open_orders(exchange), within=SWITCH_SECONDS + 10, what="an empty book")
