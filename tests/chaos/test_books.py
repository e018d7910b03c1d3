"""The comparison of the desk's books with a venue's ledger notices each way in which they can differ."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from execution.models import ChildOrder, Fill
from execution.verification.chaos.books import books_problems


def child(**changes: Any) -> ChildOrder:
    return ChildOrder(**{"client_id": "qtest1", "status": "filled", "is_settled": True, **changes})


def fill(**changes: Any) -> Fill:
    fields = {"symbol": "BTC/USDT", "trade_id": "7", "side": "buy", "fee_currency": "BTC"}
    numbers = {"price": Decimal("64000.00"), "quantity": Decimal("0.10"), "fee": Decimal("0.0001")}
    return Fill(**{**fields, **numbers, **changes})


def order(**changes: Any) -> dict[str, Any]:
    return {"client_id": "qtest1", "times_accepted": 1, "status": "FILLED", **changes}


def trade(**changes: Any) -> dict[str, Any]:
    fields = {"symbol": "BTCUSDT", "id": 7, "side": "BUY", "fee_asset": "BTC"}
    return {**fields, "price": "64000", "quantity": "0.1", "fee": "0.00010", **changes}


def problems(
    children: list[ChildOrder], fills: list[Fill], orders: list[dict[str, Any]], trades: list[dict[str, Any]]
) -> str:
    return "; ".join(books_problems(children, fills, {"orders": orders, "trades": trades}))


def test_equal_books_are_equal_however_their_numbers_are_written() -> None:
    assert problems([child()], [fill()], [order()], [trade()]) == ""


def test_a_trade_that_the_desk_lost_and_a_fill_that_it_made_up_are_told() -> None:
    assert "is not in the desk's books" in problems([child()], [], [order()], [trade()])
    assert "is not in the venue's ledger" in problems([child()], [fill()], [order()], [])


def test_a_fill_that_is_recorded_twice_is_told() -> None:
    assert "is not in the venue's ledger" in problems([child()], [fill(), fill()], [order()], [trade()])


def test_another_price_quantity_or_fee_is_told() -> None:
    for changes in ({"price": "64000.01"}, {"quantity": "0.11"}, {"fee": "0.0002"}, {"fee_asset": "USDT"}):
        told = problems([child()], [fill()], [order()], [trade(**changes)])
        assert "is not in the desk's books" in told
        assert "is not in the venue's ledger" in told
    assert "I2" in problems([child()], [fill(fee=None)], [order()], [trade()])


def test_what_is_accepted_twice_foreign_or_open_is_told() -> None:
    assert "I3: qtest1 was accepted 2 times" in problems([child()], [], [order(times_accepted=2)], [])
    assert "I4: qother has no child" in problems([child()], [], [order(client_id="qother")], [])
    for status in ("NEW", "PARTIALLY_FILLED"):
        assert "still open" in problems([child()], [], [order(status=status)], [])


def test_a_child_that_is_not_settled_is_told() -> None:
    assert "not settled" in problems([child(status="unknown", is_settled=False)], [], [], [])
