"""Durations and instants as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from execution.core.numbers import NumberRefused, decimal_number

#: Longer than any duration that the desk accepts. Each field has its own exact bound.
_MAX_SECONDS = Decimal(10) ** 9
_MILLISECOND = Decimal("0.001")
_CLOCK = re.compile(r"(?:([0-9]{1,5}):)?([0-9]{1,2}):([0-9]{2}(?:\.[0-9]{1,3})?)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_WORDS = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?\s*[smhd]\s*){1,4}")
_WORD = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhd])")
_ISO = re.compile(r"P(?:[0-9]{1,5}D)?(?:T(?:[0-9]{1,5}H)?(?:[0-9]{1,7}M)?(?:[0-9]{1,9}(?:\.[0-9]{1,6})?S)?)?")


def parse_duration(value: Any) -> Any:
    """Read seconds, ``HH:MM:SS``, ``MM:SS`` or words like ``90m`` and ``1h 30m`` as a ``timedelta``.

    Whole milliseconds are kept exactly; anything finer is refused. Two kinds of values are returned unchanged, and
    pydantic reads them: ISO 8601 text, the form in which parameters are stored, and values that are neither text nor
    number. Raises ``ValueError``.
    """
    if isinstance(value, str):
        text = value.strip()
        return text if _ISO.fullmatch(text) else _duration(_seconds(text.lower()))
    if isinstance(value, float):
        return _duration(_number(repr(value)))
    if isinstance(value, int) and not isinstance(value, bool):
        return _duration(_number(value))
    return value


def _duration(seconds: Decimal | None) -> timedelta:
    if seconds is None:
        raise ValueError("it is not a duration; write seconds, HH:MM:SS or 90m")
    if abs(seconds) > _MAX_SECONDS:
        raise ValueError(f"it must be at most {_MAX_SECONDS:,f} seconds")
    if seconds % _MILLISECOND:
        raise ValueError("it must be in whole milliseconds")
    return timedelta(milliseconds=int(seconds * 1000))


def _seconds(text: str) -> Decimal | None:
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (Decimal(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + seconds
    if _WORDS.fullmatch(text):
        return sum((Decimal(n) * _UNITS[unit] for n, unit in _WORD.findall(text)), Decimal(0))
    return _number(text) if _DIGITS.fullmatch(text) else None


def _number(value: Any) -> Decimal | None:
    try:
        return decimal_number(value)
    except NumberRefused:
        return None


def parse_instant(value: Any) -> Any:
    """Read ISO 8601 text as an aware UTC ``datetime``; text without a zone is UTC."""
    if not isinstance(value, str):
        return value
    try:
        instant = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("it is not a time; write it like 2030-01-31T16:30:00 (UTC)") from None


def as_clock(duration: timedelta) -> str:
    """Write a duration as ``HH:MM:SS``, with milliseconds if it is not in whole seconds."""
    seconds, rest = divmod(duration // timedelta(milliseconds=1), 1000)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{clock}.{rest:03d}".rstrip("0") if rest else clock


def as_words(duration: timedelta) -> str:
    """Write a duration in whole seconds as ``1 h 30 min``."""
    seconds = round(duration.total_seconds())
    parts = [
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
