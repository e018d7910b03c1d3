"""The JSON of kraken's websockets. Numbers keep all their digits and trailing zeros, for the checksums."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

#: The step of every written quantity, whatever the pair's lot.
QUANTITY_STEP = Decimal("0.00000001")
#: The levels of each side that a checksum covers.
CHECKED_LEVELS = 10

Json = dict[str, Any]
Level = tuple[Decimal, Decimal]


def encode(message: Any) -> str:
    """Return a message as JSON. A ``Decimal`` becomes a number with all its digits."""
    if isinstance(message, Decimal):
        return f"{message:f}"
    if isinstance(message, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{encode(value)}" for name, value in message.items()) + "}"
    if isinstance(message, list):
        return "[" + ",".join(map(encode, message)) + "]"
    return json.dumps(message)


def iso_time(milliseconds: float) -> str:
    """Return a time in RFC 3339 with microseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def quantity(amount: Decimal) -> Decimal:
    return amount.quantize(QUANTITY_STEP)


def price(amount: Decimal, tick: Decimal) -> Decimal:
    """Return the price with as many decimals as the pair's tick has."""
    return amount.quantize(Decimal(1).scaleb(min(0, int(tick.normalize().as_tuple().exponent))))


def checksum(asks: Iterable[Level], bids: Iterable[Level]) -> int:
    """Return the CRC32 of the ten best asks, then bids, written as in messages but without points and leading zeros.

    It is documented in the guide spot-ws-book-v2.
    """
    levels = [*list(asks)[:CHECKED_LEVELS], *list(bids)[:CHECKED_LEVELS]]
    return zlib.crc32("".join(_digits(number) for level in levels for number in level).encode())


def _digits(number: Decimal) -> str:
    return f"{number:f}".replace(".", "").lstrip("0")
