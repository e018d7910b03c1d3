"""The comparison of the desk's books with the venues' ledgers, trade by trade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from execution.models import ChildOrder, Fill

OPEN = frozenset({"new", "partially_filled"})
Row = tuple[str, str, str, Decimal, Decimal, Decimal | None, str]


def books_problems(
    children: Iterable[ChildOrder], fills: Iterable[Fill], ledger: Mapping[str, Any]
) -> Iterator[str]:
    """Yield each difference between the desk's books and the venue's ledger, in words.

    ``children`` and ``fills`` are all that the desk has of one account. ``ledger`` has the ``orders`` and ``trades``
    of the same account, as a paper venue's control interface returns them. A difference is an order that was accepted
    twice (invariant I3), a foreign or open order (I4), a lost or invented trade (I2), or an unsettled child.
    """
    by_id = {child.client_id: child for child in children}
    for row in ledger["orders"]:
        name = row["client_id"]
        if name not in by_id:
            yield f"I4: {name} has no child"
        if row["times_accepted"] != 1:
            yield f"I3: {name} was accepted {row['times_accepted']} times"
        if row["status"].lower() in OPEN:
            yield f"I4: {name} is still open at the venue"
    ours, theirs = [fill_row(fill) for fill in fills], [trade_row(trade) for trade in ledger["trades"]]
    yield from (f"I2: the venue's trade {row} is not in the desk's books" for row in _missing(theirs, ours))
    yield from (f"I2: the desk's fill {row} is not in the venue's ledger" for row in _missing(ours, theirs))
    for child in by_id.values():
        if not child.is_settled:
            yield f"{child.client_id} is {child.status} and not settled: {child.reason}"


def fill_row(fill: Fill) -> Row:
    return (
        *(fill.symbol.replace("/", ""), fill.trade_id, str(fill.side)),
        *(fill.price, fill.quantity, fill.fee, fill.fee_currency),
    )


def trade_row(trade: Mapping[str, Any]) -> Row:
    price, quantity, fee = (Decimal(str(trade[name])) for name in ("price", "quantity", "fee"))
    side = str(trade["side"]).lower()
    return trade["symbol"].replace("/", ""), str(trade["id"]), side, price, quantity, fee, trade["fee_asset"]


def _missing(rows: list[Row], others: list[Row]) -> list[Row]:
    return list((Counter(rows) - Counter(others)).elements())
