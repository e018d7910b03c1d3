"""End to end: a paper exchange, ``record`` on it, a paper exchange that replays it, and ``record`` on that.

``TRANCHE_RECORD_SECONDS`` makes the recording longer than the ten seconds of the suite.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from execution.core.market_model.recording import SECOND
from execution.models import Venue
from execution.recordings.folder import Recording
from tests.acceptance.dialects import DIALECTS
from tests.checks import REPOSITORY
from tests.patience import PATIENCE
from tests.recordings.comparing import compare, market_of
from tests.report_pages import charts_of, printed_in

pytestmark = [pytest.mark.django_db, pytest.mark.real_process]

#: The length of the recording that is replayed.
SECONDS = float(os.environ.get("TRANCHE_RECORD_SECONDS", "10"))
READY = "paper exchange ready on "
SYMBOLS = ("BTC/USDT", "ETH/USDT")


@contextmanager
def paper_exchange(folder: Path, *arguments: str) -> Iterator[str]:
    """Yield the address of ``python -m execution.paper``, stopped at the end."""
    command = [sys.executable, "-m", "execution.paper", "--port", "0", "--folder", str(folder), *arguments]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line.startswith(READY), line
            yield line.removeprefix(READY)
        finally:
            process.kill()


def venue(label: str, base: str, dialect: str = "binance") -> Venue:
    return Venue.objects.create(label=label, exchange=dialect, options=DIALECTS[dialect].options(base))


def record(label: str, folder: Path, seconds: float, *symbols: str) -> str:
    out = StringIO()
    wanted = ",".join(symbols or SYMBOLS)
    err = StringIO()
    options = {"minutes": seconds / 60, "out": folder, "report": report_of(folder)}
    call_command("record", venue=label, symbols=wanted, **options, stdout=out, stderr=err)
    assert err.getvalue() == "", "nobody looks"
    return out.getvalue()


def report_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.html")


def status(base: str, folder: Path) -> Any:
    request = urllib.request.Request(
        f"{base}/_paper/status", headers={"X-Paper-Control": (folder / "control").read_text()}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["replay"]


@pytest.mark.timeout(300 + 3 * int(SECONDS))
@pytest.mark.parametrize("dialect", ["binance", "okx"])
def test_a_recording_that_is_replayed_is_the_same_market_again(tmp_path: Path, dialect: str) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    with paper_exchange(tmp_path / "source", "--profile", "alpha") as base:
        venue("source", base, dialect)
        said = record("source", original, SECONDS)
    recording = Recording(original)
    assert recording.rules.exchange == dialect
    assert recording.rules.ended is not None
    lasted = (recording.rules.ended - recording.rules.started) / SECOND
    assert SECONDS - 1 < lasted < SECONDS + 10
    assert str(recording.rules.markets["BTC/USDT"].tick) == "0.01"
    assert "books and" in said
    page = report_of(original).read_text(encoding="utf-8")
    assert printed_in(page).strip() == said.splitlines()[-1]
    events, *prices = charts_of(page)
    books, trades = (sum(trace["y"]) for trace in events["traces"])
    assert f"{books:,} books and {trades:,} trades" in said
    assert [len(each["traces"]) >= 3 for each in prices] == [True, True], "bid, ask and trades of each symbol"
    with paper_exchange(tmp_path / "replay", "--replay", str(original)) as base:
        venue("replay", base, dialect)
        record("replay", copy, SECONDS + 3)
        replay = status(base, tmp_path / "replay")
    assert replay["is_over"]
    for symbol in SYMBOLS:
        found = compare(market_of(original, symbol), market_of(copy, symbol), speed=1, tolerance=0.5)
        print(f"{dialect} {symbol}: {found}")
        assert found.original_trades > 4, "about twenty in the quietest hours"
        assert found.copied_trades > 1, "the copy began a little later"
        assert found.same_trades, found
        assert (found.moments, found.same_within) == (100, 100), found
        assert replay["symbols"][symbol]["trades"] == found.original_trades


def test_a_recorder_that_is_killed_leaves_all_but_its_last_seconds(tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    with paper_exchange(tmp_path / "source") as base:
        venue("source", base)
        process = recorder_process(folder, base, tmp_path)
        try:
            eventually(lambda: list((folder / "books").glob("0*.parquet")))
        finally:
            process.kill()
            process.wait()
    recording = Recording(folder)
    assert recording.rules.ended is None
    assert market_of(folder, "BTC/USDT").books


def recorder_process(folder: Path, base: str, tmp_path: Path) -> subprocess.Popen[str]:
    """Run ``record`` for an hour, in a process of its own that has its own database with the venue in it."""
    script = (
        "import sys, django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('migrate', verbosity=0)\n"
        "from execution.models import Venue\n"
        "import json, pathlib\n"
        "Venue.objects.create(label='source', exchange='binance', options=json.loads(sys.argv[2]))\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "call_command('record', venue='source', symbols='BTC/USDT', minutes=60, out=folder)\n"
    )
    options = json.dumps(DIALECTS["binance"].options(base))
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "TRANCHE_VAR": str(tmp_path / "var"),
        "TRANCHE_ENVIRONMENT": "paper",
    }
    (tmp_path / "var").mkdir()
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder), options], cwd=REPOSITORY, env=environment, text=True
    )


def eventually(look: Any, seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds * PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)
    return found


def test_a_signal_ends_a_recording_as_its_time_would(tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    with paper_exchange(tmp_path / "source") as base:
        venue("source", base)

        def stop() -> None:
            eventually((folder / "rules.json").exists)
            os.kill(os.getpid(), signal.SIGTERM)

        timer = threading.Thread(target=stop)
        timer.start()
        record("source", folder, 3600)
        timer.join()
    assert Recording(folder).rules.ended is not None


def test_what_cannot_be_recorded_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "mine").touch()
    new = tmp_path / "new"
    with paper_exchange(tmp_path / "source") as base:
        venue("source", base)
        Venue.objects.create(label="live", exchange="binance", options={})
        refusals: list[tuple[Any, str]] = [
            (("nowhere", new, 1), "there is no such venue. There are: live, source"),
            (("live", new, 1), "is refused in this paper installation"),
            (("source", new, 1, "NOPE/USDT"), "binance does not list NOPE/USDT"),
            (("source", new, 1, ","), "names 0 symbols: it must be 1 to 50"),
            (("source", new, 0), "it must be above 0"),
            (("source", new, 11_000 * 60), "at most 10,080"),
            (("source", used, 1), "is there already and not empty"),
        ]
        for arguments, reason in refusals:
            with pytest.raises(CommandError, match=reason):
                record(*arguments)
    assert not new.exists()
    assert [path.name for path in used.iterdir()] == ["mine"]
