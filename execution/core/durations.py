"""Durations and instants as people write them."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

_CLOCK = re.compile(r"^(?:(\d+):)?(\d{1,2}):(\d{2})$")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = re.compile(r"^(?:\d+(?:\.\d+)?\s*[smhd]\s*)+$")
_WORD = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def parse_duration(value: Any) -> Any:
    """Seconds, ``HH:MM:SS``, ``MM:SS`` or words like ``90m`` and ``1h 30m`` as a ``timedelta``.

    Anything that is not text passes through, for pydantic to judge; other text raises ``ValueError``.
    """
    if not isinstance(value, str) or value.startswith("P"):
        return value  # ISO 8601, as parameters are stored, is pydantic's own
    with suppress(OverflowError):  # more than timedelta holds is none either
        if (duration := _read_duration(value.strip().lower())) is not None:
            return duration
    raise ValueError(f"{value!r} is not a duration; write seconds, HH:MM:SS or 90m")


def _read_duration(text: str) -> timedelta | None:
    if match := _CLOCK.match(text):
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if _WORDS.match(text):
        return timedelta(seconds=sum(float(n) * _UNITS[unit] for n, unit in _WORD.findall(text)))
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return timedelta(seconds=float(text))
    return None


def parse_instant(value: Any) -> Any:
    """ISO 8601 text as an aware UTC ``datetime``; text without a zone is UTC."""
    if not isinstance(value, str):
        return value
    try:
        instant = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is not a time; write it like 2030-01-31T16:30:00 (UTC)") from None


def as_clock(duration: timedelta) -> str:
    """``HH:MM:SS`` of a duration."""
    seconds = int(duration.total_seconds())
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
