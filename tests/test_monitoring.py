"""The board and the rules of monitoring use metrics that exist, and the board shows all of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from execution.selectors.metrics import desk_families
from tests.checks import REPOSITORY
from tests.factories import NOW, Rows

FOLDER = REPOSITORY / "docs" / "deploy" / "monitoring"
GUIDE = REPOSITORY / "docs" / "how-to" / "monitoring.md"
_NAME = re.compile(r"\btranche_([a-z_]+)")
#: Those that the web process adds (dashboard/views/operations.py).
OF_THE_PROCESS = {"web_sockets", "scrape_seconds"}


def board() -> Any:
    return json.loads((FOLDER / "board.json").read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    read = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in read["groups"] for rule in group["rules"]]


@pytest.fixture
def figures(rows: Rows) -> set[str]:
    return {family.name for family in desk_families(NOW)} | OF_THE_PROCESS


def test_the_board_shows_every_figure_and_no_other(figures: set[str]) -> None:
    panels = [panel for panel in board()["panels"] if panel["type"] != "row"]
    shown = {
        name for panel in panels for target in panel["targets"] for name in _NAME.findall(target["expr"])
    }
    assert shown == figures
    assert len({panel["id"] for panel in board()["panels"]}) == len(board()["panels"])
    places = [tuple(panel["gridPos"].values()) for panel in board()["panels"]]
    assert len(set(places)) == len(places)


def test_every_rule_watches_figures_that_there_are_and_has_a_line_in_the_guide(figures: set[str]) -> None:
    headings = re.findall(r"^### (\w+)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [rule["alert"] for rule in rules()] == headings
    for rule in rules():
        assert set(_NAME.findall(rule["expr"])) <= figures, rule["alert"]
        assert rule["annotations"]["runbook"] == f"docs/how-to/monitoring.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="this machine has no promtool")
def test_prometheus_takes_the_rules_and_their_tests_pass() -> None:
    for command in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
        done = subprocess.run(["promtool", *command], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
