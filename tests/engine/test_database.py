"""Facts reach the database however often it is away; what it refuses for good is not asked for ever."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from execution.engine.db import sqlite_wal
from execution.engine.db.database import MAX_REFUSALS, Database
from execution.engine.db.sqlite_wal import WalCheckpointer, WalSync
from execution.engine.db.worker_pool import FIRST, LATER, SOON, PriorityWorkerPool
from execution.models import Worker
from tests.engine.desk import StillClock
from tests.factories import Rows, make_worker


class Counted:
    """Fails ``times`` times, then answers."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times, self.calls = error, times, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "kept"


@pytest.mark.parametrize("times", [1, 3, 60])
def test_a_database_that_is_away_is_asked_until_it_is_back(times: int) -> None:
    fact = Counted(OperationalError("database is locked"), times)
    assert asyncio.run(Database(StillClock()).retry_until_committed(fact)) == "kept"
    assert fact.calls == times + 1


def test_a_fact_that_does_not_fit_is_refused_after_a_few_tries() -> None:
    fact = Counted(DataError("value too long"), 10**6)
    with pytest.raises(DataError):
        asyncio.run(Database(StillClock()).retry_until_committed(fact))
    assert fact.calls == MAX_REFUSALS


async def test_who_waits_for_the_database_waits_by_urgency_and_then_in_the_order_of_coming() -> None:
    lane, done, holds = PriorityWorkerPool(1), list[str](), threading.Event()

    def work(name: str) -> None:
        done.append(name)
        holds.wait(5)

    runs = asyncio.create_task(lane.call(LATER, partial(work, "runs")))
    await has(done, "runs")
    wishes = [("look", LATER), ("fact", SOON), ("other look", LATER), ("leaves", FIRST)]
    calls = [asyncio.create_task(lane.call(urgency, partial(work, name))) for name, urgency in wishes]
    await asyncio.sleep(0)
    holds.set()
    await asyncio.gather(runs, *calls)
    lane.close()
    assert done == ["runs", "leaves", "fact", "look", "other look"]


async def test_what_is_to_be_sent_is_read_before_facts_and_those_before_decisions() -> None:
    lane, done, holds = PriorityWorkerPool(1), list[str](), threading.Event()
    database = Database(StillClock(), reading=lane)

    def look(name: str) -> None:
        done.append(name)
        holds.wait(5)

    runs = asyncio.create_task(database.read(look, "runs"))
    await has(done, "runs")
    reads = [(database.read, "decision"), (database.read_soon, "fact"), (database.read_first, "sends")]
    calls = [asyncio.create_task(read(look, name)) for read, name in reads]
    await asyncio.sleep(0)
    holds.set()
    await asyncio.gather(runs, *calls)
    lane.close()
    assert done == ["runs", "sends", "fact", "decision"]


async def test_who_stops_waiting_is_not_called_and_takes_no_turn_from_the_others() -> None:
    lane, done, holds = PriorityWorkerPool(1), list[str](), threading.Event()

    def work(name: str) -> None:
        done.append(name)
        holds.wait(5)

    calls = [asyncio.create_task(lane.call(LATER, partial(work, name))) for name in "abc"]
    await has(done, "a")
    calls[1].cancel()
    await asyncio.sleep(0)
    holds.set()
    await asyncio.gather(*calls, return_exceptions=True)
    await lane.call(LATER, partial(work, "d"))
    lane.close()
    assert done == ["a", "c", "d"]


async def test_an_error_is_raised_where_the_call_was_asked_for_and_the_thread_goes_on() -> None:
    lane = PriorityWorkerPool(1)
    with pytest.raises(OperationalError, match="away"):
        await lane.call(SOON, Counted(OperationalError("away"), 1))
    assert await lane.call(SOON, Counted(OperationalError("away"), 0)) == "kept"
    lane.close()


async def has(done: list[str], name: str) -> None:
    async with asyncio.timeout(5):
        while name not in done:  # noqa: ASYNC110  another thread puts it there
            await asyncio.sleep(0.001)


async def test_commits_that_wait_for_the_disk_together_share_a_sync_and_none_is_taken_for_one_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "desk.sqlite3-wal").touch()
    log, began, committed, covered = WalSync(tmp_path / "desk.sqlite3"), [], 0, []
    sync = log._sync

    def slow() -> None:
        began.append(committed)
        time.sleep(0.01)
        sync()

    monkeypatch.setattr(log, "_sync", slow)

    async def take(after: float) -> None:
        nonlocal committed
        await asyncio.sleep(after)
        committed += 1
        mine = committed
        await log.flush()
        covered.append(began[-1] >= mine)

    await asyncio.gather(*(take(number * 0.001) for number in range(40)))
    assert all(covered)
    assert len(covered) == 40
    assert 2 <= len(began) <= 20


def test_the_log_is_copied_beside_its_writers_and_begun_anew_when_it_is_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_wal, "COPY_EVERY", 0.01)
    monkeypatch.setattr(sqlite_wal, "MAX_LOG", 200)
    path = tmp_path / "desk.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("CREATE TABLE rows (text TEXT)")
        longest = 0
        checkpoints = WalCheckpointer(path)
        for _ in range(400):
            writer.execute("INSERT INTO rows VALUES (?)", ("x" * 9000,))
            longest = max(longest, path.with_name("desk.sqlite3-wal").stat().st_size // 4096)
            time.sleep(0.001)
        time.sleep(0.1)
        checkpoints.close()
        assert 200 < longest < 1000, "400 rows are 1,200 pages and more"
        _, pages, copied = writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        assert pages == copied
    assert path.stat().st_size > 400 * 9000


async def test_a_disk_that_refuses_is_a_database_that_refuses(tmp_path: Path) -> None:
    with pytest.raises(OperationalError, match="could not be put on the disk"):
        await WalSync(tmp_path / "none.sqlite3").flush()


@pytest.mark.django_db(transaction=True)
async def test_what_waits_anyway_is_one_transaction_and_who_fails_takes_no_other_along(rows: Rows) -> None:
    lane, holds, blocks = PriorityWorkerPool(1, together=6), threading.Event(), list[int]()

    def mark(number: int) -> int:
        with transaction.atomic():
            make_worker(f"mark {number}")
            blocks.append(len(connection.savepoint_ids))
            if number == 3:
                raise IntegrityError("not this one")
        return number

    first = asyncio.create_task(lane.call(LATER, partial(holds.wait, 5)))
    await asyncio.sleep(0.01)
    facts = [
        asyncio.create_task(lane.call(SOON, partial(mark, number), may_join=True)) for number in range(1, 4)
    ]
    alone = asyncio.create_task(lane.call(SOON, partial(mark, 4)))
    more = [asyncio.create_task(lane.call(SOON, partial(mark, number), may_join=True)) for number in (5, 6)]
    await asyncio.sleep(0.01)
    holds.set()
    found = await asyncio.gather(*facts, alone, *more, return_exceptions=True)
    await first
    await asyncio.to_thread(lane.close)
    assert found[:2] + found[3:] == [1, 2, 4, 5, 6]
    assert isinstance(found[2], IntegrityError)
    # 1, 2 and 3 together, in vain; each alone; 4, which may not join; 5 and 6 together.
    assert blocks == [1, 1, 1, 0, 0, 0, 0, 1, 1]
    kept = await asyncio.to_thread(
        lambda: set(Worker.objects.filter(boot_id__startswith="mark").values_list("boot_id", flat=True))
    )
    assert kept == {f"mark {number}" for number in (1, 2, 4, 5, 6)}
