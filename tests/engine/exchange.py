"""A real paper exchange in a process of its own, with its control interface."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execution.launcher.bootstrap import paper_options
from tests.checks import REPOSITORY
from tests.desk.running import free_port, wait_until
from tests.paper.keys import secret_of

BALANCES = {"BTC": "100", "USDT": "10000000", "ETH": "1000", "SOL": "50000"}


@dataclass
class Exchange:
    """Start, kill and start again: its state is in ``folder``."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    taker_fee: str = "0.001"
    latency: str = "0"
    more_symbols: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """Return ccxt's options to reach it."""
        return paper_options(self.port)

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "execution.paper",
            "--port",
            str(self.port),
            "--folder",
            str(self.folder),
        ]
        self.process = subprocess.Popen(
            [
                *command,
                *("--seed", "5", "--weight-limit", "1000000"),
                *("--taker-fee", self.taker_fee, "--latency", self.latency),
                *("--more-symbols", str(self.more_symbols)),
            ],
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
        )
        wait_until(self.answers, within=30, what="the paper exchange's ping")

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v3/ping", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        """Kill -9, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def add_accounts(self, keys: list[str], balances: dict[str, str] = BALANCES) -> None:
        """Add accounts with a secret that is made of their key, and their key with "-passphrase" behind it for
        okx.
        """
        path = self.folder / "accounts.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        accounts = json.loads(path.read_text()) if path.exists() else []
        accounts += [
            {
                "key": key,
                "secret": secret_of(key),
                "passphrase": f"{key}-passphrase",
                "balances": balances,
            }
            for key in keys
        ]
        path.write_text(json.dumps(accounts))

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the control interface."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/_paper/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "X-Paper-Control": (self.folder / "control").read_text().strip(),
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def ledger(self) -> dict[str, Any]:
        """Return orders, trades and balances by account key."""
        ledger: dict[str, Any] = self.control("GET", "ledger")
        return ledger
