"""A paper venue of an installation, reached through its files and its control interface (docs/reference/paper.md)."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class ControlledVenue:
    """The paper venue whose state is in ``folder``."""

    folder: Path

    @property
    def label(self) -> str:
        return self.folder.name

    @property
    def name(self) -> str:
        """Return the name of the venue's process among the desk's processes."""
        return f"paper-{self.label}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{(self.folder / 'port').read_text(encoding='ascii').strip()}"

    @property
    def token(self) -> str:
        return (self.folder / "control").read_text(encoding="ascii").strip()

    def control(self, method: str, path: str, **body: Any) -> Any:
        """Make one call, such as ``control("POST", "faults", on="create", kind="reject")``. Raises ``OSError``."""
        request = urllib.request.Request(  # noqa: S310  # our own
            f"{self.url}/_paper/{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"X-Paper-Control": self.token},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310  # our own
            return json.loads(answer.read())

    def ledger(self, account: int = 0) -> dict[str, Any]:
        """Return the venue's balances, orders and trades of one account. ``account`` is its number, from 0 on."""
        key = json.loads((self.folder / "accounts.json").read_text(encoding="utf-8"))[account]["key"]
        return dict(self.control("GET", "ledger")[key])

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v3/ping", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    def hide(self) -> None:
        """Make every start of the venue's process fail, by replacing its folder with a file."""
        self.folder.rename(self._aside)
        self.folder.touch()

    def show(self) -> None:
        """Undo ``hide``, if it was called."""
        if self._aside.exists():
            self.folder.unlink()
            self._aside.rename(self.folder)

    @property
    def _aside(self) -> Path:
        return self.folder.with_name(f"{self.label}.aside")
