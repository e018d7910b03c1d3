"""The processor time and memory of processes, from /proc of Linux. On other systems they are unknown."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
KIB = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in megabytes (10^6). PSS divides shared pages among their processes, so that PSS figures can be added."""

    rss: float | None
    pss: float | None


def memory_of(pid: int) -> Memory:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return Memory(None, None)
    fields = dict(line.split(":", 1) for line in lines[1:])
    return Memory(_megabytes(fields.get("Rss")), _megabytes(fields.get("Pss")))


def _megabytes(field: str | None) -> float | None:
    return None if field is None else int(field.split()[0]) * KIB / 1e6


def processor_seconds(pid: int) -> float | None:
    """Return the user and system time of a process with all its threads; None if it no longer exists."""
    try:
        after_name = (PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def processor_use(pids: Mapping[str, int], seconds: float, wait: Callable[[float], None]) -> dict[str, float]:
    """Return each process's use of one core over ``seconds``, in percent.

    A process that ended in this time is left out.
    """
    before = {name: processor_seconds(pid) for name, pid in pids.items()}
    begun = time.monotonic()
    wait(seconds)
    passed = time.monotonic() - begun
    used: dict[str, float] = {}
    for name, pid in pids.items():
        first, last = before[name], processor_seconds(pid)
        if first is not None and last is not None:
            used[name] = (last - first) / passed * 100
    return used


def machine() -> str:
    """Return one line on this machine's cores, processor and Python."""
    import platform

    info = PROC / "cpuinfo"
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    model = next(models, platform.machine())
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"{len(os.sched_getaffinity(0))} cores, {model}, {system}, Python {platform.python_version()}"
