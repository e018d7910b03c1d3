"""Changes in the rights of an exchange key between two checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from execution.core.types import KeyPermissions

_WORDS = {True: "yes", False: "no", None: "not told"}


@dataclass(frozen=True, slots=True)
class RightChange:
    """A right of an exchange key that differs between two checks.

    ``before`` and ``now`` say whether the key had the right at each check. ``now`` is None if the exchange no longer
    reports it.
    """

    name: str
    before: bool
    now: bool | None

    @property
    def words(self) -> str:
        return f"{self.name} was {_WORDS[self.before]} and is {_WORDS[self.now]}"


def changed_rights(before: Mapping[str, bool | None], now: KeyPermissions) -> list[RightChange]:
    """Return the rights that differ between two checks of a key.

    A right that the exchange reports for the first time is not a change.
    """
    told = asdict(now)
    return [
        RightChange(name, known, told[name])
        for name, known in before.items()
        if name in told and known is not None and told[name] != known
    ]


def has_drifted(changes: Sequence[RightChange]) -> bool:
    """Return True if a right has certainly changed.

    A right that the exchange no longer reports has not certainly changed.
    """
    return any(change.now is not None for change in changes)
