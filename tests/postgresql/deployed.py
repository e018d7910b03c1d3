"""The desk that the deployment guide makes: the guide's commands, its pages, its database and its paper exchange."""

from __future__ import annotations

import http.client
import re
import textwrap
import time
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from execution.verification.chaos.venue import ControlledVenue
from tests.checks import REPOSITORY
from tests.desk.visitor import Visitor
from tests.postgresql.machine import Machine, Shell

BLOCK = re.compile(r"^( *)```bash\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
NAME = "desk.test"
#: What the guide has the reader set first.
GIVEN = {"DESK": NAME, "CHECKOUT": "/srv/checkout"}
WEB = "127.0.0.1:8000"


def blocks_of(page: str, heading: str) -> list[str]:
    """Return the blocks of commands under a heading of a how-to guide, as a reader copies them."""
    text = (REPOSITORY / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    _, found, section = text.partition(f"\n## {heading}\n")
    assert found, f"{page} has no section {heading!r}"
    blocks = [textwrap.dedent(block) for _, block in BLOCK.findall(section.partition("\n## ")[0])]
    assert blocks, f"{page}, {heading!r} has no commands"
    return blocks


@dataclass
class Guide:
    """Follows sections of the guides in one shell, and says how long each block took."""

    shell: Shell
    output: str = ""

    def follow(self, page: str, heading: str) -> str:
        """Run every block of a section in its order, and return all that they wrote."""
        written = [self._run(f"{page}, {heading}", block) for block in blocks_of(page, heading)]
        return "".join(written)

    def _run(self, where: str, block: str) -> str:
        begun = time.monotonic()
        written = self.shell.run(block)
        print(f"{time.monotonic() - begun:6.1f} s  {where}: {block.splitlines()[0][:60]}")
        return written


class AsTheProxy(urllib.request.HTTPSHandler):
    """Does with a request what docs/deploy/nginx.conf does, in place of nginx, which is not among the tests' needs."""

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        request.add_unredirected_header("X-Forwarded-Proto", "https")
        request.add_unredirected_header("X-Forwarded-For", "127.0.0.1")
        return self.do_open(partial(_to_the_web_process), request)


def _to_the_web_process(_host: str, *, timeout: float, **_options: Any) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(WEB, timeout=timeout)


@dataclass(frozen=True, slots=True)
class PaperUnit(ControlledVenue):
    """The paper exchange of the unit tranche-paper@alpha."""

    @property
    def url(self) -> str:
        return "http://127.0.0.1:9001"


@dataclass
class Deployed:
    """The desk, as a person at a browser and as this process meet it."""

    machine: Machine
    passwords: dict[str, str]
    url: str = f"https://{NAME}"
    sessions: dict[str, CookieJar] = field(default_factory=dict)

    @property
    def paper(self) -> PaperUnit:
        return PaperUnit(self.machine.root / "var/lib/tranche-paper/alpha")

    def visitor(self, name: str = "trader") -> Visitor:
        """Return a person who is logged in."""
        return Visitor(self, name, AsTheProxy(), urllib.request.ProxyHandler({}))

    def database_url(self) -> str:
        """Return the DATABASE_URL of the processes. This process knows neither the name nor the folder of the copy."""
        found = re.search(
            r'^DATABASE_URL="(.*)"$', self.machine.read("/etc/tranche/tranche.env"), re.MULTILINE
        )
        assert found is not None
        here = found[1].replace("sslrootcert=/", f"sslrootcert={self.machine.root}/")
        return f"{here}&hostaddr=127.0.0.1"

    def pid(self, unit: str) -> str:
        return self.machine.read(f"/run/units/{unit}")


def offer_checkout(machine: Machine, files: list[Path]) -> None:
    """Make the repository that the guide clones: this checkout as it is now, with what is not committed."""
    place = machine.root / GIVEN["CHECKOUT"].lstrip("/")
    for path in files:
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((REPOSITORY / path).read_bytes())
        target.chmod((REPOSITORY / path).stat().st_mode & 0o777)
    git = ["git", "-C", GIVEN["CHECKOUT"], "-c", "user.name=test", "-c", "user.email=test@example.com"]
    for words in (["init", "-q"], ["add", "--all"], ["commit", "-q", "-m", "as it is now"]):
        done = machine.run(*git, *words)
        assert done.returncode == 0, done.stderr
