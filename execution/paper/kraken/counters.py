"""Kraken's counters of calls (by key) and of orders (by key and pair). Each grows with use and falls with time.

Figures and costs are documented (docs.kraken.com, guides spot-rest-ratelimits and spot-ratelimits).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from execution.paper.kraken import refusals
from execution.paper.records import Account

#: The number of refusals of one key in a row that lock it out, and for how long. Kraken documents neither.
LOCKOUT_AFTER = 10
LOCKOUT_SECONDS = 60.0
#: The cost of a cancel by the order's age: pairs of an age in seconds and the cost of a younger order.
CANCEL_COSTS = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
CREATE_COST = 1


@dataclass(frozen=True, slots=True)
class Tier:
    """The limits of an account's verification level. Decays are per second, ``open_orders`` is per pair."""

    calls: float
    calls_decay: float
    trading: float
    trading_decay: float
    open_orders: int


TIERS = {
    "starter": Tier(15, 0.33, 60, 1, 60),
    "intermediate": Tier(20, 0.5, 125, 2.34, 80),
    "pro": Tier(20, 1, 180, 3.75, 225),
}


class DecayingCounter:
    """A level that grows with each use and falls by ``decay`` each second. It never passes ``limit``.

    ``peak`` is the highest level so far. ``refused`` counts the uses that would have passed the limit, and so were not
    added.
    """

    def __init__(self, limit: float, decay: float) -> None:
        self.limit = limit
        self.decay = decay
        self.peak = 0.0
        self.refused = 0
        self._level = 0.0
        self._at = 0.0

    def level(self, now: float) -> float:
        return max(0.0, self._level - self.decay * max(now - self._at, 0.0))

    def take(self, cost: float, now: float) -> bool:
        """Add ``cost`` and return True. If that would pass the limit, add nothing and return False."""
        level = self.level(now) + cost
        if level > self.limit:
            self.refused += 1
            return False
        self._level, self._at = level, now
        self.peak = max(self.peak, level)
        return True

    def shown(self, now: float) -> dict[str, float]:
        level = round(self.level(now), 3)
        return {"level": level, "limit": self.limit, "peak": round(self.peak, 3), "refused": self.refused}


class Counters:
    """All counters of each key. ``now`` is in seconds since the epoch."""

    def __init__(self) -> None:
        self._calls: dict[str, DecayingCounter] = {}
        self._trading: dict[tuple[str, str], DecayingCounter] = {}
        self._nonces: dict[str, int] = {}
        self._in_a_row: Counter[str] = Counter()
        self._locked_until: dict[str, float] = {}
        self._refused: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def check_lockout(self, account: Account, now: float) -> None:
        if now < self._locked_until.get(account.key, 0.0):
            self._refused[account.key]["lockout"] += 1
            raise refusals.locked_out()

    def note_refusal(self, account: Account, why: str, now: float) -> None:
        """Count a call that was refused for its signature, its nonce or the rate limit.

        After many such calls in a row the key is locked out.
        """
        self._refused[account.key][why] += 1
        self._in_a_row[account.key] += 1
        if self._in_a_row[account.key] >= LOCKOUT_AFTER:
            self._locked_until[account.key] = now + LOCKOUT_SECONDS
            self._in_a_row[account.key] = 0

    def take_nonce(self, account: Account, nonce: int, now: float) -> None:
        """Accept a nonce above all earlier ones of the key, else raise Refusal. A restart forgets the earlier ones."""
        if nonce <= self._nonces.get(account.key, -1):
            self.note_refusal(account, "nonce", now)
            raise refusals.invalid_nonce()
        self._nonces[account.key] = nonce

    def count_call(self, account: Account, cost: float, now: float) -> None:
        if cost and not self._calls_of(account).take(cost, now):
            self.note_refusal(account, "calls", now)
            raise refusals.too_many_calls()
        self._in_a_row[account.key] = 0

    def count_create(self, account: Account, symbol: str, now: float) -> None:
        self._count_trading(account, symbol, CREATE_COST, now)

    def count_cancel(self, account: Account, symbol: str, age: float, now: float) -> None:
        """Add the cost of a cancel to the pair's trading counter. Raise Refusal if that would pass the limit.

        The cost falls with ``age``, the age of the cancelled order in seconds.
        """
        cost = next((cost for below, cost in CANCEL_COSTS if age < below), 0)
        if cost:
            self._count_trading(account, symbol, cost, now)

    def check_open_orders(self, account: Account, symbol: str, resting: int) -> None:
        if resting >= TIERS[account.tier].open_orders:
            self._refused[account.key][f"open orders {symbol}"] += 1
            raise refusals.too_many_orders()

    def shown(self, account: Account, now: float) -> dict[str, Any]:
        """Return the counters of one key, as the control API shows them."""
        return {
            "tier": account.tier,
            "open_orders_limit": TIERS[account.tier].open_orders,
            "calls": self._calls_of(account).shown(now),
            "trading": {
                symbol: counter.shown(now)
                for (key, symbol), counter in self._trading.items()
                if key == account.key
            },
            "refused": dict(self._refused[account.key]),
            "locked_out_for": round(max(0.0, self._locked_until.get(account.key, 0.0) - now), 3),
        }

    def _count_trading(self, account: Account, symbol: str, cost: float, now: float) -> None:
        tier = TIERS[account.tier]
        fresh = DecayingCounter(tier.trading, tier.trading_decay)
        if not self._trading.setdefault((account.key, symbol), fresh).take(cost, now):
            self._refused[account.key][f"trading {symbol}"] += 1
            raise refusals.too_many_trading_calls()

    def _calls_of(self, account: Account) -> DecayingCounter:
        tier = TIERS[account.tier]
        return self._calls.setdefault(account.key, DecayingCounter(tier.calls, tier.calls_decay))
