"""A recording's folder: exact, readable after a kill, and refused where it is not what it should be."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execution.core.market_model.recording import SECOND, Event, RecordedBook, RecordedTrade
from execution.core.problems import Refused
from execution.core.types import Side
from execution.recordings import parquet
from execution.recordings.folder import MAX_PART, Recording, RecordingWriter
from tests.recordings.made import BEGAN, MARKET, SYMBOL, book, rules, trade, written

EVENTS: list[Event] = [
    book(1, 0, [(99.9, 5), (99.8, "0.001")], [(100.1, 5)]),
    trade(2, 0.5, Side.BUY, 100.1, "0.25"),
    trade(3, 0.6, None, 100.1, 1),
    book(4, 1, [], [(100.1, "4.75")]),
    book(5, 2, None, None, note="the stream was lost"),
    *(book(number, number, [(99, number)], [(101, 1)]) for number in range(6, 30)),
]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    recording = Recording(written(tmp_path / "recording", EVENTS))
    assert list(recording.events(SYMBOL)) == EVENTS
    assert recording.rules == replace(rules(), ended=EVENTS[-1].received)
    assert len(list((tmp_path / "recording" / "books").iterdir())) == 5


#: Every number that a column holds: 38 digits, 18 of them decimals.
amounts = st.decimals(
    min_value=Decimal("1e-18"), max_value=Decimal("9.9e19"), allow_nan=False, allow_infinity=False, places=18
)


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_every_decimal_survives_exactly(tmp_path: Path, pairs: list[tuple[Decimal, Decimal]]) -> None:
    trades = [
        RecordedTrade(number, SYMBOL, BEGAN, None, Side.SELL, price, size)
        for number, (price, size) in enumerate(pairs, start=1)
    ]
    path = tmp_path / "trades.parquet"
    parquet.write_trades(path, trades)
    read = list(parquet.read_trades(path, SYMBOL))
    assert read == trades
    for each in read:
        assert "E+" not in str(each.price)


def test_a_number_that_does_not_fit_is_refused_and_not_rounded(tmp_path: Path) -> None:
    for price in (Decimal("1e-19"), Decimal("1.0000000000000000001"), Decimal("1e20")):
        event = replace(trade(1, 0, Side.BUY, 1, 1), price=price)
        with pytest.raises(Refused, match="20 digits and 18 decimals"):
            parquet.write_trades(tmp_path / "trades.parquet", [event])
    assert list(tmp_path.iterdir()) == []


def test_other_tools_read_numbers_and_times(tmp_path: Path) -> None:
    folder = written(tmp_path / "recording", EVENTS)
    table = pyarrow.parquet.read_table(folder / "trades" / "000001.parquet")
    assert table["price"].to_pylist() == [Decimal("100.1"), Decimal("100.1")]
    assert pyarrow.types.is_decimal(table["price"].type)
    assert table["received"].type == pyarrow.timestamp("us", tz="UTC")


def test_each_symbol_has_its_own_events(tmp_path: Path) -> None:
    other = replace(MARKET, symbol="ETH/USDT", base="ETH")
    events: list[Event] = [
        book(1, 0, [(99, 1)], [(101, 1)]),
        book(2, 0, [(9, 1)], [(11, 1)], symbol="ETH/USDT"),
        trade(3, 1, Side.BUY, 11, 1, symbol="ETH/USDT"),
        trade(4, 1, Side.SELL, 99, 1),
    ]
    recording = Recording(written(tmp_path / "recording", events, rules(MARKET, other)))
    assert list(recording.events(SYMBOL)) == [events[0], events[3]]
    assert list(recording.events("ETH/USDT")) == events[1:3]
    with pytest.raises(Refused, match=r"has no .SOL/USDT.\. It has BTC/USDT, ETH/USDT"):
        list(recording.events("SOL/USDT"))


def test_long_parts_are_read_some_rows_at_a_time(tmp_path: Path) -> None:
    events = [trade(number, number, Side.BUY, 100, 1) for number in range(1, 2000)]
    writer = RecordingWriter(tmp_path / "recording", rules())
    for event in events:
        writer.add(event)
    writer.close(BEGAN)
    assert list(Recording(tmp_path / "recording").events(SYMBOL)) == events


def test_a_part_is_full_long_before_memory_is(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "recording", rules())
    for number in range(1, MAX_PART):
        writer.add(trade(number, 0, Side.BUY, 100, 1))
    full = [writer.is_full]
    writer.add(trade(MAX_PART, 0, Side.BUY, 100, 1))
    full.append(writer.is_full)
    writer.write(writer.take_part())
    full.append(writer.is_full)
    assert full == [False, True, False]


# --- a recorder that was killed --------------------------------------------------------------------


def test_without_an_end_everything_but_the_last_part_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    writer = RecordingWriter(folder, rules())
    for event in EVENTS[:4]:
        writer.add(event)
    writer.write(writer.take_part())
    writer.add(EVENTS[4])
    # What a kill may leave: half a file under its other name, and the trades of a part without its books.
    (folder / "books" / ".000002.parquet.tmp").write_bytes(b"PAR1")
    parquet.write_trades(folder / "trades" / "000002.parquet", [trade(6, 9, Side.BUY, 1, 1)])
    recording = Recording(folder)
    assert recording.rules.ended is None
    assert list(recording.events(SYMBOL)) == EVENTS[:4]


def test_a_folder_that_is_used_is_refused_and_untouched(tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    for path in (folder, folder / "mine.txt"):
        with pytest.raises(Refused, match="is there already and not empty"):
            RecordingWriter(path, rules())
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    RecordingWriter(tmp_path / "empty", rules())


# --- what is no recording --------------------------------------------------------------------------


def edited(folder: Path, **fields: object) -> Path:
    path = folder / "rules.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return folder


def symbol_rules(**fields: object) -> dict[str, object]:
    known = {"base": "BTC", "quote": "USDT", "tick": "0.1", "lot": "0.1", "min_quantity": "0"}
    return {SYMBOL: {**known, "min_notional": "5", **fields}}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"format": 2}, "format is 2; this version reads 1"),
        ({"levels": 0}, "levels is 0; it must be 1 to 1,000"),
        ({"symbols": {}}, "symbols must hold at least one symbol"),
        ({"venue": 7}, "venue must be a text"),
        ({"started": "noon"}, "started is noon, which is no time"),
        ({"started": "2026-03-02T12:00:00"}, "which has no time zone"),
        ({"symbols": symbol_rules(tick="0")}, "tick must be above 0"),
        ({"symbols": symbol_rules(lot=None)}, "lot is None"),
        ({"symbols": symbol_rules(maker_fee="1,5")}, "maker_fee is 1,5"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_with_the_field(
    tmp_path: Path, fields: dict[str, object], reason: str
) -> None:
    folder = edited(written(tmp_path / "recording", EVENTS), **fields)
    with pytest.raises(Refused, match=reason):
        Recording(folder)


def test_fees_that_nobody_knows_stay_unknown(tmp_path: Path) -> None:
    market = replace(MARKET, maker_fee=None, taker_fee=None, max_quantity=None)
    recording = Recording(written(tmp_path / "recording", EVENTS, rules(market)))
    assert recording.rules.markets == {SYMBOL: market}
    rebate = replace(MARKET, maker_fee=Decimal("-0.0001"))
    assert Recording(written(tmp_path / "other", EVENTS, rules(rebate))).rules.markets[SYMBOL] == rebate


Spoil = Callable[[Path], object]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "rules.json").unlink(), "is no recording: rules.json cannot be read"),
        (lambda folder: (folder / "rules.json").write_text("{"), "it is not JSON"),
        (lambda folder: (folder / "rules.json").write_text("[]"), "it must hold an object"),
        (lambda folder: (folder / "books" / "000002.parquet").unlink(), "lacks a file of part 000002"),
        (lambda folder: (folder / "trades" / "000003.parquet").unlink(), "lacks a file of part 000003"),
        (
            lambda folder: (folder / "books" / "000002.parquet").write_bytes(b"x"),
            "000002.parquet cannot be read",
        ),
        (
            lambda folder: (folder / "books" / "000002.parquet").write_bytes(
                (folder / "trades" / "000002.parquet").read_bytes()
            ),
            "its columns are not those of books",
        ),
    ],
)
def test_a_folder_that_is_spoilt_is_refused_with_the_file(tmp_path: Path, spoil: Spoil, reason: str) -> None:
    folder = written(tmp_path / "recording", EVENTS)
    spoil(folder)
    with pytest.raises(Refused, match=reason):
        list(Recording(folder).events(SYMBOL))


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (book(1, 0, [(101, 1)], [(101, 1)]), "event 1: the best bid is not below the best ask"),
        (book(1, 0, [(99, 1), (100, 1)], []), "event 1: the bids are not sorted from the best"),
        (book(1, 0, [(99, 0)], []), "a price or quantity that is not above 0"),
        (replace(book(1, 0, [], []), asks=None), "one side of the book is unknown"),
        (trade(1, 0, Side.BUY, 0, 1), "price and quantity must be above 0"),
    ],
)
def test_events_that_cannot_be_are_refused_with_their_number(
    tmp_path: Path, event: RecordedBook | RecordedTrade, reason: str
) -> None:
    folder = written(tmp_path / "recording", [event])
    with pytest.raises(Refused, match=reason):
        list(Recording(folder).events(SYMBOL))


def test_events_out_of_order_are_refused(tmp_path: Path) -> None:
    events = [trade(number, 0, Side.BUY, 1, 1) for number in (1, 2, 3, 4, 5, 6, 9, 8)]
    with pytest.raises(Refused, match="event 8 comes after 9"):
        list(Recording(written(tmp_path / "recording", events)).events(SYMBOL))


def test_without_the_library_the_refusal_names_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path / "recording", EVENTS)
    parquet.library.cache_clear()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    try:
        with pytest.raises(Refused, match=r"pyarrow is not installed .* Run: uv sync --extra recordings"):
            Recording(folder)
    finally:
        parquet.library.cache_clear()


def test_moments_are_microseconds(tmp_path: Path) -> None:
    event = replace(trade(1, 0, Side.BUY, 1, 1), received=BEGAN + 123_457, exchange_time=BEGAN - 3 * SECOND)
    recording = Recording(written(tmp_path / "recording", [event]))
    assert list(recording.events(SYMBOL)) == [event]
