"""A PostgreSQL cluster for tests and the chaos command.

The cluster listens on a free port of 127.0.0.1 and on a Unix socket, and asks for a password on both. It does not
wait for the disk, so it must not hold important data. PostgreSQL refuses to run as root. Started by root, it runs as
``postgres``, or else as ``nobody``.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.core.management import CommandError
from psycopg import sql

from execution.launcher.files import free_port
from execution.launcher.parent_death import dies_with_parent

INSTALLED = Path("/usr/lib/postgresql")  # where Debian puts each version's programs
USER = "tranche"
START_WITHIN = 20.0  # seconds
STOP_WITHIN = 10.0  # seconds
#: No commit waits for the disk. Committed data survives a kill of every process, but not of the machine.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}
SETTINGS = {"listen_addresses": "127.0.0.1", "max_connections": "100", "shared_buffers": "64MB"}
#: The server runs as the first of these users that exists, instead of root.
UNPRIVILEGED = ("postgres", "nobody")


def programs_folder() -> Path | None:
    """Return the folder of ``postgres`` and ``initdb``: that on the PATH, else the newest from Debian, else None."""
    candidates = [Path(found).resolve().parent] if (found := shutil.which("postgres")) else []
    versions = [path for path in INSTALLED.glob("*/bin") if path.parent.name.isdigit()]
    candidates += sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    for folder in candidates:
        if all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")):
            return folder
    return None


class PostgresServer:
    """One cluster in ``folder``, which only its user can enter. Its port stays the same over restarts."""

    def __init__(self, folder: Path, **settings: str) -> None:
        programs = programs_folder()
        if programs is None:
            raise CommandError("no PostgreSQL: install postgresql (Debian: apt-get install postgresql)")
        self.folder = folder
        self.programs = programs
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._settings = settings
        self._password = secrets.token_hex(16)

    def url(self, database: str = USER) -> str:
        """Return ``DATABASE_URL`` of one of its databases, over TCP."""
        return f"postgres://{USER}:{self._password}@127.0.0.1:{self.port}/{quote(database)}"

    @property
    def log(self) -> str:
        """Return the server's log so far."""
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Create the cluster at the first call, start it, and wait until it accepts connections."""
        if self.process is not None and self.process.poll() is None:
            return
        is_new = not (self.folder / "data" / "PG_VERSION").exists()
        if is_new:
            self._make()
        deadline = time.monotonic() + START_WITHIN
        while not self._try_start(deadline):
            if time.monotonic() > deadline:
                raise CommandError(
                    f"PostgreSQL did not start within {START_WITHIN:.0f} s: {self.log[-2000:]}"
                )
            time.sleep(0.1)  # what a killed one has left behind goes away by itself
        if is_new:
            self.create_database(USER)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server. SIGINT closes connections and writes everything. SIGQUIT and SIGKILL are like crashes."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(STOP_WITHIN)

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server as ``stop`` does, and start it on the same port."""
        self.stop(how)
        self.start()

    def create_database(self, name: str) -> None:
        """Create an empty database, in place of one with the same name."""
        with self.connect("postgres") as connection:
            identifier = sql.Identifier(name)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))

    def connect(self, database: str = USER) -> psycopg.Connection[Any]:
        """Open a connection that commits each statement."""
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)

    # --- inside ----------------------------------------------------------------------------------

    def _make(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        password = self.folder / "password"
        password.write_text(self._password, encoding="ascii")
        password.chmod(0o600)
        if user := _server_user():
            for path in (self.folder, password):
                os.chown(path, user.pw_uid, user.pw_gid)
        command = [str(self.programs / "initdb"), "-D", str(self.folder / "data"), "-U", USER, "-N"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256", "--pwfile", str(password)]
        made = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, **_as_server_user()
        )
        password.unlink()
        if made.returncode != 0:
            raise CommandError(f"initdb failed in {self.folder}: {made.stderr.strip()[-2000:]}")

    def _try_start(self, deadline: float) -> bool:
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        settings = SETTINGS | FAST | {"unix_socket_directories": str(self.folder)} | self._settings
        for name, text in settings.items():
            command += ["-c", f"{name}={text}"]
        with open(self.folder / "log", "ab") as log:
            self.process = process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_in_main_thread(dies_with_parent()),
                **_as_server_user(),
            )
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError), self.connect("postgres"):
                return True
            time.sleep(0.02)
        return False


def _server_user() -> pwd.struct_passwd | None:
    if os.getuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise CommandError("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _as_server_user() -> dict[str, Any]:
    user = _server_user()
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _in_main_thread(ask: Callable[[], None] | None) -> Callable[[], None] | None:
    """Return ``ask``, which requests the parent-death signal, in the main thread, and None in any other.

    The signal is sent when the thread that forked ends, and another thread may end before this process does.
    """
    return ask if threading.current_thread() is threading.main_thread() else None
