"""More accounts at the paper venues. An exchange limits the orders of each account, so a desk with many parent orders
needs several.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from django.core.management import CommandError

from execution.launcher.bootstrap import PAPER_BALANCES, PAPER_LABELS, PAPER_SYMBOLS
from execution.launcher.files import write_private


def accounts_add(base: Path, var: Path, environment: Mapping[str, str], each: int) -> list[str]:
    """Add accounts, as an admin does, until every paper venue has ``each``. Return the labels of all of them.

    ``environment`` is that of the running desk in ``var``. Raises ``CommandError`` when an account is refused.
    """
    for number in range(2, each + 1):
        for venue in PAPER_LABELS:
            _add(base, var / "paper" / venue / "accounts.json", environment, _label(venue, number), venue)
    return [_label(venue, number) for number in range(1, each + 1) for venue in PAPER_LABELS]


def _label(venue: str, number: int) -> str:
    return venue if number == 1 else f"{venue}-{number}"


def _add(base: Path, register: Path, environment: Mapping[str, str], label: str, venue: str) -> None:
    key, secret = secrets.token_hex(16), secrets.token_hex(32)
    known = json.loads(register.read_text(encoding="utf-8"))
    entry = {"key": key, "secret": secret, "balances": PAPER_BALANCES}
    write_private(register, json.dumps([*known, entry], indent=1) + "\n")
    command = [sys.executable, "manage.py", "account", "add", "--label", label, "--venue", venue]
    command += ["--exchange", "binance", "--environment", "paper", "--grant", "trader"]
    command += ["--symbols", ",".join(PAPER_SYMBOLS)]
    done = subprocess.run(
        command,
        cwd=base,
        env={**os.environ, **environment, "TRANCHE_API_KEY": key, "TRANCHE_API_SECRET": secret},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"no account {label}: {done.stderr[-500:]}")
