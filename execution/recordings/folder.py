"""A recording as a folder of parts. Each part has some seconds of events, and never changes once it is written.

``books/000001.parquet`` and ``trades/000001.parquet`` are the first part, and so on. A part is read only if both
files exist, and a file exists only when it is complete. So a killed recorder loses only its last part.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from execution.core.market_model.recording import (
    Event,
    RecordedBook,
    RecordedTrade,
    RecordingRules,
    in_order,
)
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.recordings.parquet import library, read_books, read_trades, write_books, write_trades
from execution.recordings.rules_file import read_rules, write_rules

BOOKS, TRADES = "books", "trades"
#: A part with this many events is written at once, so that a recorder's memory is bounded.
MAX_PART = 5_000


@dataclass(slots=True)
class Part:
    """The events that were received since the last call of ``take_part``."""

    books: list[RecordedBook] = field(default_factory=list)
    trades: list[RecordedTrade] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.books) + len(self.trades)

    def add(self, event: Event) -> None:
        if isinstance(event, RecordedBook):
            self.books.append(event)
        else:
            self.trades.append(event)


class RecordingWriter:
    """The writer of one recording. ``write`` may run on another thread while events are added."""

    def __init__(self, folder: Path, rules: RecordingRules) -> None:
        """Begin a recording in an empty folder. Raise ``Refused`` or OSError.

        ``Refused`` means that the folder is not empty, or pyarrow is missing. OSError means that writing failed.
        """
        library()
        refuse_used(folder)
        for name in (BOOKS, TRADES):
            (folder / name).mkdir(parents=True, exist_ok=True)
        write_rules(folder, rules)
        self.folder = folder
        self.books = self.trades = 0  #: events that are in written parts
        self._rules = rules
        self._part = Part()
        self._count = 0

    @property
    def is_full(self) -> bool:
        """Return True if so many events wait that they should be written before more are received."""
        return len(self._part) >= MAX_PART

    def add(self, event: Event) -> None:
        self._part.add(event)

    def take_part(self) -> Part:
        """Return the events to write next. Events that are added later belong to the next part."""
        part, self._part = self._part, Part()
        return part

    def write(self, part: Part) -> None:
        """Write one part, unless it is empty. Raise ``Refused`` or OSError on failure; the folder stays readable."""
        if not len(part):
            return
        name = part_name(self._count + 1)
        # The trades first: a part without its books does not count.
        write_trades(self.folder / TRADES / name, part.trades)
        write_books(self.folder / BOOKS / name, part.books)
        for kind in (TRADES, BOOKS):
            _sync(self.folder / kind)
        self._count += 1
        self.books += len(part.books)
        self.trades += len(part.trades)

    def close(self, ended: int) -> None:
        """Write the remaining events, and the time at which the recording ended."""
        self.write(self.take_part())
        write_rules(self.folder, replace(self._rules, ended=ended))


class Recording:
    """A recording that is read with a bounded amount of memory."""

    def __init__(self, folder: Path) -> None:
        """Open a folder. Raise ``Refused`` if it is not a recording, or if a part in its middle is missing."""
        library()
        self.folder = folder
        self.rules = read_rules(folder)
        self._parts = self._find_parts()

    def events(self, symbol: str) -> Iterator[Event]:
        """Yield one symbol's events in their order. Raise ``Refused`` at an event that cannot be read."""
        if symbol not in self.rules.markets:
            known = ", ".join(sorted(self.rules.markets))
            message = f"{self.folder} has no {symbol!r}. It has {known}."
            refuse("symbol", message, symbol, known, code=Code.VALUE_NOT_ALLOWED)
        before = 0
        for name in self._parts:
            books = read_books(self.folder / BOOKS / name, symbol)
            trades = read_trades(self.folder / TRADES / name, symbol)
            for event in in_order(books, trades):
                if event.number <= before:
                    message = f"{self.folder}, part {name}: event {event.number} comes after {before}."
                    refuse("recording", message, event.number, before, code=Code.VALUE_MALFORMED)
                before = event.number
                yield event

    def _find_parts(self) -> list[str]:
        found = {name: _listed(self.folder / name) for name in (BOOKS, TRADES)}
        parts = sorted(found[BOOKS])
        for number, name in enumerate(parts, start=1):
            if name != part_name(number) or name not in found[TRADES]:
                message = f"{self.folder} lacks a file of part {part_name(number)}."
                refuse("recording", message, str(self.folder), code=Code.FILE_UNREADABLE)
        return parts


def part_name(number: int) -> str:
    return f"{number:06d}.parquet"


def refuse_used(folder: Path) -> None:
    """Raise ``Refused`` if the path is a folder that is not empty, or is not a folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder} is there already and not empty. A recording needs a folder of its own."
        refuse("out", message, str(folder), code=Code.VALUE_NOT_ALLOWED)


def _listed(folder: Path) -> set[str]:
    try:
        # A name that begins with a point is a file that was being written.
        return {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    except OSError as error:
        message = f"{folder} cannot be read: {error.strerror}."
        refuse("recording", message, str(folder), code=Code.FILE_UNREADABLE)


def _sync(folder: Path) -> None:
    """Write the folder's list of names to the disk, so that new files survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
