"""The repeated failure of a part of an engine, as the database stores it and as pages and orders show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: This many failures in a row pause an order, or are shown with the account.
FAILURES_IN_A_ROW = 3

SESSION = "session"
RECONCILIATION = "reconciliation"
PRIVATE_STREAM = "private stream"
SENDING = "sending"
REQUESTS = "requests to the exchange"
MARKET_STREAM = "market stream"
MARKET_SAMPLES = "market samples"
QUOTES = "quotes"
PUBLIC_TRADES = "public trades"
BOOKS = "order books"
CANDLES = "candles"
MINUTE_CANDLES = "one-minute candles"
FILLS = "trades of ended orders"
BALANCES = "balances"
MARKET_LIMITS = "market limits"
KEY_CHECKS = "key checks"
SWITCH = "dead-man's switch"
#: Parts of a whole engine, not of one account.
HALTS = "halts"
CLAIMS = "claiming orders and accounts"
#: Not a failure of code: the fault's ``error`` is the whole text.
DISK = "disk"

#: While one of these fails, no new child is sent on the account, because the engine could not follow the child.
#: ``REQUESTS`` is not among them: only a request that succeeds can show that requests work again.
BLOCKING = frozenset({SESSION, RECONCILIATION, PRIVATE_STREAM, SENDING})


@dataclass(frozen=True, slots=True)
class Fault:
    """The repeated failure of one part. ``error`` is the class of the exception. ``incident`` is the id under which
    the log has its traceback.
    """

    part: str
    error: str
    incident: str
    since: datetime
    #: The fencing number of the session that failed. A new session has another number, and so no fault.
    fence: int = 0

    @property
    def words(self) -> str:
        if self.part == DISK:
            return self.error
        return f"{self.part} has failed since {self.since:%H:%M:%S} UTC: {self.cause}"

    @property
    def cause(self) -> str:
        """Return the class of the error and where the log has more, such as ``KeyError (incident 3f2a in the
        log)``.
        """
        where = f"incident {self.incident} in the log" if self.incident else "see the log"
        return f"{self.error} ({where})"

    def to_json(self) -> dict[str, Any]:
        return {
            "error": self.error,
            "incident": self.incident,
            "since": self.since.isoformat(),
            "fence": self.fence,
        }

    @classmethod
    def from_json(cls, part: str, kept: Mapping[str, Any]) -> Fault:
        since = datetime.fromisoformat(kept["since"])
        return cls(part, kept["error"], kept["incident"], since, kept["fence"])


def faults_of(kept: Mapping[str, Any], fence: int = 0) -> list[Fault]:
    """Return the faults that ``kept`` has under this ``fence``, oldest first.

    ``fence`` is the number of an engine's takeover. So faults of engines that had the account earlier are left out.
    """
    faults = [Fault.from_json(part, each) for part, each in kept.items() if each["fence"] == fence]
    return sorted(faults, key=lambda fault: (fault.since, fault.part))


def blocking_fault(kept: Mapping[str, Any], fence: int) -> Fault | None:
    """Return the oldest fault under this ``fence`` that stops new child orders on an account; None without one."""
    return next((fault for fault in faults_of(kept, fence) if fault.part in BLOCKING), None)
