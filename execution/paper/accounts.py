"""Accounts from ``accounts.json``, and the check of signatures and timestamps.

The file is a list: ``[{"key": ..., "secret": ..., "balances": {"BTC": "100"}}]``. Keys with other permissions have
``"trading": false`` or ``"withdrawals": true``. The okx dialect needs ``"passphrase"``. The kraken dialect may have
``"tier"``, and its secrets are base64.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

from execution.paper import refusals
from execution.paper.binance.parameters import Parameters, whole
from execution.paper.kraken.counters import TIERS
from execution.paper.ledger import Ledger
from execution.paper.records import DEFAULT_TIER, Account

DEFAULT_WINDOW_MILLISECONDS = 5_000
MAX_WINDOW_MILLISECONDS = 60_000


class Accounts:
    """Finds accounts by key. For an unknown key it reads the file again if the file has changed."""

    def __init__(self, path: Path, ledger: Ledger) -> None:
        self._path = path
        self._ledger = ledger
        self._read_at: int | None = None

    def load(self) -> None:
        """Add every account of the file that is not known yet. Raises ValueError for a broken file."""
        try:
            changed = self._path.stat().st_mtime_ns
            if changed == self._read_at:
                return
            entries = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        self._read_at = changed
        for entry in entries:
            if entry["key"] not in self._ledger.accounts:
                account = Account(
                    key=entry["key"],
                    secret=entry["secret"],
                    may_trade=entry.get("trading", True),
                    may_withdraw=entry.get("withdrawals", False),
                    passphrase=entry.get("passphrase", ""),
                    tier=_tier(entry),
                )
                opening = {asset: Decimal(amount) for asset, amount in entry.get("balances", {}).items()}
                self._ledger.register(account, opening)

    def find(self, key: str | None) -> Account:
        """Return the account of a key. Raise Refusal for a key that is not in the file."""
        if not key:
            text = "API-key format invalid."
            raise refusals.Refusal(-2014, text, status=401, reason=refusals.Reason.UNKNOWN_KEY)
        if key not in self._ledger.accounts:
            self.load()
        account = self._ledger.accounts.get(key)
        if account is None:
            raise refusals.unknown_key()
        return account


def _tier(entry: Mapping[str, Any]) -> str:
    tier = str(entry.get("tier", DEFAULT_TIER))
    if tier not in TIERS:
        raise ValueError(f"tier={tier!r} of key {entry['key']!r} is none of {', '.join(TIERS)}")
    return tier


def check_signature(account: Account, payload: str, signature: str | None) -> None:
    """Check that ``signature`` is the HMAC-SHA256 of ``payload`` exactly as it was sent. Raise Refusal if not."""
    if not signature:
        raise refusals.missing("signature")
    expected = hmac.new(account.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature.lower()):
        raise refusals.bad_signature()


def sorted_payload(parameters: Parameters) -> str:
    """Return the text over which a websocket API request is signed: all parameters but the signature, sorted by
    name.
    """
    pairs = sorted((name, value) for name, value in parameters.items() if name != "signature")
    return "&".join(f"{name}={quote(value, safe='@:/-_.~,')}" for name, value in pairs)


def check_time(parameters: Parameters, now: int) -> None:
    """Check that ``timestamp`` (milliseconds) is at most ``recvWindow`` before ``now`` or a second after it."""
    timestamp = whole(parameters, "timestamp")
    if timestamp is None:
        raise refusals.missing("timestamp")
    window = whole(parameters, "recvWindow") or DEFAULT_WINDOW_MILLISECONDS
    if window > MAX_WINDOW_MILLISECONDS:
        raise refusals.Refusal(-1131, "recvWindow must be less than 60000.")
    if timestamp >= now + 1000:
        raise refusals.ahead_of_time()
    if now - timestamp > window:
        raise refusals.outside_window()
