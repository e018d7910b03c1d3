"""Real web processes on the tests' database and Redis: the command that a desk starts, without the rest of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import connection

from execution.launcher.parent_death import dies_with_parent
from execution.launcher.plan import Plan
from execution.models import User
from tests.checks import REPOSITORY
from tests.dashboard.api import token_of
from tests.dashboard.desk_fixture import Desk
from tests.desk.running import free_port, wait_until


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and the seconds until it came."""

    status: int
    headers: Message[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Web:
    """A running web process."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def memory(self) -> float:
        """Return the memory that it holds, in MB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6

    def ask(
        self, path: str, headers: Mapping[str, str], *, data: bytes | None = None, within: float = 60
    ) -> Answer:
        """Send one request on a connection of its own. No redirect is followed."""
        request = urllib.request.Request(self.url + path, data=data, headers=dict(headers))
        begun = time.monotonic()
        opener = urllib.request.build_opener(_NoRedirects())
        try:
            with opener.open(request, timeout=within) as got:
                return Answer(got.status, got.headers, got.read(), time.monotonic() - begun)
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read(), time.monotonic() - begun)


def program(person: User) -> dict[str, str]:
    """Return the headers of a person's program."""
    return {"Authorization": f"Bearer {token_of(person)}", "Content-Type": "application/json"}


def browser(office: Desk, person: User) -> dict[str, str]:
    """Return the headers of a person's browser that posts a form, with its session and its token against forgery."""
    secret = "s" * 32
    session = office.client(person).cookies[settings.SESSION_COOKIE_NAME].value
    cookies = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={secret}"
    return {"Cookie": cookies, "X-CSRFToken": secret}


def _answers(port: int) -> bool:
    """Ask without a loop, because a browser's tests have one in this thread."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/login/", timeout=10):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def database_url() -> str:
    """Return the tests' own database, for another process."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    return f"postgres://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}/{found['NAME']}"


@contextlib.contextmanager
def running_web(folder: Path, redis_url: str, **environment: str) -> Iterator[Web]:
    """Yield a web process on the tests' own database, as ``manage.py desk`` starts it."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = {
        "DATABASE_URL": database_url(),
        "REDIS_URL": redis_url,
        "SECRET_KEY": settings.SECRET_KEY,
        "SESSION_COOKIE_NAME": settings.SESSION_COOKIE_NAME,
        "CSRF_COOKIE_NAME": settings.CSRF_COOKIE_NAME,
    }
    with web_on(folder, **ours, **environment) as web:
        yield web


@contextlib.contextmanager
def web_on(folder: Path, **environment: str) -> Iterator[Web]:
    """Yield a web process of the desk in ``folder`` that answers; ended and waited for at the end."""
    port = free_port()
    spec = Plan(
        REPOSITORY, folder, folder / "keyring", folder / "alert_keyring", "127.0.0.1", port, 1, {}
    ).web()
    log = folder / f"web-{port}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            spec.command,
            cwd=spec.folder,
            env={**spec.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=dies_with_parent(),
        )
    try:
        wait_until(lambda: _answers(port), within=30, what=f"the web process was to answer ({log})")
        yield Web(process, port, log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
