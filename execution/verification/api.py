"""The desk's API as programs of the trader and of the supervisor use it."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

TIMEOUT = 20.0  # seconds
PAUSE = 0.5  # seconds between two tries while the desk behind the API comes and goes
#: Statuses that a later try may not get again: the desk is away, busy, or has no fresh quote just now.
TRY_AGAIN = frozenset({422, 429, 500, 502, 503, 504})


class NoAnswer(Exception):
    """The desk did not accept a request in time, or refused it for good. The message has the desk's last answer."""


class Api:
    """The API of the desk at ``url``, used as the person to whom ``token`` belongs."""

    def __init__(self, url: str, token: str, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._url = f"{url}/api/v1"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def launch(self, body: Mapping[str, Any], key: str, within: float) -> str:
        """Launch an order and return its public id.

        Retry with the same idempotency ``key`` for ``within`` seconds, then raise ``NoAnswer``.
        """
        return str(self._post_until_done("/orders", body, {"Idempotency-Key": key}, within)["id"])

    def resume(self, public_id: str, reason: str, within: float) -> None:
        """Resume a paused order. Its schedule keeps its times. Raises ``NoAnswer``."""
        body = {"mode": "catch_up", "reason": reason}
        self._post_until_done(f"/orders/{public_id}/resume", body, {}, within)

    def _post_until_done(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str], within: float
    ) -> dict[str, Any]:
        deadline = time.monotonic() + within
        while True:
            try:
                return self.post(path, body, headers)
            except urllib.error.HTTPError as error:
                last = f"{error.code} {error.read().decode(errors='replace')[:500]}"
                if error.code not in TRY_AGAIN:
                    raise NoAnswer(f"{path}: {last}") from error
            except (OSError, http.client.HTTPException, ValueError) as error:  # cut off in the middle, too
                last = repr(error)
            if time.monotonic() > deadline:
                raise NoAnswer(f"{path}: not within {within:.0f} s; {last}")
            time.sleep(PAUSE)

    def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Send one request and return the answer. Raises the errors of ``urllib``."""
        request = urllib.request.Request(  # noqa: S310  # the desk that we started
            self._url + path, data=json.dumps(body).encode(), headers={**self._headers, **headers}
        )
        with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
            return dict(json.load(answer))
