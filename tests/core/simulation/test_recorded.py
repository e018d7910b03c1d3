"""Orders that are worked in a recording, in virtual time."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from execution.core.market_model.recording import SECOND, Event, RecordedBook
from execution.core.orders.terms import ALGORITHMS
from execution.core.problems import Refused
from execution.core.simulation.exchange import Placed, SimulatedExchange
from execution.core.simulation.recorded import RecordedLadder, RecordedWindow, seconds_of, windows
from execution.core.simulation.setting import usual_setting
from execution.core.simulation.trials import recorded_trial, simulate
from execution.core.types import Side, TimeInForce, VenueStatus
from tests.recordings.made import BEGAN, MARKET, SYMBOL, book, rules, trade, written

SECONDS = 180
ROOMY = replace(MARKET, min_notional=MARKET.tick)


def market_events(seconds: int = SECONDS, *, seed: int = 3) -> list[Event]:
    """Return a quiet market: ten levels a side that move by a tick now and then, and trades at the touch."""
    random, mid = Random(seed), 1000
    events: list[Event] = []
    for step in range(seconds * 5):
        mid += random.choice((-1, 0, 0, 0, 1))
        sides = [
            [((mid + sign * level) / 10, random.randint(20, 60) / 10) for level in range(1, 11)]
            for sign in (-1, 1)
        ]
        events.append(book(len(events) + 1, step / 5, *sides))
        if random.random() < 0.6:
            side = random.choice(list(Side))
            price = (mid + side.sign) / 10
            events.append(trade(len(events) + 1, step / 5 + 0.05, side, price, random.randint(1, 40) / 10))
    return events


def window(seconds: int = SECONDS) -> RecordedWindow:
    [found, *_] = windows(market_events(seconds), ROOMY, levels=20, seconds=seconds - 1)
    return found


def test_a_recording_is_cut_into_whole_stretches_that_begin_with_their_book() -> None:
    events = market_events()
    found = list(windows(events, ROOMY, levels=20, seconds=50))
    assert [(each.begins - BEGAN) / SECOND for each in found] == [0, 50, 100]
    for each in found:
        first = each.events[0]
        assert isinstance(first, RecordedBook)
        assert first.received == each.begins
        assert all(each.begins <= event.received < each.begins + 50 * SECOND for event in each.events)
    assert seconds_of(events) == pytest.approx(SECONDS, abs=0.5)
    assert seconds_of([]) == 0


def test_fees_and_trades_that_nobody_knows_are_not_made_up() -> None:
    events = market_events(20)
    with pytest.raises(Refused, match="does not know the fees of BTC/USDT"):
        list(windows(events, replace(ROOMY, maker_fee=None), levels=20, seconds=10))
    quiet = [event for event in events if isinstance(event, RecordedBook)]
    with pytest.raises(Refused, match="Nobody traded BTC/USDT within 10 s"):
        list(windows(quiet, ROOMY, levels=20, seconds=10))


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_works_an_order_in_a_recording_and_always_the_same(algorithm: str) -> None:
    recorded = window()
    first, second = (recorded_trial(recorded, 0, algorithm) for _ in range(2))
    assert first == second
    for cost in first:
        assert 0 <= cost.completed <= 1
        assert cost.cost_bp == pytest.approx(cost.spread_bp + cost.drift_bp + cost.fee_bp)


def test_an_order_is_done_and_takes_no_more_than_the_book_has() -> None:
    recorded = window()
    for side in Side:
        setting = usual_setting(recorded.kind, "twap", side, recorded.seconds / 60)
        run = simulate(setting, 0, "twap", recorded.open_market)
        assert sum(fill.lots for fill in run.fills) == run.lots
        assert run.arrival_mid == 1000
        assert run.volume > run.lots


def ladder(events: list[Event]) -> RecordedLadder:
    stretch = next(windows(events, ROOMY, levels=20, seconds=9))
    return stretch.open_market(stretch.kind, 0)


QUEUE: list[Event] = [
    book(1, 0, [(99.9, 5)], [(100.1, 5)]),
    trade(2, 1, Side.SELL, 99.9, 3),
    trade(3, 2, Side.SELL, 99.9, 4),
    book(4, 5, None, None, note="lost"),
    book(5, 9, [(99.9, 5)], [(100.1, 5)]),
]


def test_a_resting_order_waits_for_those_before_it() -> None:
    market = ladder(QUEUE)
    market.rest(1, 1, 999, 2000)
    market.run_to(1.5)
    assert market.fills == []
    market.run_to(2.0)
    assert [(fill.order, fill.price, fill.lots, fill.mid) for fill in market.fills] == [
        (1, 999, 2000, 1000.0)
    ]
    assert market.volume == 7000


def test_where_the_book_is_unknown_and_after_the_end_the_last_one_stands() -> None:
    market = ladder(QUEUE)
    for now in (0.0, 6.0, 8.0, 500.0):
        market.run_to(now)
        assert (market.bids.best, market.asks.best) == (999, 1001)
    assert market.next_at() == float("inf")


def test_the_exchange_between_us_and_the_recording_reports_as_always() -> None:
    exchange = SimulatedExchange(ladder(QUEUE))
    exchange.create(Placed(1, 1, 1001, 7000, TimeInForce.IOC))
    [report] = exchange.advance(1.0, None, None)
    assert (report.status, report.filled) == (VenueStatus.EXPIRED, 5000)
    assert exchange.market.asks.best is None, "all of the recorded depth was taken"


# --- the command -----------------------------------------------------------------------------------


def command(*arguments: str) -> Any:
    out = StringIO()
    call_command("simulate", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_works_an_order_in_each_symbol_of_a_recording(tmp_path: Path) -> None:
    folder = str(written(tmp_path / "recording", market_events(), rules(ROOMY)))
    arguments = ("--algorithm", "twap", "--recording", folder, "--minutes", "1")
    figures = json.loads(command(*arguments, "--json"))
    assert set(figures) == {SYMBOL}
    assert set(figures[SYMBOL]) == {"twap", "plain"}
    assert figures == json.loads(command(*arguments, "--json")), "nothing is drawn"
    assert SYMBOL in command(*arguments)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--minutes", "10"), "are recorded, and 600 s are wanted"),
        (("--minutes", "0.1"), "an order works 30 s or longer"),
        (("--kind", "one_tick"), "--recording takes no --kind"),
        (("--seeds", "3"), "--recording takes no --kind, --seeds"),
    ],
)
def test_the_command_refuses_what_a_recording_cannot_be_asked(
    tmp_path: Path, more: tuple[str, ...], reason: str
) -> None:
    folder = str(written(tmp_path / "recording", market_events(40), rules(ROOMY)))
    with pytest.raises(CommandError, match=reason):
        command("--algorithm", "twap", "--recording", folder, *more)


def test_minutes_without_a_recording_are_refused() -> None:
    with pytest.raises(CommandError, match="--minutes needs --recording"):
        command("--algorithm", "twap", "--minutes", "3")
