"""The environment that processes inherit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from execution.launcher.environments import django_environment
from tests.checks import REPOSITORY

KEEP = """
import subprocess, sys
from pathlib import Path
from execution.launcher.environments import keep_bytecode
keep_bytecode(Path(sys.argv[1]))
subprocess.run([sys.executable, "-c", "import execution.core.states"], check=True)
"""


@pytest.mark.parametrize("is_forbidden", [True, False])
@pytest.mark.real_process
def test_bytecode_goes_to_the_desks_folder_where_it_may_not_stand_beside_the_sources(
    is_forbidden: bool, tmp_path: Path
) -> None:
    ours = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    environment = {name: text for name, text in os.environ.items() if name not in ours}
    if is_forbidden:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, "-c", KEEP, str(tmp_path)]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
    assert any(tmp_path.rglob("states.*.pyc")) == is_forbidden


def test_every_setting_of_the_example_reaches_the_web_process(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    # The desk chooses these for each of its processes.
    ours = {"TRANCHE_VAR", "TRANCHE_KEYRING", "TRANCHE_ALERT_KEYRING"}
    names = set(re.findall(r"^# ?([A-Z_]+)=", text, re.MULTILINE)) - ours
    assert "API_RATE" in names
    for name in names:
        monkeypatch.setenv(name, f"the text of {name}")
    environment = django_environment(var="var")
    assert {name: environment.get(name) for name in names} == {name: f"the text of {name}" for name in names}
