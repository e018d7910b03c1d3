"""What processes inherit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.desk.running import REPOSITORY

KEEP = """
import subprocess, sys
from pathlib import Path
from execution.management.desk.environments import keep_bytecode
keep_bytecode(Path(sys.argv[1]))
subprocess.run([sys.executable, "-c", "import execution.core.states"], check=True)
"""


@pytest.mark.parametrize("is_forbidden", [True, False])
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
