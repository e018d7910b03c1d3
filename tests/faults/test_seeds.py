"""Seeds of the fault simulation: those of this commit, and for ever those that found something."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.checks import REPOSITORY
from tests.faults.seeds import seeds_of_commit
from tests.report_pages import charts_of, printed_in

pytestmark = pytest.mark.seeds

#: Each of these once violated something, and must not again. What it was:
FOUND: dict[int, str] = {
    10: "the simulation itself: tasks of dead engines were collected, and their clean-up ran in the living loop",
    21: "the same, in a session that was being opened",
    427: "an engine that was told to stop gave its accounts away while an order that it had sent was under way",
    1882: "the simulation itself: it counted the time of a cancel from before the create had arrived",
    2000002: "a quote that is not a number ended the session that brought it",
    2000164: "a book whose price is not a number ended the ticket that asked for a split",
    333897965: "the same, of a ticket with a limit price",
}


def faults(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, because it replaces the database and time."""
    return subprocess.run(
        [sys.executable, "manage.py", "faults", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def figures(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said


@pytest.mark.timeout(2700)
def test_the_seeds_of_this_commit_find_nothing() -> None:
    seeds = seeds_of_commit(REPOSITORY)
    done = faults("--seeds", str(seeds.count), "--first", str(seeds.first), "--json")
    assert done.returncode == 0, f"{seeds}\n{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    assert figures(done)["seeds"] == seeds.count


def test_a_commit_has_its_seeds_and_a_folder_without_one_the_same_always(
    tmp_path: Path, git_path: str
) -> None:
    seeds = seeds_of_commit(REPOSITORY)
    assert seeds == seeds_of_commit(REPOSITORY)
    assert 1_000_000 <= seeds.first < 1_000_000 + 2**32
    assert str(seeds_of_commit(tmp_path)) == "fault seeds: 12 from 1000000 on (no commit)"
    for author in ("one", "two"):
        repository = tmp_path / author
        git = (git_path, "-c", f"user.name={author}", "-c", "user.email=x@example.com", "-C", str(repository))
        subprocess.run([git_path, "init", "-q", str(repository)], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    assert len({seeds_of_commit(tmp_path / author).first for author in ("one", "two")}) == 2


def test_a_random_search_says_where_it_began() -> None:
    said = figures(faults("--random", "--seconds", "0", "--json"))
    assert (said["seeds"], said["violations"]) == (0, {})
    assert 1_000_000 <= said["first"] < 1_000_000 + 2**32


def test_what_was_found_stays_mended_and_a_seed_replays_exactly_in_any_process(tmp_path: Path) -> None:
    seeds = [word for seed in (7, 7, *FOUND) for word in ("--seed", str(seed))]
    path = tmp_path / "report.html"
    done = faults(*seeds, "--quiet", "--json", "--report", str(path))
    assert done.stderr == "", "nobody looks"
    assert done.returncode == 0, "\n".join(FOUND.values()) + done.stdout[-8000:] + done.stderr[-2000:]
    said = figures(done)
    assert said["seeds"] == 2 + len(FOUND)
    digests = [*said["digests"][:2], *figures(faults("--seed", "7", "--json"))["digests"]]
    assert len(digests) == 3
    assert len(set(digests)) == 1
    page = path.read_text(encoding="utf-8")
    assert f"{said['seeds']} seeds from 7 on, 0 with a violation, {said['seconds']} s" in printed_in(page)
    times, states = (chart["traces"][0] for chart in charts_of(page))
    assert sum(times["x"]) == sum(cell or 0 for cells in states["z"] for cell in cells) > 0


def test_under_mild_faults_orders_complete_on_time() -> None:
    """Safe is not enough: a desk that stops when an exchange coughs is of no use."""
    done = faults("--first", "18", "--seeds", "2", "--mild", "all", "--json")
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert figures(done)["all"] == {"orders": 8, "completed": 8, "dust": [], "late": []}


def test_a_replayed_seed_with_mild_faults_shows_its_log() -> None:
    """The seed's last part was once filled but for 0.016 BTC, under the market's minimum."""
    done = faults("--seed", "4", "--mild", "lists late")
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "FAULT order listed late" in done.stdout
    assert "4 of 4 orders completed on time" in done.stdout
