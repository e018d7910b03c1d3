"""Read and write decimal numbers.

Every number that comes in from outside is read here: from the ticket, the API, the command line and files. A number
is plain decimal text: ASCII digits, at most one point, an optional sign and a small exponent. Anything that could be
read in two ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

#: The largest amount and the finest step that the desk takes. Together they have 28 digits, which is as many as
#: decimal arithmetic keeps: beyond them it would round.
MAX_NUMBER = Decimal("1e15")
FINEST_NUMBER = Decimal("1e-12")
MAX_WHOLE_NUMBER = 2**63 - 1  # what a database keeps
#: The most characters of a number's text. The longest number that is in range has 29.
MAX_LENGTH = 40
#: Characters of somebody's input that a message repeats.
MAX_SHOWN = 40

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_FAR_EXPONENT = re.compile(r"[+-]?[0-9.]+[eE][+-]?[0-9]{3,}")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*),[0-9]+")
_NOT_A_NUMBER = "it is not a number; write digits with at most one point, such as 1234.5"


class NumberRefused(ValueError):
    """An error for a text that is not an acceptable number. The message is the reason, without the text."""


def decimal_number(value: Any) -> Decimal:
    """Return ``value`` as a finite ``Decimal``, exactly.

    Text is read strictly. Whole numbers and ``Decimal`` are only checked against the bounds. Raises
    ``NumberRefused`` when ``value`` is anything else, is beyond ±``MAX_NUMBER``, or is finer than ``FINEST_NUMBER``.
    """
    number = _read(value, MAX_NUMBER)
    if number % FINEST_NUMBER:
        raise NumberRefused(f"it is finer than {FINEST_NUMBER:f}")
    return number or Decimal(0)  # never -0, nor a zero with an exponent


def whole_number(value: Any) -> int:
    """Return ``value`` as an ``int`` of at most 63 bits, exactly; raises ``NumberRefused``, also for a fraction."""
    number = _read(value, Decimal(MAX_WHOLE_NUMBER))
    if number % 1:
        raise NumberRefused("it must be a whole number")
    return int(number)


def float_number(value: Any) -> float:
    """Return ``value`` as a ``float``, for figures that are not money. Raises ``NumberRefused``."""
    return float(_read(value, MAX_NUMBER))


def without_grouping(text: str) -> str:
    """Remove the thousands separators from a form's text, if none of them can be a decimal comma.

    ``1,234.50`` and ``1,234,567`` can be read in one way only. ``1,234`` is returned unchanged, to be refused.
    """
    text = text.strip()
    is_clear = _GROUPED.fullmatch(text) and ("." in text or text.count(",") > 1)
    return text.replace(",", "") if is_clear else text


def plain(number: Decimal) -> str:
    """Return a number as digits, without exponent, without trailing zeros, and zero without a sign."""
    return _trimmed(format(number, "f"))


def grouped(number: Decimal) -> str:
    """Return a number as ``plain`` does, with thousands separators."""
    return _trimmed(format(number, ",f"))


def _trimmed(digits: str) -> str:
    text = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if text == "-0" else text


def shortened(value: Any, most: int = MAX_SHOWN) -> str:
    """Return a text from outside for use in a message: at most ``most`` characters, and an ellipsis if it was
    longer.
    """
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= most else f"{text[:most]}…"


def _read(value: Any, most: Decimal) -> Decimal:
    if isinstance(value, str):
        number = Decimal(_plain_text(value))
    elif isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise NumberRefused("it must be a number, written as text")
    else:
        number = _as_decimal(value)
    if abs(number) > most:
        raise NumberRefused(f"it must be between {-most:f} and {most:f}")
    return number


def _plain_text(text: str) -> str:
    if not text:
        raise NumberRefused("it is empty")
    if len(text) > MAX_LENGTH:
        raise NumberRefused(f"it has {len(text):,} characters; a number has at most {MAX_LENGTH}")
    if _PLAIN.fullmatch(text):
        return text
    if "," in text:
        raise NumberRefused(_comma_reason(text))
    if _FAR_EXPONENT.fullmatch(text):
        raise NumberRefused("its exponent has more than two digits")
    raise NumberRefused(_NOT_A_NUMBER)


def _comma_reason(text: str) -> str:
    without = text.replace(",", "")
    if _GROUPED.fullmatch(text):
        if "." in text or text.count(",") > 1:
            return f"write it without commas: {without}"
        point = text.replace(",", ".")
        return f"its comma can be read in two ways; write {point} or {plain(Decimal(without))}"
    if _DECIMAL_COMMA.fullmatch(text):
        return f"write it with a point instead of the comma: {text.replace('.', '').replace(',', '.')}"
    return _NOT_A_NUMBER


def _as_decimal(value: int | Decimal) -> Decimal:
    if isinstance(value, int):
        # An int of any size compares in no time; a Decimal of it would cost its digits.
        return Decimal(max(-MAX_WHOLE_NUMBER - 1, min(value, MAX_WHOLE_NUMBER + 1)))
    if not value.is_finite():
        raise NumberRefused("it must be finite")
    if value and not -MAX_LENGTH < value.adjusted() < MAX_LENGTH:
        raise NumberRefused("its exponent has more than two digits")
    return value


def round_up(amount: Decimal) -> Decimal:
    """Round a needed amount up for display, to two decimals if it is 1 or more. A smaller amount stays exact."""
    return amount.quantize(Decimal("0.01"), ROUND_CEILING) if amount >= 1 else amount.normalize()


def round_down(amount: Decimal) -> Decimal:
    """Round an available amount down for display, to two decimals if it is 1 or more. A smaller amount stays exact."""
    return amount.quantize(Decimal("0.01"), ROUND_FLOOR) if amount >= 1 else amount.normalize()


def rounded_parts(parts: Sequence[Decimal], places: int) -> list[Decimal]:
    """Round the parts of a sum for display, so that they add up to the rounded sum.

    Each part is first rounded down. The missing units go to the parts with the largest remainders. So each part
    differs from its exact value by less than one unit of the last place.
    """
    unit = Decimal(1).scaleb(-places)
    shown = [part.quantize(unit, ROUND_FLOOR) for part in parts]
    total = sum(parts, Decimal(0)).quantize(unit, ROUND_HALF_EVEN)
    missing = int((total - sum(shown, Decimal(0))) / unit)
    largest = sorted(range(len(parts)), key=lambda index: shown[index] - parts[index])
    for index in largest[:missing]:
        shown[index] += unit
    return shown
