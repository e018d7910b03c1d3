"""Faults on request: rules that spoil chosen calls, so that tests can see how a desk reacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

#: The calls that a rule may apply to. ``any`` is every signed call and every market-data call, but not the stream.
TARGETS = frozenset(
    {
        "create",
        "cancel",
        "find",
        "open_orders",
        "all_orders",
        "trades",
        "account",
        "market",
        "switch",
        "any",
        "stream",
    }
)
#: Kinds that strike before a call is processed, or only delay it. If it is not processed, no order exists.
BEFORE = frozenset(
    {
        "delay_before", "drop_before", "code_1021", "reject", "status_429", "status_418",
        "status_500", "status_502", "status_503", "status_504",
    }
)  # fmt: skip
#: Kinds that process the call and then spoil its answer.
AFTER = frozenset(
    {
        "delay", "drop_after", "status_500_after", "status_502_after", "status_503_after", "status_504_after",
        "code_1007_after", "truncate", "html_200", "empty_200",
    }
)  # fmt: skip
#: Kinds that process and answer the call, but show lists as they were some seconds ago.
LATE = frozenset({"late_orders", "late_trades"})
STREAM = frozenset({"duplicate_events", "lost_events"})
#: Kinds in which an order fills just before its cancel arrives.
RACES = frozenset({"fill_first"})
KINDS = BEFORE | AFTER | LATE | STREAM | RACES


@dataclass(slots=True)
class FaultRule:
    """A rule for spoiling calls. It hits each matching call with ``probability``.

    ``count`` is the number of calls that it may still hit; None means no end. ``seconds`` is the length of a delay.
    For an outdated list, it is the age of the state that the list shows. ``key`` limits the rule to one account.
    """

    on: str
    kind: str
    count: int | None = 1
    probability: float = 1.0
    seconds: float = 0.0
    key: str | None = None


def parse_rule(body: dict[str, Any]) -> FaultRule:
    """Parse a rule from JSON. Raise ValueError that names the wrong part."""
    unknown = set(body) - {"on", "kind", "count", "probability", "seconds", "key"}
    if unknown:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    on, kind = body.get("on"), body.get("kind")
    if on not in TARGETS:
        raise ValueError(f"on={on!r} is none of {sorted(TARGETS)}")
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is none of {sorted(KINDS)}")
    if (on == "stream") != (kind in STREAM):
        raise ValueError(f"kind={kind!r} does not go with on={on!r}")
    if kind in RACES and on != "cancel":
        raise ValueError(f"kind={kind!r} goes with on='cancel' only, not with on={on!r}")
    count = body.get("count", 1)
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ValueError(f"count={count!r} is neither null nor at least 1")
    probability, seconds = float(body.get("probability", 1)), float(body.get("seconds", 0))
    return FaultRule(on, kind, count, probability, seconds, body.get("key"))


class Faults:
    """The rules in force. The random draws have a seed, so that a run can be repeated."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"{seed}:faults")  # noqa: S311  seeded on purpose, nothing secret
        self.rules: list[FaultRule] = []

    def add(self, rule: FaultRule) -> None:
        self.rules.append(rule)

    def clear(self) -> None:
        self.rules.clear()

    def strike(self, on: str, kinds: frozenset[str], key: str | None) -> FaultRule | None:
        """Return the first rule of these kinds that hits this call of ``key``, and lower its count by one."""
        if not self.rules:
            return None
        return self._first(
            lambda rule: (
                rule.kind in kinds and rule.key in (None, key) and (rule.on == on or self._is_any(rule, on))
            )
        )

    def cancel_loses(self, key: str) -> bool:
        """Return True if a fault rule makes this account's cancel come too late: the order then fills just before
        it.
        """
        return self.strike("cancel", RACES, key) is not None

    def copies(self, key: str) -> int:
        """Return how many times to send an event of an account's stream: 1, or 0 or 2 if a fault strikes."""
        rule = self.strike("stream", STREAM, key)
        if rule is None:
            return 1
        return 0 if rule.kind == "lost_events" else 2

    @staticmethod
    def _is_any(rule: FaultRule, on: str) -> bool:
        return rule.on == "any" and on != "stream"

    def _first(self, fits: Callable[[FaultRule], bool]) -> FaultRule | None:
        for rule in self.rules:
            if fits(rule) and (rule.probability >= 1 or self._random.random() < rule.probability):
                if rule.count is not None:
                    rule.count -= 1
                    if rule.count == 0:
                        self.rules.remove(rule)
                return rule
        return None
