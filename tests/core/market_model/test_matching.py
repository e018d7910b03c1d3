"""The matching engine: what always holds, and the rules one by one."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.market_model.matching import (
    MatchResult,
    NewOrder,
    OrderBook,
    OrderLife,
    SelfTradePrevention,
)
from execution.core.types import Side

ZERO = Decimal(0)


def order(
    order_id: int,
    side: Side,
    quantity: int | str,
    price: int | None = None,
    life: OrderLife = OrderLife.GTC,
    owner: str = "",
    prevention: SelfTradePrevention = SelfTradePrevention.NONE,
) -> NewOrder:
    limit = None if price is None else Decimal(price)
    return NewOrder(order_id, owner or f"owner {order_id}", side, Decimal(quantity), limit, life, prevention)


def submit(book: OrderBook, *orders: NewOrder) -> list[MatchResult]:
    return [book.submit(each) for each in orders]


def new_orders() -> st.SearchStrategy[NewOrder]:
    """Draw from few prices, sizes and owners, so that they meet often."""
    return st.builds(
        NewOrder,
        id=st.just(0),
        owner=st.sampled_from(["first", "second", "cy"]),
        side=st.sampled_from(list(Side)),
        quantity=st.integers(1, 20).map(lambda tenths: Decimal(tenths) / 10),
        price=st.none() | st.integers(95, 105).map(Decimal),
        life=st.sampled_from(list(OrderLife)),
        prevention=st.sampled_from(list(SelfTradePrevention)),
    )


def with_id(drawn: NewOrder, order_id: int) -> NewOrder:
    # A market order never rests, so post-only has no meaning for it.
    life = OrderLife.IOC if drawn.price is None and drawn.life is OrderLife.POST_ONLY else drawn.life
    return NewOrder(order_id, drawn.owner, drawn.side, drawn.quantity, drawn.price, life, drawn.prevention)


steps = st.lists(new_orders() | st.integers(1, 60), max_size=60)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_quantities_are_conserved_and_the_book_never_crosses(
    sequence: list[NewOrder | int],
) -> None:
    book = OrderBook()
    orders: dict[int, NewOrder] = {}
    filled: dict[int, Decimal] = defaultdict(Decimal)
    ended: dict[int, Decimal] = defaultdict(Decimal)
    for number, step in enumerate(sequence, start=1):
        if isinstance(step, int):
            cancelled = book.cancel(step)
            if cancelled is not None:
                ended[cancelled.id] += cancelled.remaining
            continue
        incoming = orders[number] = with_id(step, number)
        result = book.submit(incoming)
        for execution in result.executions:
            assert incoming.accepts(execution.price)
            assert orders[execution.maker_id].price == execution.price
            filled[execution.maker_id] += execution.quantity
            filled[number] += execution.quantity
            same_owner = execution.maker_owner == incoming.owner
            assert not same_owner or incoming.prevention is SelfTradePrevention.NONE
        for expired in result.expired_makers:
            ended[expired.id] += expired.remaining
        ended[number] += incoming.quantity if result.refused else result.expired
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        assert bid is None or ask is None or bid < ask
    bought = sum((filled[number] for number, each in orders.items() if each.side is Side.BUY), ZERO)
    sold = sum((filled[number] for number, each in orders.items() if each.side is Side.SELL), ZERO)
    assert bought == sold
    for number, each in orders.items():
        resting = book.find(number)
        assert filled[number] + ended[number] + (resting.remaining if resting else ZERO) == each.quantity
    for side in Side:
        for price, quantity in book.levels(side):
            assert quantity == sum((each.remaining for each in book.queue(side, price)), ZERO) > ZERO


@given(steps)
@settings(max_examples=100, deadline=None)
def test_the_best_price_fills_first_and_at_one_price_the_oldest(sequence: list[NewOrder | int]) -> None:
    book = OrderBook()
    for number, step in enumerate(sequence, start=1):
        if isinstance(step, int):
            book.cancel(step)
            continue
        incoming = with_id(step, number)
        facing = incoming.side.opposite
        expected = [each.id for price, _ in book.levels(facing) for each in book.queue(facing, price)]
        result = book.submit(incoming)
        expired = {each.id for each in result.expired_makers}
        met = [execution.maker_id for execution in result.executions]
        assert met == [number for number in expected if number not in expired][: len(met)]
        # All but the last one met are filled wholly: nobody behind is reached before.
        assert all(execution.maker_done for execution in result.executions[:-1])


@given(steps)
@settings(max_examples=60, deadline=None)
def test_drained_changes_rebuild_the_book(sequence: list[NewOrder | int]) -> None:
    book = OrderBook()
    copy: dict[Side, dict[Decimal, Decimal]] = {side: {} for side in Side}
    for number, step in enumerate(sequence, start=1):
        if isinstance(step, int):
            book.cancel(step)
        else:
            book.submit(with_id(step, number))
        if number % 3 == 0:
            _apply(copy, book)
    _apply(copy, book)
    for side in Side:
        assert copy[side] == dict(book.levels(side))


def _apply(copy: dict[Side, dict[Decimal, Decimal]], book: OrderBook) -> None:
    for side, price, quantity in book.drain_changes():
        if quantity:
            copy[side][price] = quantity
        else:
            copy[side].pop(price, None)


def test_a_new_order_queues_behind_everything_at_its_price() -> None:
    book = OrderBook()
    submit(book, order(1, Side.BUY, 1, 100), order(2, Side.BUY, 1, 100))
    [result] = submit(book, order(3, Side.SELL, "1.5", 100))
    assert [(each.maker_id, each.quantity) for each in result.executions] == [(1, 1), (2, Decimal("0.5"))]
    assert [each.id for each in book.queue(Side.BUY, Decimal(100))] == [2]


def test_a_limit_order_takes_up_to_its_limit_and_rests_with_the_remainder() -> None:
    book = OrderBook()
    submit(book, order(1, Side.SELL, 1, 100), order(2, Side.SELL, 1, 101), order(3, Side.SELL, 1, 102))
    [result] = submit(book, order(4, Side.BUY, 3, 101))
    assert [each.price for each in result.executions] == [100, 101]
    assert result.rested == 1
    assert book.best(Side.BUY) == 101


def test_a_market_order_walks_the_book_and_what_is_left_expires() -> None:
    book = OrderBook()
    submit(book, order(1, Side.SELL, 1, 100), order(2, Side.SELL, 1, 105))
    [result] = submit(book, order(3, Side.BUY, 3))
    assert result.filled == 2
    assert result.expired == 1
    assert 3 not in book


def test_post_only_is_refused_when_it_would_take_and_changes_nothing() -> None:
    book = OrderBook()
    submit(book, order(1, Side.SELL, 1, 100))
    [result] = submit(book, order(2, Side.BUY, 1, 100, OrderLife.POST_ONLY))
    assert result.refused
    assert book.levels(Side.SELL) == [(Decimal(100), Decimal(1))]
    assert not book.levels(Side.BUY)


def test_immediate_or_cancel_never_rests() -> None:
    book = OrderBook()
    submit(book, order(1, Side.SELL, 1, 100))
    [result] = submit(book, order(2, Side.BUY, 2, 100, OrderLife.IOC))
    assert (result.filled, result.expired, result.rested) == (Decimal(1), Decimal(1), ZERO)


@pytest.mark.parametrize(("quantity", "filled"), [("2", 2), ("2.1", 0)])
def test_fill_or_kill_fills_wholly_or_not_at_all(quantity: str, filled: int) -> None:
    book = OrderBook()
    submit(book, order(1, Side.SELL, 1, 100), order(2, Side.SELL, 1, 101))
    [result] = submit(book, order(3, Side.BUY, quantity, 101, OrderLife.FOK))
    assert result.filled == filled
    assert result.expired == (0 if filled else Decimal(quantity))


@pytest.mark.parametrize(
    ("prevention", "maker_expires", "rested", "expired"),
    [
        (SelfTradePrevention.EXPIRE_MAKER, True, 1, 0),
        (SelfTradePrevention.EXPIRE_TAKER, False, 0, 1),
        (SelfTradePrevention.EXPIRE_BOTH, True, 0, 1),
    ],
)
def test_one_owner_never_trades_with_himself(
    prevention: SelfTradePrevention, maker_expires: bool, rested: int, expired: int
) -> None:
    book = OrderBook()
    submit(book, order(1, Side.SELL, 1, 100, owner="first"))
    [result] = submit(book, order(2, Side.BUY, 1, 100, owner="first", prevention=prevention))
    assert not result.executions
    assert [each.id for each in result.expired_makers] == ([1] if maker_expires else [])
    assert (1 in book) is not maker_expires
    assert (result.rested, result.expired) == (Decimal(rested), Decimal(expired))


def test_without_prevention_an_owner_may_trade_with_himself() -> None:
    book = OrderBook()
    submit(book, order(1, Side.SELL, 1, 100, owner="first"))
    [result] = submit(book, order(2, Side.BUY, 1, 100, owner="first"))
    assert result.filled == 1


def test_a_cancelled_order_is_gone_and_cannot_be_cancelled_twice() -> None:
    book = OrderBook()
    submit(book, order(1, Side.SELL, 1, 100))
    cancelled = book.cancel(1)
    assert cancelled is not None
    assert cancelled.remaining == 1
    assert book.cancel(1) is None
    assert book.best(Side.SELL) is None


@pytest.mark.parametrize(
    "bad", [order(2, Side.BUY, 0, 100), order(2, Side.BUY, -1, 100), order(2, Side.BUY, 1, 0)]
)
def test_orders_without_a_positive_quantity_and_price_are_errors(bad: NewOrder) -> None:
    with pytest.raises(ValueError, match="not positive"):
        OrderBook().submit(bad)


def test_an_order_that_is_reduced_keeps_its_place() -> None:
    book = OrderBook()
    submit(book, order(1, Side.BUY, 5, 100), order(2, Side.BUY, 5, 100))
    before = book.sequence
    book.reduce(1, Decimal(3))
    assert book.sequence == before + 1
    assert [(resting.id, resting.remaining) for resting in book.queue(Side.BUY, Decimal(100))] == [
        (1, Decimal(2)),
        (2, Decimal(5)),
    ]
    assert book.drain_changes()[-1] == (Side.BUY, Decimal(100), Decimal(7))
    for quantity in (0, -1, 2, 3):
        with pytest.raises(ValueError, match="is not within 0 and the 2 that remain"):
            book.reduce(1, Decimal(quantity))
    with pytest.raises(KeyError):
        book.reduce(7, Decimal(1))


def test_a_hit_trades_with_one_order_whoever_stands_before_it() -> None:
    book = OrderBook()
    submit(book, order(1, Side.SELL, 5, 100), order(2, Side.SELL, 5, 100))
    first = book.hit(9, 2, Decimal(3))
    assert (first.maker_id, first.price, first.quantity, first.maker_done) == (
        2,
        Decimal(100),
        Decimal(3),
        False,
    )
    assert book.hit(9, 2, Decimal(2)).maker_done
    assert 2 not in book
    assert book.levels(Side.SELL) == [(Decimal(100), Decimal(5))]
    with pytest.raises(ValueError, match="is not within 0 and the 5 that remain"):
        book.hit(9, 1, Decimal(6))
    with pytest.raises(KeyError):
        book.hit(9, 2, Decimal(1))
