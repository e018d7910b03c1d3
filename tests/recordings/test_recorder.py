"""The recorder between a feed and a disk: parts in time, a bound on memory, and no failure that stays unseen."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from execution.core.market_model.recording import Event
from execution.core.types import Side
from execution.recordings import folder as folders
from execution.recordings import recorder
from execution.recordings.folder import Part, Recording, RecordingWriter
from execution.recordings.recorder import Recorder
from tests.recordings.made import BEGAN, SYMBOL, book, rules, trade


class Script:
    """A feed that says what it is told to, then nothing, or fails."""

    def __init__(self, *batches: list[Event], fails: bool = False) -> None:
        self.batches = batches
        self.fails = fails
        self.taken = 0

    async def watch(self) -> AsyncGenerator[list[Event], None]:
        for batch in self.batches:
            self.taken += 1
            yield batch
            await asyncio.sleep(0)
        if self.fails:
            raise ConnectionError("the feed failed")
        await asyncio.Event().wait()


EVENTS: list[Event] = [book(1, 0, [(99, 1)], [(101, 1)]), trade(2, 1, Side.BUY, 101, 1)]


async def until(look: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if look():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen")


def now() -> int:
    return BEGAN + 7


async def test_what_was_received_is_written_when_the_time_is_over(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "recording", rules())
    lost = book(3, 2, None, None, note="lost")
    summary = await Recorder(Script(EVENTS, [lost]), writer, now).run(0.3, asyncio.Event())
    assert (summary.books, summary.trades, summary.gaps) == (2, 1, 1)
    recording = Recording(tmp_path / "recording")
    assert list(recording.events(SYMBOL)) == [*EVENTS, lost]
    assert recording.rules.ended == BEGAN + 7


async def test_parts_are_written_while_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "PART_SECONDS", 0.1)
    writer, stop = RecordingWriter(tmp_path / "recording", rules()), asyncio.Event()
    running = asyncio.create_task(Recorder(Script(EVENTS), writer, now).run(60, stop))
    await until(lambda: writer.books > 0)
    recording = Recording(tmp_path / "recording")
    assert list(recording.events(SYMBOL)) == EVENTS
    assert recording.rules.ended is None
    stop.set()
    await running
    assert Recording(tmp_path / "recording").rules.ended is not None


async def test_a_disk_that_is_slower_than_the_feed_holds_the_feed_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAX_PART", 4)
    release, parts = threading.Event(), []

    class SlowWriter(RecordingWriter):
        def write(self, part: Part) -> None:
            parts.append(len(part))
            release.wait(20)
            super().write(part)

    batches: list[list[Event]] = [[trade(number, 0, Side.BUY, 100, 1)] for number in range(1, 31)]
    feed, writer = Script(*batches), SlowWriter(tmp_path / "recording", rules())
    stop = asyncio.Event()
    running = asyncio.create_task(Recorder(feed, writer, now).run(60, stop))
    await asyncio.sleep(0.5)
    assert feed.taken == 4, "four fill the part that is being written, and no more is taken"
    release.set()
    await until(lambda: feed.taken == 30)
    stop.set()
    await running
    assert max(parts) == 4
    assert len(list(Recording(tmp_path / "recording").events(SYMBOL))) == 30


async def test_a_disk_that_refuses_ends_the_recording_with_its_error_and_what_was_written_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAX_PART", 2)

    class FailingWriter(RecordingWriter):
        def write(self, part: Part) -> None:
            if self.books:
                time.sleep(0.2)
                raise OSError(28, "No space left on device")
            super().write(part)

    writer = FailingWriter(tmp_path / "recording", rules())
    later: list[Event] = [trade(3, 2, Side.BUY, 101, 1), trade(4, 2, Side.BUY, 101, 1)]
    with pytest.raises(OSError, match="No space left"):
        await Recorder(Script(EVENTS, later), writer, now).run(60, asyncio.Event())
    recording = Recording(tmp_path / "recording")
    assert list(recording.events(SYMBOL)) == EVENTS
    assert recording.rules.ended is None


async def test_a_part_that_fails_while_it_is_being_stopped_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAX_PART", 2)

    class FailingWriter(RecordingWriter):
        def write(self, part: Part) -> None:
            time.sleep(0.3)
            raise OSError(28, "No space left on device")

    stop = asyncio.Event()
    writer = FailingWriter(tmp_path / "recording", rules())
    running = asyncio.create_task(Recorder(Script(EVENTS), writer, now).run(60, stop))
    await asyncio.sleep(0.1)
    stop.set()
    with pytest.raises(OSError, match="No space left"):
        await running
    assert Recording(tmp_path / "recording").rules.ended is None


async def test_a_feed_that_fails_ends_the_recording_with_its_error(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "recording", rules())
    with pytest.raises(ConnectionError, match="the feed failed"):
        await Recorder(Script(EVENTS, fails=True), writer, now).run(60, asyncio.Event())
