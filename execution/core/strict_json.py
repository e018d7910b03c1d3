"""A strict JSON parser. It refuses everything that could be read in two ways."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from execution.core.numbers import MAX_LENGTH, shortened

#: The most nested lists and objects. Python's own limit differs from version to version.
MAX_DEPTH = 64
#: A string or a bracket. A string that is never closed counts up to the end of the text: trying every quote in it
#: as a beginning would take for ever.
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)


def read_json(text: str | bytes, *, exact: bool = False) -> Any:
    """Parse ``text``. With ``exact``, numbers become ``Decimal`` instead of ``int`` and ``float``.

    Raises ``ValueError`` with a short reason for: text that is not UTF-8 or not JSON, more than ``MAX_DEPTH`` levels,
    a key that occurs twice in an object, NaN and infinity, a number of too many digits, half of a surrogate pair, and
    a NUL character.
    """
    try:
        written = text.decode() if isinstance(text, bytes) else text
        _refuse_depth(written)
        read = json.loads(
            written,
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_exact if exact else _finite,
            parse_int=_exact if exact else _whole,
        )
        characters = json.dumps(read, ensure_ascii=False, default=str)
        characters.encode()  # fails on half of a surrogate pair
    except UnicodeError:
        raise ValueError("it is not UTF-8") from None
    if "\\u0000" in characters:
        raise ValueError("it has a NUL character")
    return read


def _refuse_depth(text: str) -> None:
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested too deeply: more than {MAX_DEPTH} levels")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {shortened(key)!r} is there more than once")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _bounded(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the number {shortened(text)} has {len(text):,} characters; at most {MAX_LENGTH}")
    return text


def _whole(text: str) -> int:
    return int(_bounded(text))


def _finite(text: str) -> float:
    number = float(_bounded(text))
    if not math.isfinite(number):
        raise ValueError(f"the number {text} is out of range")
    return number


def _exact(text: str) -> Decimal:
    try:
        return Decimal(_bounded(text))
    except InvalidOperation:
        raise ValueError(f"the number {text} is out of range") from None
