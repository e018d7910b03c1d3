"""The figures of a running desk: those of each process, of its files and of its database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from execution.core.states import ORDER_FINAL
from execution.models import ChildOrder, Fill, JournalEntry, Order
from execution.verification.benchmark.processes import PROC, memory_of
from execution.verification.benchmark.records import ALIAS

MEGABYTE = 1e6
DATABASE = "tranche.sqlite3"


def open_files(pid: int) -> int | None:
    """Return the number of open files of a process; None if it no longer exists."""
    try:
        return len(os.listdir(PROC / str(pid) / "fd"))
    except OSError:
        return None


def threads(pid: int) -> int | None:
    """Return the number of threads of a process; None if it no longer exists."""
    try:
        return len(os.listdir(PROC / str(pid) / "task"))
    except OSError:
        return None


def process_figures(pids: Mapping[str, int]) -> dict[str, float]:
    """Return memory (PSS, MB), open files and threads of each process, under names such as ``engine1 memory``."""
    found: dict[str, float | None] = {}
    for name, pid in pids.items():
        found |= {
            f"{name} memory": memory_of(pid).pss,
            f"{name} handles": open_files(pid),
            f"{name} threads": threads(pid),
        }
    return {name: float(value) for name, value in found.items() if value is not None}


def size_of(path: Path) -> float:
    """Return the size of a file in MB, or zero if it does not exist."""
    try:
        return path.stat().st_size / MEGABYTE
    except FileNotFoundError:
        return 0.0


def stored_figures(var: Path) -> dict[str, float]:
    """Return the sizes of the database, its write-ahead log and the desk's logs in MB, and the numbers of rows."""
    orders = Order.objects.using(ALIAS)
    return {
        "database": size_of(var / DATABASE),
        "write-ahead log": size_of(var / f"{DATABASE}-wal"),
        "logs": sum(size_of(path) for path in var.glob("*.log*")),
        "live orders": orders.exclude(status__in=ORDER_FINAL).count(),
        "orders": orders.count(),
        "children": ChildOrder.objects.using(ALIAS).count(),
        "fills": Fill.objects.using(ALIAS).count(),
        "journal entries": JournalEntry.objects.using(ALIAS).count(),
    }
