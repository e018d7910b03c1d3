"""The formatting of figures in reports, the same as in ``format.js``: a sign on costs, a dash for unknown figures."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from execution.core.durations import as_words
from execution.core.numbers import grouped

DASH = "–"


def points(value: str | Decimal | None, places: int = 1) -> str:
    """Return basis points as text with a sign: + is a cost. A value that rounds to zero has no sign."""
    return DASH if value is None else signed(Decimal(value), places)


def difference(value: str | None, other: str | None, places: int = 1) -> str | None:
    """Return the difference of two figures as they are shown, so that a reader can check it."""
    if value is None or other is None:
        return None
    return str(_places(Decimal(value), places) - _places(Decimal(other), places))


def signed(number: Decimal, places: int) -> str:
    """Return a number as text with its sign. A number that rounds to zero has no sign."""
    shown = _places(number, places)
    sign = "+" if shown > 0 else "−" if shown < 0 else ""
    return f"{sign}{abs(shown):,f}"


def tone(value: str | None, places: int = 1) -> str:
    """Return the CSS class of a cost. A cost that rounds to zero has none."""
    shown = _places(Decimal(value or 0), places)
    return "warn" if shown > 0 else "good" if shown < 0 else ""


def percent(share: str | None, places: int = 1) -> str:
    """Return a share in percent as text with ``places`` digits. With one digit, a share just below 1 is
    ``>99.9 %``, and a share just above 0 is ``<0.1 %``.
    """
    if share is None:
        return DASH
    number = Decimal(share)
    shown = _places(number * 100, places)
    least = Decimal(1).scaleb(-places)
    if number < 1 and shown == 100:
        return f">{100 - least} %"
    if number > 0 and shown == 0:
        return f"<{least} %"
    return f"{shown} %".replace("-", "−")


def participation(share: str | None) -> str:
    """Return a share of the market's volume as text. It may be small, so below 1 % it has two decimals."""
    return percent(share, 2 if share is not None and Decimal(share) < Decimal("0.01") else 1)


def amount(value: str | Decimal | None, places: int | None = None) -> str:
    """Return a number as text with thousands separators, with all digits or rounded to ``places``."""
    if value is None:
        return DASH
    number = Decimal(value)
    shown = number if places is None else _places(number, places)
    words = grouped(abs(shown)) if places is None else f"{abs(shown):,f}"
    return f"−{words}" if shown < 0 else words


def price(value: str | Decimal | None, tick: str | Decimal | None) -> str:
    """Return a price as text with one digit more than the tick, because averages and fees are finer."""
    if tick is None:
        return amount(value)
    return amount(value, max(0, 1 - int(Decimal(tick).normalize().as_tuple().exponent)))


def length(seconds: str | None) -> str:
    """Return a duration as text with a sign: + is later."""
    if seconds is None:
        return DASH
    number = Decimal(seconds)
    if abs(number) < 60:
        return f"{signed(number, 1)} s"
    return f"{'−' if number < 0 else '+'}{as_words(timedelta(seconds=float(abs(number))))}"


def lateness(seconds: str | None) -> str:
    """Return the time ahead of or behind the plan as text, such as ``1 min 42 s early``."""
    if seconds is None:
        return DASH
    number = Decimal(seconds)
    whole = timedelta(seconds=round(abs(number)))
    return f"{as_words(whole)} {'early' if number < 0 else 'late'}" if whole else "on time"


def fill_delay(seconds: str | None) -> str:
    """Return the average time of the fills ahead of or behind the plan as text, such as ``8.4 s early``."""
    if seconds is None:
        return DASH
    number = Decimal(seconds)
    shown = length(str(abs(number))).removeprefix("+")
    return f"{shown} {'early' if number < 0 else 'late'}" if number else "on time"


def _places(number: Decimal, places: int) -> Decimal:
    shown = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return abs(shown) if shown == 0 else shown
