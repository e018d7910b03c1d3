"""The desk's files under its folder: the lock, private notes, and free ports."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Collection
from pathlib import Path

from django.core.management import CommandError

PRIVATE_MODE = 0o600
SINGLE_PAPER_FILES = (
    *("accounts.json", "control", "port"),
    *("paper.sqlite3-wal", "paper.sqlite3-shm", "paper.sqlite3"),
)


def write_private(path: Path, text: str) -> None:
    """Replace the file ``path`` by ``text`` in one step. Only the owner can read it, at every moment."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), PRIVATE_MODE)  # a left-over may have been opened to others
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)  # half of it; what stands at ``path`` is whole
        raise


def write_pids(path: Path, pids: dict[str, int]) -> None:
    write_private(path, json.dumps(pids, indent=1) + "\n")


def lock_folder(run: Path) -> int:
    """Lock the folder for this desk while the process lives, and return the lock's descriptor.

    Raises ``CommandError`` when another desk has locked it. However the process ends, the kernel then releases the
    lock.
    """
    descriptor = os.open(run / "desk.lock", os.O_RDWR | os.O_CREAT, PRIVATE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise CommandError(
            f"a desk is already running on {run.parent} (process {holder}): "
            "stop it first, or give this one another folder with --var"
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def usable_port(host: str, port: int, option: str) -> int:
    """Return ``port`` if it is free; for 0 any free one. Raises ``CommandError`` naming the port."""
    if not 0 <= port <= 65_535:
        raise CommandError(f"{option} {port}: a port is 0 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(
            f"port {port} on {host} cannot be used ({reason}): choose another with {option}"
        ) from error


def usable_paper_port(note: Path, port: int, *, taken: Collection[int]) -> int:
    """Return ``port`` if one was requested, else the port in ``note`` if it is free, else any free port.

    ``note`` holds the port of the last run, so that the paper exchange keeps its address. ``taken`` are ports that are
    reserved although nobody listens on them yet. Unless such a port was requested, it is not returned.
    """
    if port:
        return usable_port("127.0.0.1", port, "--paper-port")
    if note.exists():
        try:
            last = usable_port("127.0.0.1", int(note.read_text(encoding="ascii")), "--paper-port")
            if last not in taken:
                return last
        except (CommandError, ValueError):
            pass  # taken by now, or the note is damaged: any free port serves as well
    while (free := usable_port("127.0.0.1", 0, "--paper-port")) in taken:
        pass
    return free


def move_single_paper(folder: Path, label: str) -> None:
    """Move the files of the former single paper exchange from ``folder`` itself into its subfolder ``label``.

    Each file is moved by one rename. After a crash in between, the next start moves the remaining files.
    """
    for name in SINGLE_PAPER_FILES:
        if (folder / name).exists():
            (folder / label).mkdir(exist_ok=True)
            (folder / name).replace(folder / label / name)


def read_people(path: Path) -> dict[str, str]:
    """Read the passwords of ``people.txt`` by user name."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if line.strip())
