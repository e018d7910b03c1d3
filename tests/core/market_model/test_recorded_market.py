"""A recorded market's book and trades, alone and with our orders in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.core.market_model.background_market import (
    BACKGROUND,
    Command,
    Hit,
    MarketParameters,
    Print,
    Shrink,
    Withdraw,
)
from execution.core.market_model.matching import NewOrder, OrderBook, OrderLife
from execution.core.market_model.recorded_market import REFILL, RecordedMarket
from execution.core.market_model.recording import SECOND, Event, RecordedBook, RecordedTrade, Timeline
from execution.core.types import ZERO, Side
from tests.recordings.made import BEGAN, MARKET, book, levels, trade

ME = "me"


@dataclass
class Played:
    """A recorded market, its commands carried out on a book, and what was traded."""

    events: list[Event]
    depth: int = 20
    prints: list[tuple[Side, Decimal, Decimal]] = field(default_factory=list)
    mine: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)  #: my order, price, quantity

    def __post_init__(self) -> None:
        parameters = MarketParameters(MARKET, mid=Decimal(100), spacing=MARKET.tick)
        self.others = RecordedMarket(parameters, Timeline(iter(self.events)), BEGAN, self.depth)
        self.book = OrderBook()
        self.next_id = 1

    def to(self, at: float) -> Played:
        for command in self.others.advance_to(self.book, BEGAN + round(at * SECOND)):
            self.carry_out(command)
        return self

    def carry_out(self, command: Command) -> None:
        if isinstance(command, Withdraw):
            assert self.book.cancel(command.order_id) is not None, "it withdraws what is not there"
        elif isinstance(command, Shrink):
            self.book.reduce(command.order_id, command.quantity)
        elif isinstance(command, Hit):
            execution = self.book.hit(0, command.order_id, command.quantity)
            assert execution.maker_owner == ME
            self.mine.append((execution.maker_id, execution.price, execution.quantity))
            self.prints.append((command.taker, execution.price, execution.quantity))
        elif isinstance(command, Print):
            self.prints.append((command.taker, command.price, command.quantity))
        else:
            for execution in self.book.submit(command).executions:
                assert execution.maker_owner == ME, "the others traded with each other"
                self.mine.append((execution.maker_id, execution.price, execution.quantity))

    def order(
        self, side: Side, price: object | None, size: object, life: OrderLife = OrderLife.GTC
    ) -> tuple[int, Decimal]:
        """Place an order. Return its id, and the quantity that it took at once."""
        limit = None if price is None else Decimal(str(price))
        number, self.next_id = self.next_id, self.next_id + 1
        result = self.book.submit(NewOrder(number, ME, side, Decimal(str(size)), limit, life))
        for execution in result.executions:
            if execution.maker_owner == ME:
                self.mine.append((execution.maker_id, execution.price, execution.quantity))
        return number, result.filled

    def filled(self, order: int) -> Decimal:
        return sum((size for number, _, size in self.mine if number == order), ZERO)

    def others_at(self, side: Side, price: object) -> Decimal:
        queue = self.book.queue(side, Decimal(str(price)))
        return sum((order.remaining for order in queue if order.owner == BACKGROUND), ZERO)


# --- alone -----------------------------------------------------------------------------------------

sizes = st.integers(1, 9)


@st.composite
def rows(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Draw both sides of a book that is not crossed; either may be empty."""
    mid = draw(st.integers(95, 105))
    sides = []
    for sign in (-1, 1):
        steps = sorted(draw(st.sets(st.integers(1, 6), max_size=4)))
        sides.append([(mid + sign * step, draw(sizes)) for step in steps])
    return sides[0], sides[1]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Draw books, unknown books and trades, a tenth of a second apart."""
    events: list[Event] = []
    for number in range(1, draw(st.integers(1, 14)) + 1):
        kind = draw(st.sampled_from(("book", "book", "trade", "gap")))
        if kind == "book":
            events.append(book(number, number / 10, *draw(rows())))
        elif kind == "gap":
            events.append(book(number, number / 10, None, None, note="lost"))
        else:
            side = draw(st.sampled_from((Side.BUY, Side.SELL, None)))
            events.append(trade(number, number / 10, side, draw(st.integers(92, 108)), draw(sizes)))
    return events


@given(histories())
def test_without_us_the_book_is_the_recorded_one_at_each_moment_and_the_trades_are_the_recorded_ones(
    events: list[Event],
) -> None:
    played = Played(events)
    known: RecordedBook | None = None
    for event in events[:-1]:
        played.to((event.received - BEGAN) / SECOND)
        known = event if isinstance(event, RecordedBook) else known
        for side in Side:
            expected = () if known is None else known.levels(side)
            assert tuple(played.book.levels(side)) == expected
    played.to(100)
    trades = [event for event in events if isinstance(event, RecordedTrade)]
    assert [(price, size) for _, price, size in played.prints] == [
        (each.price, each.quantity) for each in trades
    ]
    for (taker, _, _), each in zip(played.prints, trades, strict=True):
        assert each.side in (None, taker)


@given(histories())
def test_at_the_end_nobody_is_left_and_the_progress_says_so(events: list[Event]) -> None:
    played = Played(events)
    assert played.others.progress.state == "gap"
    played.to(100)
    assert (played.book.best(Side.BUY), played.book.best(Side.SELL)) == (None, None)
    progress = played.others.progress
    assert progress.state == "ended"
    assert progress.books + progress.trades == len(events)


# --- with us ---------------------------------------------------------------------------------------

mine = st.tuples(st.sampled_from(Side), st.integers(93, 107), sizes, st.integers(0, 14))


@given(histories(), st.lists(mine, max_size=5))
def test_with_us_each_trade_keeps_its_quantity_and_no_order_is_filled_beyond_its_own(
    events: list[Event], orders: list[tuple[Side, int, int, int]]
) -> None:
    played = Played(events)
    placed: dict[int, tuple[int, Decimal]] = {}
    for step in range(15):
        before = len(played.prints)
        played.to(step / 10)
        now = [each for each in events if each.received == BEGAN + step * SECOND // 10]
        printed = sum((size for _, _, size in played.prints[before:]), ZERO)
        assert printed == sum((each.quantity for each in now if isinstance(each, RecordedTrade)), ZERO)
        for side, price, size, at in orders:
            if at == step:
                number, taken = played.order(side, price, size)
                placed[number] = (size, taken)
        for place, recorded in played.others._recorded.items():
            assert played.others_at(*place) <= recorded, "there is more than the recording says"
    for number, (size, taken) in placed.items():
        resting = played.book.find(number)
        left = ZERO if resting is None else resting.remaining
        assert taken + played.filled(number) + left == size, "what is filled and what rests are the order"


def test_the_others_before_us_in_the_queue_are_filled_first() -> None:
    played = Played(
        [
            book(1, 0, [(99, 5)], [(101, 5)]),
            trade(2, 1, Side.SELL, 99, 3),
            trade(3, 2, Side.SELL, 99, 3),
            book(4, 100, [], []),
        ]
    ).to(0)
    number, _ = played.order(Side.BUY, 99, 2)
    assert played.to(1).filled(number) == 0
    assert played.to(2).filled(number) == 1, "five stood before us and six were sold"
    assert [(int(price), int(size)) for _, price, size in played.prints] == [(99, 3), (99, 1), (99, 2)]


def test_a_book_that_repeats_what_was_traded_moves_us_forward_once() -> None:
    """The trade comes first, then the book without it: as exchanges send them."""
    played = Played(
        [
            book(1, 0, [(99, 5)], [(101, 5)]),
            trade(2, 1, Side.SELL, 99, 3),
            book(3, 1.1, [(99, 2)], [(101, 5)]),
            trade(4, 2, Side.SELL, 99, 2),
            trade(5, 3, Side.SELL, 99, 1),
            book(6, 100, [], []),
        ]
    ).to(0)
    number, _ = played.order(Side.BUY, 99, 2)
    assert played.to(2).filled(number) == 0
    assert played.to(3).filled(number) == 1


def test_others_who_leave_are_those_behind_us_as_long_as_there_are_any() -> None:
    played = Played(
        [
            book(1, 0, [(99, 5)], [(101, 5)]),
            book(2, 1, [(99, 9)], [(101, 5)]),
            book(3, 2, [(99, 5)], [(101, 5)]),
            trade(4, 3, Side.SELL, 99, 5),
            book(5, 4, [(99, 2)], [(101, 5)]),
            trade(6, 5, Side.SELL, 99, 1),
            book(7, 100, [], []),
        ]
    ).to(0)
    number, _ = played.order(Side.BUY, 99, 2)
    assert played.to(3).filled(number) == 0, "the four that came after us left, the five before us stayed"
    assert played.to(5).filled(number) == 1


def test_a_better_price_of_ours_is_filled_first_and_the_rest_is_printed_as_it_was() -> None:
    played = Played(
        [book(1, 0, [(99, 5)], [(101, 5)]), trade(2, 1, Side.BUY, 101, 3), book(3, 100, [], [])]
    ).to(0)
    number, _ = played.order(Side.SELL, 100, 2)
    assert played.to(1).filled(number) == 2
    assert played.prints == [(Side.BUY, Decimal(100), Decimal(2)), (Side.BUY, Decimal(101), Decimal(1))]


def test_a_recorded_level_that_crosses_us_trades_with_us_once() -> None:
    played = Played(
        [
            book(1, 0, [(99, 5)], [(102, 5)]),
            book(2, 1, [(97, 5)], [(98, 1)]),
            book(3, 1.1, [(97, 6)], [(98, 1)]),
            book(4, 1.2, [(97, 6)], [(98, 3)]),
            book(5, 100, [], []),
        ]
    ).to(0)
    number, _ = played.order(Side.BUY, 98, 4)
    assert played.to(1).filled(number) == 1
    assert played.to(1.1).filled(number) == 1, "the same offer again is no second one"
    assert played.to(1.2).filled(number) == 3


def test_what_we_took_stays_taken_until_the_level_is_new_or_others_have_put_it_back() -> None:
    last = REFILL / SECOND
    played = Played(
        [
            book(1, 0, [(99, 5)], [(101, 5), (102, 7)]),
            book(2, 1, [(99, 5)], [(101, 6), (102, 7)]),
            book(3, 2 + last, [(99, 5)], [(101, 6), (102, 7)]),
            book(4, 100, [], []),
        ]
    ).to(0)
    _, taken = played.order(Side.BUY, None, 4, OrderLife.IOC)
    assert taken == 4
    assert played.book.levels(Side.SELL) == list(levels([(101, 1), (102, 7)]))
    assert played.to(1).book.levels(Side.SELL) == list(levels([(101, 2), (102, 7)]))
    assert played.to(2 + last).book.levels(Side.SELL) == list(levels([(101, 6), (102, 7)]))


def test_a_level_that_leaves_the_recorded_depth_keeps_those_before_us() -> None:
    """Else the order would be the first when the price comes back, without having waited for it."""
    near = [(100, 1), (99, 1)]
    played = Played(
        [
            book(1, 0, [(99, 1), (98, 5)], [(103, 1), (104, 1)]),
            book(2, 1, near, [(103, 1), (104, 1)]),
            book(3, 2, [(98, 6), (97, 1)], [(103, 1), (104, 1)]),
            trade(4, 3, Side.SELL, 98, 6),
            book(5, 100, [], []),
        ],
        depth=2,
    ).to(0)
    number, _ = played.order(Side.BUY, 98, 1)
    assert played.to(1).others_at(Side.BUY, 98) == 5
    assert played.to(2).others_at(Side.BUY, 98) == 6
    assert played.to(3).filled(number) == 1, "five stood before us; the sixth came later"


def test_nobody_can_be_traded_with_while_the_book_is_unknown() -> None:
    played = Played(
        [
            book(1, 0, [(99, 5)], [(101, 5)]),
            book(2, 1, None, None, note="the stream was lost"),
            book(3, 2, [(99, 5)], [(101, 5)]),
            book(4, 100, [], []),
        ]
    ).to(1)
    assert played.order(Side.BUY, None, 1, OrderLife.IOC)[1] == 0
    assert (played.others.progress.state, played.others.progress.note) == ("gap", "the stream was lost")
    assert played.others.mid == 100, "the last that was known"
    assert played.to(2).order(Side.BUY, None, 1, OrderLife.IOC)[1] == 1


def test_the_taker_whose_side_nobody_says_is_known_by_the_mid() -> None:
    played = Played(
        [book(1, 0, [(99, 5)], [(101, 5)]), trade(2, 1, None, 101, 1), trade(3, 1, None, 99, 1)]
    ).to(2)
    assert [taker for taker, _, _ in played.prints] == [Side.BUY, Side.SELL]


def test_speed_scales_the_recordings_time() -> None:
    events = [book(1, 0, [(99, 1)], [(101, 1)]), book(2, 1, [(98, 1)], [(101, 1)]), book(3, 60, [], [])]
    slow, fast = Played(list(events)), Played(list(events))
    fast.others.speed = 10
    for played, seconds in ((slow, 1.0), (fast, 0.1)):
        for command in played.others.step(played.book, 0.0, seconds):
            played.carry_out(command)
        assert played.book.best(Side.BUY) == 98
