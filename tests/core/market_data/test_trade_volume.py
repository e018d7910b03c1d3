"""A market's volume by the second: exactly the ledger's in every second that is called known."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.market_data.coverage import Coverage
from execution.core.market_data.trade_volume import KEPT, Hole, TradeVolume, VolumeRow
from execution.core.types import ZERO, PublicTrade
from tests.core.builders import NOW, D

SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def trade(number: int | None, seconds: float, quantity: str = "1", price: str = "10") -> PublicTrade:
    return PublicTrade(
        "BTC/USDT", D(price), D(quantity), at(seconds), None if number is None else str(number)
    )


def volumes(rows: Sequence[VolumeRow]) -> dict[int, Decimal | None]:
    """Return volume by the second since NOW."""
    return {int((row.second - NOW).total_seconds()): row.volume for row in rows}


def streaming(*trades: PublicTrade, since: float = 0, late: float = 0) -> TradeVolume:
    """Return a stream from NOW on that has delivered some trades, each ``late`` seconds after it happened."""
    volume = TradeVolume(at(since))
    volume.resume(at(since))
    for each in trades:
        volume.add(each, each.at + timedelta(seconds=late))
    return volume


# --- late, silent, cut -----------------------------------------------------------------------------


def test_a_trade_counts_into_the_second_of_its_own_time_however_late_it_arrives() -> None:
    for late in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 30):
        volume = streaming(*(trade(n, n / 4) for n in range(40)), late=late)
        assert volumes(volume.rows(at(20 + late))) | {9: None} == {
            **dict.fromkeys(range(9), D(4)),
            **dict.fromkeys(range(9, 19 + int(late)), None),
        }


def test_a_second_is_told_when_it_is_over_for_a_second_and_again_when_it_changes() -> None:
    volume = streaming(trade(1, 0.2))
    assert volume.rows(at(1.9)) == []
    assert volume.rows(at(2)) == [VolumeRow(NOW, None, None)]
    assert volume.rows(at(2.1)) == []
    volume.add(trade(2, 1.5, "3"), at(2.2))
    assert volume.rows(at(2.2)) == [VolumeRow(NOW, D(1), D(10))]
    volume.add(trade(3, 0.9, "0.5", "20"), at(2.4))
    assert volume.rows(at(2.4)) == [VolumeRow(NOW, D("1.5"), D(20))], "out of order, and counted"
    volume.add(trade(3, 0.9, "0.5", "20"), at(2.5))
    assert volume.rows(at(2.5)) == []


def test_a_stream_that_is_silent_says_nothing_until_a_list_proves_it() -> None:
    volume = streaming(trade(1, 0.5))
    assert set(volumes(volume.rows(at(60))).values()) == {None}
    assert volume.silent_for(at(60)) == timedelta(seconds=59.5)
    volume.fill([trade(1, 0.5)], at(60), received_at=at(60))
    assert volumes(volume.rows(at(62))) == {0: D(1), **dict.fromkeys(range(1, 60), ZERO), 60: None}
    assert volume.silent_for(at(62)) == 2 * SECOND
    assert volume.hole() is None


def test_what_was_lost_between_two_streams_is_unknown_until_a_list_mends_it() -> None:
    volume = streaming(trade(1, 0.5), trade(2, 1.5))
    volume.interrupt()
    assert volume.hole() == Hole(at(1.5), None)
    volume.resume(at(5.2))
    assert volume.hole() == Hole(at(1.5), at(5.2))
    volume.add(trade(6, 7), at(7))
    assert volumes(volume.rows(at(8))) == {0: D(1), 1: None, 2: None, 3: None, 4: None, 5: None, 6: ZERO}
    listed = [trade(number, second) for number, second in ((2, 1.5), (3, 1.8), (4, 3), (5, 5.1), (6, 7))]
    volume.fill(listed, at(8), received_at=at(8.3))
    assert volumes(volume.rows(at(9))) == {1: D(2), 2: ZERO, 3: D(1), 4: ZERO, 5: D(1), 7: D(1)}
    assert volume.hole() is None


def test_a_list_that_does_not_reach_back_mends_what_comes_after_its_oldest_trade() -> None:
    volume = streaming(trade(1, 0.5))
    volume.interrupt()
    volume.fill([trade(8, 6), trade(9, 7.5)], at(9), received_at=at(9))
    # Another trade of the same instant as the oldest one may be missing.
    assert volumes(volume.rows(at(10))) == {**dict.fromkeys(range(7)), 7: D(1), 8: ZERO}
    assert volume.hole() == Hole(at(9), None), "what is older than the list is not asked for again"
    volume.fill([trade(7, 5), trade(8, 6)], at(6), received_at=at(10), since=at(0.5))
    assert volumes(volume.rows(at(10))) == {0: D(1), **dict.fromkeys(range(1, 5), ZERO), 5: D(1)}
    volume.fill([trade(8, 6), trade(9, 7.5)], at(10), received_at=at(10), since=at(6))
    assert volumes(volume.rows(at(10))) == {6: D(1)}, "two pages that share a trade leave no gap"


def test_a_list_whose_oldest_trade_has_the_instant_of_the_hole_may_miss_another_one() -> None:
    volume = streaming(trade(1, 0.5), trade(2, 2))
    volume.interrupt()
    volume.fill([trade(4, 2)], at(6), received_at=at(6))
    assert volumes(volume.rows(at(5)))[2] is None
    volume.fill([trade(2, 2), trade(3, 2), trade(4, 2)], at(6), received_at=at(6))
    assert volumes(volume.rows(at(5))) == {2: D(3)}


def test_a_list_of_the_newest_trade_proves_nothing_of_others_of_its_instant_that_are_under_way() -> None:
    volume = streaming(trade(0, 1), trade(1, 2))
    for moment in (2.5, 3, 5):
        volume.fill([trade(3, 2)], at(moment), received_at=at(moment))
    assert volumes(volume.rows(at(5))) == {0: ZERO, 1: D(1), 2: None, 3: ZERO}, "trade 2 is still to come"
    volume.add(trade(2, 2), at(5))
    volume.add(trade(3, 2), at(5))
    volume.fill([trade(3, 2)], at(5), received_at=at(5))
    assert volumes(volume.rows(at(5))) == {2: D(3)}


def test_an_empty_list_shows_nothing_unless_it_was_asked_for_a_start() -> None:
    volume = TradeVolume(NOW)
    volume.fill([], at(5), received_at=at(5))
    assert set(volumes(volume.rows(at(5))).values()) == {None}
    volume.fill([], at(5), received_at=at(5), since=NOW)
    assert set(volumes(volume.rows(at(5))).values()) == {ZERO}


def test_a_trade_from_the_future_proves_nothing_of_it() -> None:
    volume = streaming(trade(1, 0.5))
    volume.add(trade(2, 3600), at(3.5))
    assert volumes(volume.rows(at(8))) == {0: D(1), 1: ZERO, 2: ZERO, **dict.fromkeys(range(3, 7))}
    volume.add(trade(3, 5), at(5))
    assert volumes(volume.rows(at(8))) == {3: D(1), 4: ZERO}, "it counts when it was received"


def test_trades_without_an_id_count_once_each() -> None:
    volume = streaming(trade(None, 0.1), trade(None, 0.2), trade(None, 0.2), trade(None, 2))
    assert volumes(volume.rows(at(2)))[0] == D(2)


def test_a_list_without_ids_mends_nothing_and_is_not_asked_for_again() -> None:
    volume = streaming(trade(1, 0.5), trade(2, 2))
    volume.interrupt()
    volume.fill([trade(None, 0.5), trade(None, 2), trade(None, 3)], at(6), received_at=at(6))
    assert volumes(volume.rows(at(8))) == {0: D(1), 1: ZERO, **dict.fromkeys(range(2, 7))}
    assert volume.hole() == Hole(at(6), None)


def test_what_is_forgotten_is_not_counted_again_and_memory_is_bounded() -> None:
    volume = streaming()
    told: dict[int, Decimal | None] = {}
    minutes = 20
    for second in range(minutes * 60):
        for number in range(5):
            volume.add(trade(5 * second + number, second + number / 5), at(second + number / 5))
        told |= volumes(volume.rows(at(second)))
    held = 5 * (KEPT.total_seconds() + 25)
    assert len(volume._ids) < held
    assert max(len(volume._seconds), len(volume._rows)) < held / 5
    everything = [trade(number, number / 5) for number in range(5 * minutes * 60)]
    volume.fill(everything, at(minutes * 60), received_at=at(minutes * 60))
    told |= volumes(volume.rows(at(minutes * 60 + 2)))
    assert told == {**dict.fromkeys(range(minutes * 60), D(5)), minutes * 60: None}


# --- whatever happens ------------------------------------------------------------------------------


class Venue:
    """A venue with a ledger, a stream that is late and is cut, and a reader that asks for lists now and then."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = NOW + timedelta(milliseconds=self.random.randint(0, 999))
        self.began = self.now
        self.ledger: list[PublicTrade] = []
        self.pipe: list[PublicTrade] | None = None
        self.delivered: list[PublicTrade] = []
        self.volume = TradeVolume(self.now)
        self.told: dict[datetime, VolumeRow] = {}

    def ledger_volume(self, second: datetime) -> Decimal:
        return sum((t.quantity for t in self.ledger if t.at.replace(microsecond=0) == second), ZERO)

    def run(self, steps: int) -> None:
        actions = [self._trades] * 6 + [self._delivers] * 5 + [self._passes] * 3
        actions += [self._repeats, self._cut, self._connects, self._lists, self._lists_since]
        for _ in range(steps):
            self.random.choice(actions)()
            self.read()

    def read(self) -> None:
        """Check that every second reported as known has exactly the ledger's volume."""
        for row in self.volume.rows(self.now):
            assert row.second + 2 * SECOND <= self.now
            assert self.told.get(row.second) != row
            self.told[row.second] = row
            if row.volume is None:
                assert row.notional is None
            else:
                assert row.volume == self.ledger_volume(row.second), row
                assert row.notional == 10 * row.volume

    def _trades(self) -> None:
        for _ in range(self.random.choice([1, 1, 1, 4])):
            self._passes(self.random.choice([0, 0, 1, 150, 700]))
            quantity = self.random.choice([D(1), D("0.25")])
            made = PublicTrade("BTC/USDT", D(10), quantity, self.now, str(len(self.ledger)))
            self.ledger.append(made)
            if self.pipe is not None:
                self.pipe.append(made)

    def _delivers(self) -> None:
        if self.pipe is None:
            return
        count = self.random.randint(0, 3)
        for each in self.pipe[:count]:
            self.volume.add(each, self.now)
            self.delivered.append(each)
        del self.pipe[:count]

    def _repeats(self) -> None:
        if self.delivered:
            self.volume.add(self.random.choice(self.delivered[-20:]), self.now)

    def _passes(self, milliseconds: int | None = None) -> None:
        chosen = self.random.choice([1, 300, 2500, 40_000]) if milliseconds is None else milliseconds
        self.now += timedelta(milliseconds=chosen)

    def _cut(self) -> None:
        """End the stream, or lose some trades and continue."""
        if self.pipe is not None and self.random.random() < 0.5:
            del self.pipe[: self.random.randint(0, 3)]
        else:
            self.pipe = None
        self.volume.interrupt()

    def _connects(self) -> None:
        self._passes(1)  # later than what the venue has traded
        self.pipe = []
        self.volume.resume(self.now)

    def _lists(self) -> None:
        count = self.random.choice([1, 3, 10, 1000])
        self._passes(1)
        listed, asked_at = self.ledger[-count:], self.now
        self._passes(self.random.choice([0, 200]))
        self.random.shuffle(listed)
        self.volume.fill(listed, asked_at, received_at=self.now)

    def _lists_since(self) -> None:
        self._passes(1)
        start = self.now - timedelta(seconds=self.random.choice([1, 5, 60]))
        listed, limit = [each for each in self.ledger if each.at >= start], self.random.choice([1, 5, 1000])
        until = self.now if len(listed) < limit else listed[limit - 1].at
        self.volume.fill(listed[:limit], until, received_at=self.now, since=start)


@settings(max_examples=300)
@given(st.integers(0, 2**32), st.integers(1, 150))
def test_whatever_is_late_repeated_lost_and_listed_a_known_second_is_exactly_the_ledgers(
    seed: int, steps: int
) -> None:
    venue = Venue(seed)
    venue.run(steps)
    venue._passes(1)
    venue.volume.fill(venue.ledger, venue.now, received_at=venue.now, since=NOW)
    venue._passes(2000)
    venue.read()
    kept = [row for row in venue.told.values() if row.second > venue.now - KEPT]
    last = (venue.now - 2 * SECOND).replace(microsecond=0)
    # What a whole list has mended is known: every second but the one in which the list was asked for.
    assert [row.second for row in kept if row.volume is None and row.second < last] == []


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 9)), max_size=40), st.randoms())
def test_in_any_order_each_trade_counts_once(made: list[tuple[int, int]], order: random.Random) -> None:
    trades = [trade(number, when / 1000, str(quantity + 1)) for number, (when, quantity) in enumerate(made)]
    arriving = trades * 2
    order.shuffle(arriving)
    volume = streaming()
    told: dict[int, Decimal | None] = {}
    for each in arriving:
        volume.add(each, at(20))
        told |= volumes(volume.rows(at(20)))
    assert volume.fill(trades, at(20), received_at=at(20), since=NOW) == []
    told |= volumes(volume.rows(at(25)))
    for second in range(20):
        assert told[second] == sum(
            (t.quantity for t in trades if int((t.at - NOW).total_seconds()) == second), ZERO
        )


moments = st.integers(0, 30)


@given(st.lists(st.tuples(moments, moments), max_size=12), moments, moments)
def test_coverage_is_the_union_of_what_was_added(added: list[tuple[int, int]], start: int, end: int) -> None:
    coverage, inside = Coverage(), set[int]()
    for first, last in added:
        new = coverage.add(at(first), at(last))
        found = {second for each in new for second in range(_number(each.start), _number(each.end))}
        assert found == set(range(first, last)) - inside
        inside |= set(range(first, last))
    gaps = {
        n for gap in coverage.gaps(at(start), at(end)) for n in range(_number(gap.start), _number(gap.end))
    }
    assert gaps == set(range(start, end)) - inside
    if start < end:
        assert coverage.covers(at(start), at(end)) is not bool(gaps)
    assert (coverage.end is None) == (not inside)
    coverage.forget(at(start))
    left = {n for n in range(31) if coverage.covers(at(n), at(n + 1))}
    assert left == {n for n in inside if n >= start}


def _number(moment: datetime) -> int:
    return int((moment - NOW).total_seconds())
