"""The commands of docs/reference/api.md, as they stand there, against the real desk: launch, follow, cancel."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.checks import REPOSITORY
from tests.desk.running import RunningDesk, desk_environment

COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: Between the answers of two blocks.
MARK = "--- next"


def token_of(desk: RunningDesk, name: str) -> str:
    """Return the output of ``manage.py api_token``: the token and nothing else."""
    command = [sys.executable, "manage.py", "api_token", name, "--name", "docs", "--days", "1"]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=desk_environment(TRANCHE_VAR=str(desk.var)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (token,) = done.stdout.splitlines()
    return token


def run_documented(folder: Path, desk: RunningDesk, token: str) -> list[str]:
    """Return the output of each block of the document. They share a shell, and the first that fails ends it."""
    blocks = COMMANDS.findall((REPOSITORY / "docs" / "reference" / "api.md").read_text(encoding="utf-8"))
    script = f"\necho; echo '{MARK}'\n".join(blocks)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=desk_environment(DESK=desk.url, TOKEN=token),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [part.strip() for part in done.stdout.split(MARK)]


@pytest.mark.usefixtures("curl_path")
def test_the_documented_commands_launch_follow_and_cancel_an_order(desk: RunningDesk, tmp_path: Path) -> None:
    answers = run_documented(tmp_path, desk, token_of(desk, "trader"))
    accounts, markets, balances, preview, launched, saved, presets, deleted, *answers = answers
    working, listed, parts, analysis, *later = answers
    amendment, amended, paused, resumed, *later = later
    all_paused, all_resumed, extended, closing, final, *basket, alerts = later
    read: Any = json.loads
    assert "alpha" in {account["label"] for account in read(accounts)["accounts"]}
    assert read(markets)["markets"][0]["symbol"] == "BTC/USDT"
    assert "USDT" in balances
    assert len(read(preview)["slices"]) == 10
    order = read(launched)
    assert order["client_reference"] == "from docs/reference/api.md"
    assert read(saved)["id"] in {row["id"] for row in read(presets)["presets"]}
    assert deleted == ""
    assert read(working)["status"] == "working"
    assert order["id"] in {row["id"] for row in read(listed)["orders"]}
    for name in ("slices", "children", "fills", "journal", "market_vwap"):
        assert f'"{name}":' in parts
    assert isinstance(read(analysis)["groups"], list)
    assert read(amendment)["terms_version"] == 1
    assert read(amended)["terms_version"] == 2
    assert [read(paused)["status"], read(resumed)["status"]] == ["paused", "working"]
    for each in (all_paused, all_resumed, extended):
        assert [row["outcome"] for row in read(each)["results"]] == ["done"]
    assert read(closing)["status"] in {"closing", "cancelled"}
    assert read(final)["id"] == order["id"]
    assert (read(final)["status"], read(final)["unsettled"]) == ("cancelled", 0)
    assert isinstance(read(alerts)["alerts"], list)
    judged, sent, seen, stopped = map(read, basket)
    assert (judged["problems"], len(judged["rows"])) == ([], 2)
    assert sent["id"] == seen["id"]
    assert stopped["counts"] == {"done": 2}
