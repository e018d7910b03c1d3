"""A pseudo-terminal for tests: what a program writes to it, and what a person sees of that."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import termios
import threading
from types import TracebackType

_ERASE_LINE = ("\x1b[K", "\x1b[2K")
_UP = re.compile(r"\x1b\[(\d*)A")
#: Colours, and the cursor that is hidden or shown.
_LOOKS = re.compile(r"\x1b\[[0-9;?]*[mhl]")
_PIECES = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z]|\r|\n)")


class Terminal:
    """A terminal of ``columns`` that a thread reads. ``stream`` is its side for a program."""

    def __init__(self, columns: int = 100, rows: int = 40) -> None:
        self._reading, self.writing = os.openpty()
        fcntl.ioctl(self.writing, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.stream = os.fdopen(os.dup(self.writing), "w", encoding="utf-8", buffering=1)
        self._content = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        os.close(self._reading)

    def close(self) -> None:
        """Close the program's side, and read what is left."""
        with contextlib.suppress(OSError):
            self.stream.close()
        with contextlib.suppress(OSError):
            os.close(self.writing)
        self._thread.join(10)

    def text(self) -> str:
        """Return all that was written, with the terminal's codes."""
        return self._content.decode(errors="replace")

    def screen(self) -> list[str]:
        """Return the lines that a person sees now, without empty ones at the end."""
        lines, row = [""], 0
        is_overwriting = False
        for piece in _PIECES.split(_LOOKS.sub("", self.text())):
            if piece == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif piece == "\r":
                is_overwriting = True
            elif piece in _ERASE_LINE:
                lines[row] = ""
            elif up := _UP.fullmatch(piece):
                row = max(0, row - int(up[1] or 1))
            elif piece:
                lines[row] = piece + lines[row][len(piece) :] if is_overwriting else lines[row] + piece
                is_overwriting = False
        while lines and not lines[-1].strip():
            lines.pop()
        return [line.rstrip() for line in lines]

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the other side is closed
            while part := os.read(self._reading, 65_536):
                self._content += part
