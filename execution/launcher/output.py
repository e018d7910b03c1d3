"""One log of all processes in a file, and on the console the desk's own lines or all of them."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import queue
import sys
import threading
import time
from collections import defaultdict, deque
from itertools import cycle
from pathlib import Path
from typing import TextIO

FILE_BYTES = 10_000_000
FILES_KEPT = 5
#: Lines that may wait for a console that does not read; more are dropped and counted.
CONSOLE_LINES = 10_000
COLOURS = (36, 32, 33, 35, 34, 31, 96, 92)
NAME_WIDTH = 11
#: The supervisor's own name in the log.
DESK = "desk"
#: The last lines of each process that are kept, for a start that fails.
LINES_KEPT = 12
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
TICK = 0.1  # seconds between two frames
CLEAR = "\r\x1b[K"
GREEN, DIM, BOLD = 32, 2, 1


class Console:
    """Writes lines on its own thread, so that a stopped terminal (Ctrl-S) or an unread pipe stops no supervisor.

    A terminal also has a last line that says what is waited for. It moves, and makes way for every other line.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._lines: queue.Queue[str | None] = queue.Queue(CONSOLE_LINES)
        self._dropped = 0
        self._waiting = ""
        self._thread = threading.Thread(target=self._write_lines, name="console", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def wait_for(self, what: str) -> None:
        """Show ``what`` in the last line of a terminal, until it is an empty text."""
        if self._is_terminal:
            self._waiting = what
            with contextlib.suppress(queue.Full):
                self._lines.put_nowait("")  # or a thread that waits for a line would not see it

    def close(self, timeout: float) -> None:
        """Write the remaining lines, for at most ``timeout`` seconds."""
        self._waiting = ""
        try:
            self._lines.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _write_lines(self) -> None:
        frames, is_shown = cycle(FRAMES), False
        while True:
            waiting = self._waiting
            try:
                line = self._lines.get(timeout=TICK if waiting else None)
            except queue.Empty:
                line = ""
            if line and self._dropped:
                line += f"\n[{self._dropped} lines were not shown here; desk.log has them]"
                self._dropped = 0
            text = (CLEAR if is_shown else "") + (f"{line}\n" if line else "")
            if is_shown := bool(self._waiting):
                text += self._last_line(next(frames), self._waiting)
            try:
                self._put(text)
            except (BrokenPipeError, ValueError):
                return  # the terminal has gone; desk.log goes on
            except OSError:
                self._dropped += 1  # such as a full disk under a console that is a file
            if line is None:
                return

    def _last_line(self, frame: str, waiting: str) -> str:
        """Return the last line, cut to the terminal's width: a line that wraps could not be taken back."""
        width = 80
        with contextlib.suppress(OSError, ValueError):
            width = os.get_terminal_size(self._stream.fileno()).columns or width
        return f"  {frame} {waiting}"[: width - 1]

    def _put(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class LinesFile(logging.handlers.RotatingFileHandler):
    """A log file that raises no errors while the disk is full. Lines that cannot be written are lost and counted."""

    lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        owed = self.lost
        if owed:
            note = f"{owed} lines could not be written here: the disk took nothing"
            super().emit(logging.LogRecord("desk", logging.WARNING, "", 0, note, None, None))
            if self.lost > owed:  # nor is this one, which is counted in the note's stead
                return
            self.lost = 0
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  # logging's name
        """Count a line that could not be written, and close the file. The next line opens the file again."""
        self.lost += 1
        stream, self.stream = self.stream, None
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()


class DeskLog:
    """The console and the file ``desk.log``. At 10 MB the file is rotated, and the five newest old files are kept.

    The file has every line of every process. The console has them if ``shows_all``, else the desk's own lines alone.
    """

    def __init__(self, path: Path, stream: TextIO = sys.stdout, *, shows_all: bool = True) -> None:
        self._console = Console(stream)
        self._is_coloured = stream.isatty() and "NO_COLOR" not in os.environ
        self._shows_all = shows_all
        self._colours: dict[str, int] = {}
        self._last: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=LINES_KEPT))
        self._file = LinesFile(
            path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8", errors="replace"
        )
        self._file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))

    def line(self, name: str, text: str, *, shown: str | None = None) -> None:
        """Write one line of the process ``name``. A console without the log shows ``shown`` instead."""
        prefix = f"{name:{NAME_WIDTH}} | "
        self._file.emit(logging.LogRecord(name, logging.INFO, "", 0, prefix + text, None, None))
        self._last[name].append(text)
        if self._shows_all:
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            self._console.write(self._painted(prefix, colour) + text)
        elif name == DESK:
            now = self._painted(time.strftime("%H:%M:%S"), DIM)
            self._console.write(f"  {now}  {text}" if shown is None else shown)

    def step(self, name: str, seconds: float, more: str = "") -> None:
        """Write that a part of the desk is ready, ``seconds`` after the start."""
        mark, age = self._painted("✓", GREEN), self._painted(f"{seconds:5.1f} s", DIM)
        words = f"{name} is ready after {seconds:.1f} s"
        shown = f"  {mark} {name:{NAME_WIDTH}} {age}" + (f"  {more}" if more else "")
        self.line(DESK, f"{words}: {more}" if more else words, shown=shown)

    def wait_for(self, what: str) -> None:
        """Show on a terminal without the log what the desk waits for; an empty text is nothing."""
        if not self._shows_all:
            self._console.wait_for(what)

    def last_lines(self, name: str) -> str:
        """Return the last lines of a process, each on a line of its own."""
        return "".join(f"\n    {line}" for line in self._last[name])

    def show(self, text: str, *, is_strong: bool = False) -> None:
        """Print a message on the console only, for texts that no file should store."""
        self._console.write(self._painted(text, BOLD) if is_strong else text)

    def close(self) -> None:
        self._console.close(timeout=0.5)
        with contextlib.suppress(OSError):  # what a full disk did not take
            self._file.close()

    def _painted(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._is_coloured else text
