"""apt-get for the tests: one session at a time on a machine, and an end within seconds where there is no network."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

#: How long another apt-get, of a person or of the system, may hold the package lists.
WAIT_FOR_LOCK = 300.0  # seconds
OPTIONS = (
    *("-o", f"DPkg::Lock::Timeout={WAIT_FOR_LOCK:.0f}"),
    *("-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=15", "-o", "Acquire::https::Timeout=15"),
)
#: ``DPkg::Lock::Timeout`` does not cover the lists of packages.
IS_LOCKED = "Could not get lock"
#: The last of a message that is shown.
SHOWN = 600  # characters

Say = Callable[[str], None]


class InstallError(Exception):
    """Packages could not be installed; the text says why."""


def install_command(packages: Sequence[str]) -> str:
    """Return the command that a person types, as root."""
    return f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"


def has_apt() -> bool:
    return shutil.which("apt-get") is not None


def is_root() -> bool:
    return os.geteuid() == 0


@contextlib.contextmanager
def only_installer(say: Say) -> Iterator[None]:
    """Hold the lock that all sessions on a machine share. It is on apt-get's own file: nobody has to make one."""
    program = shutil.which("apt-get")
    assert program is not None
    lock = os.open(program, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another session installs packages; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def install(packages: Sequence[str], say: Say) -> None:
    """Install Debian packages without a question. Raises ``InstallError``."""
    updated = _apt_get(["update"], say)
    installed = _apt_get(["install", "-y", "--no-install-recommends", *packages], say)
    if installed.returncode != 0:
        # Without a network the update only warns, and its words are the ones that help.
        texts = [done.stderr.strip()[-SHOWN:] for done in (updated, installed)]
        raise InstallError("\n".join(text for text in texts if text))


def _apt_get(arguments: Sequence[str], say: Say) -> subprocess.CompletedProcess[str]:
    """Run it, again for as long as another one holds a lock that it does not wait for."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    deadline = time.monotonic() + WAIT_FOR_LOCK
    is_told = False
    while True:
        done = subprocess.run(
            ["apt-get", *OPTIONS, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        if done.returncode == 0 or IS_LOCKED not in done.stderr or time.monotonic() > deadline:
            return done
        if not is_told:
            say(f"another apt-get is at work; waiting up to {WAIT_FOR_LOCK:.0f} s for it")
            is_told = True
        time.sleep(1)
