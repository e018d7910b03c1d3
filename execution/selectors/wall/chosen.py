"""The open quantities of many chosen orders together, for the review of an action on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from execution.core.types import ZERO
from execution.payloads.bulk import BulkSum
from execution.payloads.encode import decimal_str, rounded_str
from execution.selectors.quotes import quotes_latest
from execution.selectors.wall.money import working
from execution.selectors.wall.orders import held_orders


def chosen_sums(pks: Sequence[int]) -> tuple[list[BulkSum], dict[str, str | None]]:
    """Return the open quantity by symbol and side, and its value by quote currency. The number of queries is fixed."""
    held = held_orders(pks).values()
    quantities: defaultdict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    counts: defaultdict[tuple[str, str], int] = defaultdict(int)
    for order in held:
        key = order.row["symbol"], order.row["side"]
        quantities[key] += order.left
        counts[key] += 1
    sums = [
        BulkSum(symbol=symbol, side=side, orders=counts[symbol, side], quantity=decimal_str(quantity))
        for (symbol, side), quantity in sorted(quantities.items())
    ]
    prices = quotes_latest(sorted({order.market for order in held}))
    worth = working(held, prices)
    return sums, {currency: rounded_str(amount, 2) for currency, amount in sorted(worth.items())}
