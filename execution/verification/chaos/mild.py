"""Mild faults on real processes: one order in each of many symbols of one account. All must complete on time."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from execution.launcher.files import free_port, write_private
from execution.models import Account, Order
from execution.paper.coinbase.signing import private_pem
from execution.paper.symbols import numbered
from execution.verification.api import Api
from execution.verification.benchmark.desk import MeasuredDesk
from execution.verification.benchmark.records import ALIAS, database_of, markets_known, wait_until
from execution.verification.chaos import records
from execution.verification.chaos.dialects import OPTIONS, TRADE_IDS, str_id
from execution.verification.chaos.venue import ControlledVenue
from execution.verification.late_orders import punctuality
from execution.verification.watcher import Watcher

#: The faults of an ordinary day, as rules for the paper exchange's control interface.
RULES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "lists late": (
        {"on": "any", "kind": "late_orders", "seconds": 0.5},
        {"on": "any", "kind": "late_trades", "seconds": 0.5},
    ),
    "503": ({"on": "any", "kind": "status_503_after", "probability": 0.02},),
    "429": ({"on": "any", "kind": "status_429", "probability": 0.01},),
    "lost answers": ({"on": "create", "kind": "drop_after", "probability": 0.03},),
    "cancel races": ({"on": "cancel", "kind": "fill_first", "probability": 0.3},),
    "streams cut": (),
}
CUT_EVERY = 20.0  # seconds
LABEL = "mild"
OPEN_WITHIN = 120.0
SETTLE_WITHIN = 60.0
BALANCES = {"USDT": "100000000"}
#: Seconds that the start, the launches and the settling take, for the time left alone.
START, LAUNCHES, SETTLING = 30.0, 20.0, 10.0
ORDERS, SETTLES = "orders under mild faults", "settling"


@dataclass(frozen=True, slots=True)
class MildOptions:
    """The sizes of a run: ``orders`` TWAPs of ``seconds``, each on another symbol.

    ``kinds`` are names of faults in ``RULES``.
    """

    dialect: str
    orders: int
    seconds: int
    kinds: tuple[str, ...]


class DialectVenue:
    """A separate paper exchange with one account. Its folder has the name of the account."""

    def __init__(self, folder: Path, orders: int, dialect: str) -> None:
        self.folder = folder
        self._trade_id = TRADE_IDS.get(dialect, str_id)
        self.controlled = ControlledVenue(folder)
        self.port = free_port()
        self.symbols = [listing.market.symbol for listing in numbered(orders)]
        self.key = secrets.token_hex(16)
        self.secret = base64.b64encode(secrets.token_bytes(24)).decode()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def label(self) -> str:
        return self.controlled.label

    def ledger(self) -> dict[str, Any]:
        """Return the venue's books. Trades have the ids that the venue's dialect gives them."""
        ledger = self.controlled.ledger()
        trades = [{**trade, "id": self._trade_id(trade)} for trade in ledger["trades"]]
        return {**ledger, "trades": trades}

    def start(self, base: Path) -> None:
        self.folder.mkdir(parents=True)
        account = {
            "key": self.key, "secret": self.secret, "passphrase": "the-passphrase", "balances": BALANCES,
        }  # fmt: skip
        write_private(self.folder / "accounts.json", json.dumps([account]))
        command = [sys.executable, "-m", "execution.paper", "--port", str(self.port)]
        command += ["--folder", str(self.folder), "--more-symbols", str(len(self.symbols))]
        (self.folder / "port").write_text(str(self.port), encoding="ascii")
        self._process = subprocess.Popen(command, cwd=base, stdout=subprocess.DEVNULL)
        wait_until(self.controlled.answers, 60, "the paper exchange does not answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(15)


def stages(options: MildOptions) -> dict[str, float]:
    """Return the stages of ``run_mild`` with their expected seconds."""
    return {"start": START, ORDERS: options.seconds + LAUNCHES, SETTLES: SETTLING}


def run_mild(base: Path, var: Path, options: MildOptions, watcher: Watcher) -> dict[str, Any]:
    """Start the installation, launch all orders under faults, wait for their ends, and compare the books."""
    venue = DialectVenue(var / "exchange" / LABEL, options.orders, options.dialect)
    desk = MeasuredDesk(base, var, free_port())
    try:
        venue.start(base)
        start = desk.start()
        watcher.say(f"{options.dialect}: the desk is ready after {start.ready:.1f} s")
        _add_account(base, desk, venue, options.dialect)
        with database_of(var):
            return _Run(desk, venue, options, watcher).all()
    finally:
        desk.stop()
        venue.stop()


def _add_account(base: Path, desk: MeasuredDesk, venue: DialectVenue, dialect: str) -> None:
    command = [sys.executable, "manage.py", "account", "add", "--label", LABEL, "--exchange", dialect]
    command += ["--environment", "paper", "--grant", "trader", "--symbols", ",".join(venue.symbols)]
    command += ["--options", json.dumps(OPTIONS[dialect](venue.port))]
    secrets_ = {
        "TRANCHE_API_KEY": venue.key,
        "TRANCHE_API_SECRET": private_pem(venue.secret) if dialect == "coinbase" else venue.secret,
        "TRANCHE_API_PASSPHRASE": "the-passphrase" if dialect == "okx" else "",
    }
    environment = {**os.environ, "TRANCHE_VAR": str(desk.var), **secrets_}
    done = subprocess.run(
        command, cwd=base, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise CommandError(f"no account: {done.stderr[-500:]}")


class _Run:
    def __init__(
        self, desk: MeasuredDesk, venue: DialectVenue, options: MildOptions, watcher: Watcher
    ) -> None:
        self._desk = desk
        self._venue = venue
        self._options = options
        self._watcher = watcher
        self._over = threading.Event()

    def all(self) -> dict[str, Any]:
        wait_until(self._is_open, OPEN_WITHIN, "the account was not open")
        self._watcher.begin(ORDERS)
        trader = Api(self._desk.url, self._desk.token("trader"))
        for kind in self._options.kinds:
            for rule in RULES[kind]:
                self._venue.controlled.control("POST", "faults", **rule, count=None)
        cutting = threading.Thread(target=self._cut, name="cuts", daemon=True)
        if "streams cut" in self._options.kinds:
            cutting.start()
        launched = [self._launch(trader, symbol) for symbol in self._venue.symbols]
        self._watcher.say(
            f"{len(launched)} orders launched, under {', '.join(self._options.kinds) or 'no fault'}"
        )
        self._wait()
        self._over.set()
        self._watcher.begin(SETTLES)
        self._venue.controlled.control("DELETE", "faults")
        found = punctuality(Order.objects.using(ALIAS).filter(public_id__in=launched))
        settled = self._settles()
        problems = list(records.problems(launched, [self._venue]))
        if not settled:
            problems.append(f"not at rest {SETTLE_WITHIN:.0f} s after the faults ended")
        return {
            "dialect": self._options.dialect,
            "kinds": list(self._options.kinds),
            "orders": len(launched),
            "completed": found.completed,
            "dust": found.dust,
            "late": found.late,
            "children": records.child_figures(),
            "problems": problems,
        }

    def _is_open(self) -> bool:
        account = Account.objects.using(ALIAS).filter(label=LABEL).first()
        is_reconciled = account is not None and account.is_reconciled
        return is_reconciled and markets_known(LABEL) >= len(self._venue.symbols)

    def _launch(self, trader: Api, symbol: str) -> str:
        body = {
            "symbol": symbol,
            "side": "buy",
            "quantity": "20000",
            "unit": "quote",
            "algorithm": "twap",
            "accounts": [LABEL],
            "parameters": {"duration": self._options.seconds, "at_end": "cross"},
        }
        return trader.launch(body, f"mild-{symbol}", OPEN_WITHIN)

    def _wait(self) -> None:
        deadline = time.monotonic() + self._options.seconds + OPEN_WITHIN
        while records.orders_left() and time.monotonic() < deadline:
            time.sleep(0.5)

    def _settles(self) -> bool:
        deadline = time.monotonic() + SETTLE_WITHIN
        while time.monotonic() < deadline:
            if not records.orders_left() and not records.children_unsettled():
                return True
            time.sleep(0.5)
        return False

    def _cut(self) -> None:
        while not self._over.wait(CUT_EVERY):
            self._venue.controlled.control("POST", "streams/cut")
