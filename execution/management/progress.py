"""The progress of a command: a bar on the terminal with the time left. Where nobody looks, nothing is written."""

from __future__ import annotations

import io
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from types import TracebackType
from typing import IO, TYPE_CHECKING, Generic, Protocol, Self, TypeVar, cast

from django.core.management.base import OutputWrapper

from execution.core.durations import as_words

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

Clock = Callable[[], float]
REFRESHES = 5  # a second
BAR = 28  # columns


@dataclass(frozen=True, slots=True)
class Reading:
    """The progress of a run: its stage in words, the share that is done, and the seconds left (None: unknown)."""

    words: str
    share: float
    left: float | None


class Gauge(Protocol):
    """A source of readings. It is read from another thread than the run's."""

    def read(self) -> Reading: ...


class CountGauge:
    """Progress in equal pieces of work. The time left follows from the pace so far."""

    def __init__(self, words: str, total: int, unit: str, clock: Clock = time.monotonic) -> None:
        self._words, self._total, self._unit = words, max(total, 1), unit
        self._clock = clock
        self._begun = clock()
        self._progress = (0, self._begun)  # one object, because another thread reads it

    def add(self, count: int = 1) -> None:
        self._progress = (self._progress[0] + count, self._clock())

    def read(self) -> Reading:
        done, at = self._progress
        words = f"{self._words}, {done:,} of {self._total:,} {self._unit}"
        left = None
        if done:
            each = (at - self._begun) / done
            left = max(0.0, each * (self._total - done) - (self._clock() - at))
        return Reading(words, min(1.0, done / self._total), left)


class StageGauge:
    """Progress through named stages, each with its expected seconds.

    A stage that takes longer than expected stands still at its end. ``more`` returns words to add, such as a count.
    """

    def __init__(
        self,
        stages: Mapping[str, float],
        clock: Clock = time.monotonic,
        more: Callable[[], str] = lambda: "",
    ) -> None:
        self._stages, self._clock, self._more = dict(stages), clock, more
        ends = list(accumulate(self._stages.values(), initial=0.0))
        self._starts, self._total = dict(zip(self._stages, ends, strict=False)), ends[-1]
        self._present = (next(iter(self._stages)), clock())

    def begin(self, stage: str) -> None:
        """Go to the start of a stage. Raise ``KeyError`` for one that was not named."""
        if stage not in self._stages:
            raise KeyError(stage)
        self._present = (stage, self._clock())

    def read(self) -> Reading:
        stage, at = self._present
        done = self._starts[stage] + min(self._clock() - at, self._stages[stage])
        more = self._more()
        share = done / self._total if self._total > 0 else 1.0
        return Reading(f"{stage}, {more}" if more else stage, min(1.0, share), max(0.0, self._total - done))


G = TypeVar("G", bound=Gauge)


class Bar(Generic[G]):
    """A bar on ``stream`` while the block runs. It is drawn only if the stream is a terminal."""

    def __init__(self, stream: OutputWrapper, gauge: G) -> None:
        self.gauge = gauge
        self._stream = stream
        self._live: Live | None = None
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        if self._stream.isatty():
            from rich.console import Console  # here: a command that nobody watches does not need it
            from rich.live import Live

            console = Console(file=cast(IO[str], _Plain(self._stream)), force_terminal=True)
            self._live = Live(
                get_renderable=self._render,
                console=console,
                refresh_per_second=REFRESHES,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """Write a line above the bar, only if a person looks."""
        if self._live is not None:
            self.write(self._stream, text)

    def warn(self, text: str) -> None:
        """Write a line to the stream, whether or not a person looks."""
        self.write(self._stream, text)

    def write(self, stream: OutputWrapper, text: str) -> None:
        """Write a line to any stream of the command. A bar makes way for it."""
        with self._lock:
            live = self._live
            if live is not None:
                live.stop()
            is_ours = live is not None and stream is self._stream
            stream.write(text, style_func=str if is_ours else None)
            if live is not None:
                stream.flush()
                live.start(refresh=True)

    def _render(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        reading = self.gauge.read()
        row = Table.grid(padding=(0, 1))
        row.add_column(no_wrap=True, overflow="ellipsis")
        for _ in range(3):
            row.add_column(no_wrap=True)
        bar = ProgressBar(total=1.0, completed=reading.share, width=BAR)
        row.add_row(Text(reading.words), bar, Text(f"{reading.share:4.0%}"), Text(left_words(reading.left)))
        return row


class StageBar(Bar[StageGauge]):
    """A bar over named stages. It is the ``Watcher`` of a verification run."""

    def __init__(self, stream: OutputWrapper, stages: Mapping[str, float]) -> None:
        super().__init__(stream, StageGauge(stages))

    def begin(self, stage: str) -> None:
        self.gauge.begin(stage)


def left_words(seconds: float | None) -> str:
    """Return the time left in words, rounded up to whole seconds: "0 s left" appears only at the end."""
    return "" if seconds is None else f"{as_words(timedelta(seconds=math.ceil(seconds)))} left"


class _Plain(io.TextIOBase):
    """A command's stream for rich, without the line ends and colours that the command's messages get."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(getattr(self._stream, "encoding", None) or "utf-8")

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._stream.write(text, style_func=str, ending="")
        return len(text)

    def flush(self) -> None:
        self._stream.flush()
