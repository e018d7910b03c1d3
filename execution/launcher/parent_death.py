"""The parent-death signal, which ends a process of the desk when its supervisor dies.

Only Linux has this signal, and only on Linux ``supported`` returns True. On other systems a supervisor that is killed
with -9 leaves its children running.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1


def supported() -> bool:
    return sys.platform.startswith("linux")


def dies_with_parent() -> Callable[[], None] | None:
    """Return a function for a child to run between fork and exec, so that it is killed when this process dies.

    The signal is sent when the *thread* that forked ends. So only the main thread may start processes with it.
    """
    if not supported():
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before the fork: a forked child should do little
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died between the fork and the request
            os._exit(1)

    return ask


def follow_uv() -> None:
    """If ``uv run`` is our parent, ask the kernel to send us SIGTERM when it dies.

    Otherwise a kill -9 of uv would leave us running.
    """
    parent = os.getppid()
    if not supported() or _name_of(parent) != "uv":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("uv ended while the desk was starting")


def _name_of(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/comm").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
