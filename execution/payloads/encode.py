"""The encoding of decimals and times in JSON. An unknown value is encoded as None."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import overload

from execution.core.numbers import plain

#: Decimals of a cost in basis points. Pages round further.
BP_PLACES = 4


@overload
def decimal_str(number: Decimal) -> str: ...
@overload
def decimal_str(number: Decimal | None) -> str | None: ...
def decimal_str(number: Decimal | None) -> str | None:
    """Return a decimal as plain digits without trailing zeros."""
    return None if number is None else plain(number)


@overload
def rounded_str(number: Decimal, places: int) -> str: ...
@overload
def rounded_str(number: Decimal | None, places: int) -> str | None: ...
def rounded_str(number: Decimal | None, places: int) -> str | None:
    """Return a decimal in the form of ``decimal_str``, rounded to ``places`` decimals."""
    return None if number is None else plain(round(number, places))


@overload
def epoch_ms(moment: datetime) -> int: ...
@overload
def epoch_ms(moment: datetime | None) -> int | None: ...
def epoch_ms(moment: datetime | None) -> int | None:
    """Return a time as milliseconds since 1970, UTC."""
    return None if moment is None else round(moment.timestamp() * 1000)


@overload
def moment_of(milliseconds: int) -> datetime: ...
@overload
def moment_of(milliseconds: int | None) -> datetime | None: ...
def moment_of(milliseconds: int | None) -> datetime | None:
    """Return the time for a number of milliseconds since 1970, UTC. It is the inverse of ``epoch_ms``."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
