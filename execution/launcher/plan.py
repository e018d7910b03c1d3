"""The processes of a desk: their commands, their environments, and the checks that they are ready."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.management import CommandError

from execution.launcher import redis_server
from execution.launcher.child import ChildSpec
from execution.launcher.environments import django_environment, plain_environment, worker_environment

LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where a probe reaches who listens there
ENGINE_THREADS = 4
#: Two, because one thread may wait for a receiver that takes alerts slowly.
COMPUTE_THREADS = 2
#: The seed of the price that all paper venues share. Another seed gives another price.
PAPER_SEED = 1
PAPER = "paper-"


def answers_http(host: str, port: int, path: str) -> Callable[[], Awaitable[bool]]:
    """Return a check that is True as soon as the address answers a GET in HTTP, whatever the status.

    It writes the request itself, because importing an HTTP client would delay the start by a third of a second.
    """

    async def ask() -> bool:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            return (await reader.readline()).startswith(b"HTTP/")
        finally:
            writer.close()

    async def check() -> bool:
        try:
            async with asyncio.timeout(10):
                return await ask()
        except (OSError, TimeoutError):
            return False

    return check


@dataclass(frozen=True, slots=True)
class Plan:
    """The folders and addresses of this desk. ``paper_ports`` maps the label of each paper venue to its port."""

    base: Path
    var: Path
    keyring: Path
    alert_keyring: Path
    host: str
    port: int
    workers: int
    paper_ports: Mapping[str, int]

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def address(self) -> str:
        """Return the address for a browser on this machine."""
        host = self.reachable_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def reachable_host(self) -> str:
        """Return the host by which this machine reaches a server that listens on ``host``."""
        return EVERYWHERE.get(self.host, self.host)

    def redis_url(self) -> str:
        """Return ``REDIS_URL``, else the socket of our own server."""
        return os.environ.get("REDIS_URL") or f"unix://{redis_server.socket_path(self.var)}"

    def redis(self) -> ChildSpec | None:
        """Return the spec of the desk's own Redis; None if ``REDIS_URL`` names another one."""
        if os.environ.get("REDIS_URL"):
            return None
        folder = self.var / "redis"
        folder.mkdir(mode=0o700, exist_ok=True)
        socket = redis_server.socket_path(self.var)
        command = redis_server.server_command(redis_server.server_binary(), socket, folder)
        return ChildSpec(
            "redis", command, plain_environment(), self.base, lambda: redis_server.socket_answers(socket)
        )

    def papers(self) -> list[ChildSpec]:
        """Return the specs of the paper venues. The list is empty if the installation is not a paper one."""
        return [self._paper(label, port) for label, port in self.paper_ports.items()]

    def _paper(self, label: str, port: int) -> ChildSpec:
        arguments = ("--profile", label, "--host", "127.0.0.1", "--port", str(port))
        state = ("--folder", str(self.var / "paper" / label), "--seed", str(PAPER_SEED))
        command = ["-m", "execution.paper", *arguments, *state]
        ready = answers_http("127.0.0.1", port, "/api/v3/ping")
        return self._python(f"{PAPER}{label}", command, plain_environment(), ready)

    def web(self) -> ChildSpec:
        environment = django_environment(var=str(self.var))
        if self.host not in LOOPBACK and "ALLOWED_HOSTS" not in environment:
            environment["ALLOWED_HOSTS"] = ",".join(("localhost", "127.0.0.1", "[::1]", self.host))
        bind = ("-b", self.host, "-p", str(self.port))
        quiet = ("-v", "0", "--no-server-name")
        pings = ("--ping-interval", "20", "--ping-timeout", "30", "--application-close-timeout", "2")
        command = ["-m", "config.web", *bind, *quiet, *pings]
        return self._python(
            "web", command, environment, answers_http(self.reachable_host, self.port, "/login")
        )

    def beat(self) -> ChildSpec:
        # The level comes from the settings; no pid file, the lock is the desk's own.
        command = ["-m", "celery", "-q", "-A", "config", "beat", "--pidfile", ""]
        return self._python("beat", command, django_environment(var=str(self.var)), None)

    def engines(self) -> list[ChildSpec]:
        names = [f"engine{number}" for number in range(1, self.workers + 1)]
        return [self._worker(name, "engine", ENGINE_THREADS, keyring=str(self.keyring)) for name in names]

    def compute(self) -> ChildSpec:
        return self._worker("compute", "compute", COMPUTE_THREADS, alert_keyring=str(self.alert_keyring))

    def _worker(self, name: str, queue: str, threads: int, **keyrings: str) -> ChildSpec:
        ready_file = self.run / f"{name}.ready"
        environment = worker_environment(var=str(self.var), ready_file=str(ready_file), **keyrings)
        # Nobody gossips: workers learn of each other from the database, and a start waits for no mingling.
        alone = ("--without-mingle", "--without-gossip")
        pool = ("-P", "threads", "-c", str(threads), "-Q", queue, "-n", f"{name}@%h")

        async def is_ready() -> bool:
            return ready_file.exists()

        return ChildSpec(
            name,
            [sys.executable, "-m", "celery", "-q", "-A", "config", "worker", *pool, *alone],
            environment,
            self.base,
            is_ready,
            before=lambda: ready_file.unlink(missing_ok=True),
        )

    def _python(
        self,
        name: str,
        arguments: list[str],
        environment: dict[str, str],
        is_ready: Callable[[], Awaitable[bool]] | None,
    ) -> ChildSpec:
        return ChildSpec(name, [sys.executable, *arguments], environment, self.base, is_ready)


def refuse_bad_workers(workers: int) -> None:
    if not 1 <= workers <= 16:
        raise CommandError(f"--workers {workers}: a desk has 1 to 16 engine workers")
