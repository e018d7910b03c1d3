"""One log of all processes, on the console and in a file. Each line begins with the name of its process."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import queue
import sys
import threading
from pathlib import Path
from typing import TextIO

FILE_BYTES = 10_000_000
FILES_KEPT = 5
#: Lines that may wait for a console that does not read; more are dropped and counted.
CONSOLE_LINES = 10_000
COLOURS = (36, 32, 33, 35, 34, 31, 96, 92)
NAME_WIDTH = 11


class Console:
    """Writes lines on its own thread, so that a stopped terminal (Ctrl-S) or an unread pipe stops no supervisor."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(CONSOLE_LINES)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write_lines, name="console", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self, timeout: float) -> None:
        """Write the remaining lines, for at most ``timeout`` seconds."""
        try:
            self._lines.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _write_lines(self) -> None:
        while (line := self._lines.get()) is not None:
            if self._dropped:
                line += f"\n[{self._dropped} lines were not shown here; desk.log has them]"
                self._dropped = 0
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (BrokenPipeError, ValueError):
                return  # the terminal has gone; desk.log goes on
            except OSError:
                self._dropped += 1  # such as a full disk under a console that is a file


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
    """The console and the file ``desk.log``. At 10 MB the file is rotated, and the five newest old files are kept."""

    def __init__(self, path: Path, stream: TextIO = sys.stdout) -> None:
        self._console = Console(stream)
        self._coloured = stream.isatty()
        self._colours: dict[str, int] = {}
        self._file = LinesFile(
            path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8", errors="replace"
        )
        self._file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))

    def line(self, name: str, text: str) -> None:
        """Write one line of the process ``name``."""
        prefix = f"{name:{NAME_WIDTH}} | "
        self._file.emit(logging.LogRecord(name, logging.INFO, "", 0, prefix + text, None, None))
        if self._coloured:
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self._console.write(prefix + text)

    def show(self, text: str) -> None:
        """Print a message on the console only, for texts that no file should store."""
        self._console.write(text)

    def close(self) -> None:
        self._console.close(timeout=0.5)
        with contextlib.suppress(OSError):  # what a full disk did not take
            self._file.close()
