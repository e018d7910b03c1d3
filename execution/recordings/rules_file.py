"""``rules.json``: the facts about a recording, beside its events. Money is text, times are ISO 8601 in UTC."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from execution.core.market_model.recording import RecordingRules
from execution.core.numbers import NumberRefused, decimal_number, plain, shortened
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.strict_json import read_json
from execution.core.types import Market

NAME = "rules.json"
#: The version of the file's format. It is raised when older readers could misread a new file.
FORMAT = 1
MAX_LEVELS = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REQUIRED = ("tick", "lot", "min_quantity", "min_notional")
_OPTIONAL = ("max_quantity", "maker_fee", "taker_fee")


def write_rules(folder: Path, rules: RecordingRules) -> None:
    """Write the complete file or nothing, replacing an earlier one. Raise OSError if the disk refuses."""
    symbols = {
        market.symbol: {
            "base": market.base,
            "quote": market.quote,
            **{name: _text(getattr(market, name)) for name in (*_REQUIRED, *_OPTIONAL)},
        }
        for market in rules.markets.values()
    }
    content = {
        "format": FORMAT,
        "venue": rules.venue,
        "exchange": rules.exchange,
        "environment": rules.environment,
        "started": iso_time(rules.started),
        "ended": None if rules.ended is None else iso_time(rules.ended),
        "levels": rules.levels,
        "symbols": symbols,
    }
    path, written = folder / NAME, folder / f".{NAME}.tmp"
    with written.open("w", encoding="utf-8") as file:
        file.write(json.dumps(content, indent=1, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


def read_rules(folder: Path) -> RecordingRules:
    """Read the file of a recording. Raise ``Refused`` naming the field that cannot be used."""
    path = folder / NAME
    try:
        content = read_json(path.read_bytes())
    except OSError as error:
        message = f"{folder} is no recording: {path.name} cannot be read: {error.strerror}."
        refuse("recording", message, str(folder), code=Code.FILE_UNREADABLE)
    except ValueError as error:
        _refuse(path, f"it is not JSON: {error}")
    if not isinstance(content, Mapping):
        _refuse(path, "it must hold an object")
    if content.get("format") != FORMAT:
        _refuse(path, f"format is {shortened(content.get('format'))}; this version reads {FORMAT}")
    levels, symbols = content.get("levels"), content.get("symbols")
    if not isinstance(levels, int) or not 1 <= levels <= MAX_LEVELS:
        _refuse(path, f"levels is {shortened(levels)}; it must be 1 to {MAX_LEVELS:,}")
    if not isinstance(symbols, Mapping) or not symbols:
        _refuse(path, "symbols must hold at least one symbol")
    return RecordingRules(
        venue=_word(path, content, "venue"),
        exchange=_word(path, content, "exchange"),
        environment=_word(path, content, "environment"),
        started=_time(path, "started", content.get("started")),
        levels=levels,
        markets={symbol: _market(path, symbol, fields) for symbol, fields in symbols.items()},
        ended=None if content.get("ended") is None else _time(path, "ended", content["ended"]),
    )


def iso_time(microseconds: int) -> str:
    """Return a time of a recording as text."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds")


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _word(path: Path, content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        _refuse(path, f"{name} must be a text")
    return value


def _time(path: Path, name: str, value: object) -> int:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        _refuse(path, f"{name} is {shortened(value)}, which is no time")
    if moment.tzinfo is None:
        _refuse(path, f"{name} is {shortened(value)}, which has no time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _market(path: Path, symbol: str, fields: object) -> Market:
    if not isinstance(fields, Mapping):
        _refuse(path, f"{symbol} must be an object with the symbol's rules")
    numbers = {name: _number(path, symbol, name, fields.get(name)) for name in (*_REQUIRED, *_OPTIONAL)}
    for name in ("tick", "lot"):
        step = numbers[name]
        if step is None or step <= 0:
            _refuse(path, f"{symbol}: {name} must be above 0")
    return Market(
        symbol=symbol, base=_word(path, fields, "base"), quote=_word(path, fields, "quote"), **numbers
    )


def _number(path: Path, symbol: str, name: str, value: object) -> Any:
    if value is None and name in _OPTIONAL:
        return None
    try:
        return decimal_number(value)
    except NumberRefused as refused:
        _refuse(path, f"{symbol}: {name} is {shortened(value)}: {refused}")


def _refuse(path: Path, reason: str) -> NoReturn:
    refuse("recording", f"{path}: {reason}.", str(path), code=Code.VALUE_MALFORMED)
