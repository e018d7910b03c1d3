"""Hosts of one installation: processes with folders and environments of their own, joined by database and Redis."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import environ
from django.core.management import call_command
from django.db import connections

from config.databases import with_options
from execution.engine.keyring import keyring_ensure
from execution.launcher.environments import worker_environment
from execution.launcher.parent_death import dies_with_parent
from execution.launcher.postgres_server import PostgresServer
from execution.models import Account, Environment, Role, User, Worker
from execution.selectors.quote_signatures import signing_key
from execution.services.accounts.accounts import account_add, credential_add, venue_ensure
from execution.services.desk.installation import installation_ensure
from tests.checks import REPOSITORY
from tests.engine.exchange import Exchange
from tests.paper.keys import secret_of
from tests.postgresql.proxy import Proxy

SYMBOL = "BTC/USDT"
KEY = "key-of-the-desk"


@contextlib.contextmanager
def database_at(url: str, blocker: Any) -> Iterator[None]:
    """Let this process's models and services work on the database at ``url`` within the block."""
    former, was = connections.databases["default"], connections["default"]
    connections.databases["default"] = former | with_options(environ.Env.db_url_config(url))
    connections["default"] = connections.create_connection("default")
    signing_key.cache_clear()
    with blocker.unblock():
        try:
            yield
        finally:
            connections["default"].close()
            connections["default"] = was
            signing_key.cache_clear()
            connections.databases["default"] = former


def installation_make(keyring: Path, exchange: Exchange) -> Account:
    """Make tables, an installation, a trader and an account with a key at the exchange, in the current database."""
    call_command("migrate", interactive=False, verbosity=0)
    public_key = keyring_ensure(keyring)
    installation_ensure(environment=Environment.PAPER, sealing_key=public_key, now=datetime.now(UTC))
    trader = User.objects.create_user("trader", role=Role.TRADER)
    venue = venue_ensure(label="paper", exchange="binance", options=exchange.options)
    account = account_add(
        label="paper", venue=venue, environment=Environment.PAPER, symbols=[SYMBOL], traders=[trader]
    )
    credential_add(account=account, secrets={"apiKey": KEY, "secret": secret_of(KEY)}, last_four="desk")
    return account


@dataclass
class Host:
    """An engine worker on a host of its own: its folder, its copy of the keyring, its way to database and Redis."""

    name: str
    var: Path
    keyring: Path
    database_url: str
    redis_url: str
    process: subprocess.Popen[bytes] | None = None
    to_close: list[Callable[[], None]] = field(default_factory=list)

    def start(self) -> None:
        """Start the worker, again where it has ended: what systemd does."""
        self.var.mkdir(mode=0o700, exist_ok=True)
        own_keyring = self.var / "keyring"
        shutil.copy(self.keyring, own_keyring)
        environment = worker_environment(
            var=str(self.var), keyring=str(own_keyring), ready_file=str(self.var / "ready")
        )
        # A paper installation's secret for sessions is no worker's business.
        environment |= {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": "of-the-tests-" * 5,
        }
        command = [sys.executable, "-m", "celery", "-q", "-A", "config", "worker", "-P", "threads", "-c", "2"]
        command += ["-Q", "engine", "-n", f"{self.name}@%h", "--without-mingle", "--without-gossip"]
        with open(self.var / "log", "ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )

    @property
    def worker(self) -> Worker | None:
        """Return its newest row."""
        if self.process is None:
            return None
        return Worker.objects.filter(process_id=self.process.pid).order_by("-pk").first()

    @property
    def log(self) -> str:
        return (self.var / "log").read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """Kill -9, and wait."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def close(self) -> None:
        self.kill()
        for close in self.to_close:
            close()


def proxied(host: Host, cluster: PostgresServer, redis_url: str) -> tuple[Proxy, Proxy]:
    """Give a host a wire of its own to the database and one to Redis; both can be cut."""
    path = redis_url.removeprefix("unix://")

    def to_redis() -> socket.socket:
        wire = socket.socket(socket.AF_UNIX)
        wire.connect(path)
        return wire

    database = Proxy(lambda: socket.create_connection(("127.0.0.1", cluster.port)))
    doorbell = Proxy(to_redis)
    host.database_url = host.database_url.replace(f":{cluster.port}/", f":{database.port}/")
    host.redis_url = f"redis://127.0.0.1:{doorbell.port}/0"
    host.to_close += [database.close, doorbell.close]
    return database, doorbell
