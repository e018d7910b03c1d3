"""The cost analysis: parts that add up, a buy that mirrors a sell, and unknowns that stay unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from execution.core.tca.analysis import (
    Execution,
    Planned,
    Split,
    Subject,
    analyse,
    cost_split,
    mean_lag,
)
from execution.core.tca.market_tape import MarketRecord, Second
from execution.core.types import Side

D = Decimal
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

prices = st.decimals(min_value="0.01", max_value="1000000", places=8)
quantities = st.decimals(min_value="0.00000001", max_value="10000", places=8)
fees = st.decimals(min_value="-10", max_value="1000", places=8)
#: Price, quantity, fee and the mid of its moment.
parts = st.lists(st.tuples(prices, quantities, fees, prices), min_size=1, max_size=8)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def fill(
    price: str | Decimal, quantity: str | Decimal = "1", seconds: float = 10, **more: object
) -> Execution:
    known: dict[str, object] = {"venue": "alpha", "liquidity": "maker", "fee_in_quote": D(0)}
    return Execution(at(seconds), D(price), D(quantity), **(known | more))  # type: ignore[arg-type]


def subject(**changes: object) -> Subject:
    """Return BUY 2 in a minute in one slice, arrived at 100, ended as planned, looked at long after."""
    known = Subject(
        side=Side.BUY,
        quantity=D(2),
        arrival_mid=D(100),
        started_at=T0,
        working_at=T0,
        ended_at=at(60),
        plan=[Planned(T0, at(60), D(2))],
        now=at(1000),
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def market(mids: dict[int, str], venue: str = "alpha", volume: str = "5") -> list[Second]:
    """Return seconds whose mid is known from the second named on."""
    return [
        Second(venue, at(second - 1), D(mid) - 1, D(mid) + 1, D(volume), D(volume) * D(mid))
        for second, mid in mids.items()
    ]


def flat(mid: str = "100", seconds: int = 400, venue: str = "alpha", volume: str = "5") -> list[Second]:
    return market(dict.fromkeys(range(seconds), mid), venue, volume)


# --- the split -----------------------------------------------------------------------------------


def split_of(side: Side, made: list[tuple[Decimal, ...]], start: Decimal, arrival: Decimal) -> Split:
    executions = [fill(price, quantity, fee_in_quote=fee) for price, quantity, fee, _ in made]
    mids = [mid for *_, mid in made]
    return cost_split(side, executions, mids, start_mid=start, arrival_mid=arrival)


@given(st.sampled_from(Side), parts, prices, prices)
def test_spread_drift_delay_and_fees_are_the_total_exactly(
    side: Side, made: list[tuple[Decimal, ...]], start: Decimal, arrival: Decimal
) -> None:
    split = split_of(side, made, start, arrival)
    with localcontext() as context:
        context.prec = 200
        paid = sum(price * quantity for price, quantity, *_ in made)
        quantity = sum(quantity for _, quantity, *_ in made)
        fee = sum(fee for _, _, fee, _ in made)
        assert split.total == side.sign * (paid - arrival * quantity) + fee
        assert None not in (split.spread, split.drift, split.delay, split.fees)
        assert split.spread + split.drift + split.delay + split.fees == split.total  # type: ignore[operator]


@given(st.sampled_from(Side), parts, prices, prices)
def test_the_parts_of_a_cost_that_are_shown_add_up(
    side: Side, made: list[tuple[Decimal, ...]], start: Decimal, arrival: Decimal
) -> None:
    split = split_of(side, made, start, arrival).bp(arrival)
    before, shown = split.shown(1)
    figures = (shown.spread, shown.drift, shown.delay, shown.fees, shown.total)
    assert None not in (before, *figures)
    assert shown.spread + shown.drift + shown.delay == before  # type: ignore[operator]
    assert before + shown.fees == shown.total  # type: ignore[operator]


def test_a_shown_part_stays_unknown_and_the_others_add_up() -> None:
    before, shown = Split(None, None, D("-0.06"), D("10.04"), D("10.27")).shown(1)
    assert (before, shown) == (D("0.2"), Split(None, None, D("-0.1"), D("10.1"), D("10.3")))
    assert Split(D(1), D(0), D(0), None, None).shown(1) == (D(1), Split(D(1), D(0), D(0), None, None))
    assert Split(None, None, None, None, None).shown(1) == (None, Split(None, None, None, None, None))


@given(parts, prices, prices)
def test_a_sell_that_mirrors_a_buy_costs_what_the_buy_gains(
    made: list[tuple[Decimal, ...]], start: Decimal, arrival: Decimal
) -> None:
    bought, sold = (split_of(side, made, start, arrival) for side in (Side.BUY, Side.SELL))
    assert (bought.spread, bought.drift, bought.delay) == tuple(
        -part  # type: ignore[operator]
        for part in (sold.spread, sold.drift, sold.delay)
    )
    assert bought.fees == sold.fees


@given(parts, prices, prices, st.data())
def test_one_unknown_mid_makes_spread_and_drift_unknown_and_nothing_else(
    made: list[tuple[Decimal, ...]], start: Decimal, arrival: Decimal, data: st.DataObject
) -> None:
    lost = data.draw(st.integers(0, len(made) - 1))
    executions = [fill(price, quantity, fee_in_quote=fee) for price, quantity, fee, _ in made]
    mids = [None if number == lost else mid for number, (*_, mid) in enumerate(made)]
    split = cost_split(Side.BUY, executions, mids, start_mid=start, arrival_mid=arrival)
    assert (split.spread, split.drift) == (None, None)
    whole = split_of(Side.BUY, made, start, arrival)
    assert (split.delay, split.fees, split.total) == (whole.delay, whole.fees, whole.total)


def test_each_part_is_unknown_without_what_it_is_made_of() -> None:
    made = [fill("101")]
    known = {"start_mid": D(100), "arrival_mid": D(99)}
    without_start = cost_split(Side.BUY, made, [D(100)], **(known | {"start_mid": None}))
    assert (without_start.spread, without_start.drift, without_start.delay) == (D(1), None, None)
    assert without_start.total == 2
    without_arrival = cost_split(Side.BUY, made, [D(100)], **(known | {"arrival_mid": None}))
    assert (without_arrival.spread, without_arrival.delay, without_arrival.total) == (D(1), None, None)
    without_fee = cost_split(Side.BUY, [fill("101", fee_in_quote=None)], [D(100)], **known)
    assert (without_fee.spread, without_fee.fees, without_fee.total) == (D(1), None, None)
    assert cost_split(Side.BUY, [], [], **known) == Split(None, None, None, None, None)


def test_a_late_start_in_a_rising_market_is_delay_and_not_drift() -> None:
    record = MarketRecord(market({20: "102", 30: "103"}))
    found = analyse(
        subject(working_at=at(20)), [fill("104", "2", seconds=30, fee_in_quote=D(1))], record, venues=1
    )
    split = found.whole.split
    assert (split.spread, split.drift, split.delay, split.fees, split.total) == tuple(map(D, (2, 2, 4, 1, 9)))
    assert found.whole.split_bp.total == 450  # of 200
    assert found.whole.arrival_bp == 400


def test_a_buy_below_the_mid_has_earned_the_spread() -> None:
    found = analyse(subject(), [fill("99", "2")], MarketRecord(flat()), venues=1)
    assert found.whole.split.spread == -2
    assert found.whole.split_bp.spread == -100


# --- markouts ------------------------------------------------------------------------------------


def test_a_markout_is_the_market_later_and_plus_is_cost() -> None:
    record = MarketRecord(flat("100", 15) + market({20: "90", 70: "80", 310: "200"}))
    found = analyse(subject(), [fill("100", "2")], record, venues=1)
    assert [round(markout.bp, 1) for markout in found.whole.markouts if markout.bp] == [
        D("1111.1"),
        D(2500),
        D(-5000),
    ]
    sold = analyse(subject(side=Side.SELL), [fill("100", "2")], record, venues=1)
    assert [a.bp == -b.bp for a, b in zip(found.whole.markouts, sold.whole.markouts, strict=True)] == [  # type: ignore[operator]
        True
    ] * 3


def test_a_markout_whose_time_has_not_come_is_unknown() -> None:
    made = [fill("100", "1", seconds=10), fill("100", "1", seconds=40)]
    found = analyse(subject(now=at(50), ended_at=None), made, MarketRecord(flat("101", 50)), venues=1)
    ten, minute, five = found.whole.markouts
    assert (ten.share, minute.share, five.share) == (D(1), D(0), D(0))
    assert ten.bp is not None
    assert (minute.bp, five.bp) == (None, None)
    early = analyse(subject(now=at(49), ended_at=None), made, MarketRecord(flat("101", 50)), venues=1)
    assert early.whole.markouts[0].share == D("0.5")


def test_a_markout_that_nobody_sampled_is_unknown() -> None:
    found = analyse(subject(), [fill("100", "2")], MarketRecord(flat("100", 14)), venues=1)
    assert [markout.bp for markout in found.whole.markouts] == [None, None, None]


def test_the_quote_of_a_second_is_not_known_before_its_end() -> None:
    record = MarketRecord([Second("alpha", at(0), D(99), D(101))])
    assert record.mid_at("alpha", at(0.9)) is None
    assert record.mid_at("alpha", at(1)) == 100
    assert record.mid_at("alpha", at(6)) == 100
    assert record.mid_at("alpha", at(6.1)) is None
    assert record.mid_at("beta", at(1)) is None


def test_the_arrival_stands_in_until_the_recording_begins() -> None:
    record = MarketRecord(flat("101", 20)[3:], arrival=(T0, D(100)))
    assert record.mid_at("alpha", at(0.5)) == 100
    assert record.mid_at("alpha", at(3)) == 101
    assert record.market_mid_at(at(0.5)) == 100
    assert record.market_mid_at(at(30)) is None
    assert record.mid_at("alpha", at(-1)) is None


# --- the market ----------------------------------------------------------------------------------


def test_the_market_of_several_venues_is_all_of_them_together() -> None:
    seconds = flat("100", 61, "alpha", "4") + flat("103", 61, "beta", "2")
    found = analyse(subject(), [fill("100"), fill("103", venue="beta")], MarketRecord(seconds), venues=2)
    assert found.vwap == 101
    assert found.twap == D("101.5")
    assert found.market_volume == 6 * 60
    assert found.participation == D(2) / 360
    assert found.watched == 1
    assert set(found.venues) == {"alpha", "beta"}
    assert sum(part.quantity for part in found.venues.values()) == found.whole.quantity


def test_what_was_not_watched_is_not_zero() -> None:
    found = analyse(subject(), [fill("100", "2")], MarketRecord([]), venues=1)
    assert (found.vwap, found.twap, found.market_volume, found.participation) == (None, None, None, None)
    assert found.watched == 0
    assert (found.whole.vwap_bp, found.whole.twap_bp, found.whole.split.spread) == (None, None, None)
    assert found.whole.arrival_bp == 0
    half = analyse(subject(), [fill("100", "2")], MarketRecord(flat("100", 31)), venues=1)
    assert half.watched == D("0.5")


def test_a_second_whose_volume_is_not_known_is_not_watched_and_adds_nothing() -> None:
    seconds = flat("100", 61)
    holed = [replace(each, volume=None, notional=None) if n >= 45 else each for n, each in enumerate(seconds)]
    found = analyse(subject(), [fill("100", "2")], MarketRecord(holed), venues=1)
    assert found.watched == D(44) / 60  # the 45 of the record begin a second before the order
    assert (found.market_volume, found.vwap, found.twap) == (D(5 * 44), D(100), D(100))
    assert found.participation == D(2) / 220, "of what is known"
    nothing = [replace(each, volume=None, notional=None) for each in seconds]
    unknown = analyse(subject(), [fill("100", "2")], MarketRecord(nothing), venues=1)
    assert (unknown.watched, unknown.market_volume, unknown.participation) == (D(0), None, None)
    assert (unknown.vwap, unknown.twap) == (None, D(100)), "its quotes are known"


def test_watched_is_what_is_known_of_every_venue() -> None:
    beta = [replace(each, volume=None, notional=None) for each in flat("100", 31, "beta")]
    found = analyse(
        subject(), [], MarketRecord(flat("100", 61) + beta + flat("100", 61, "beta")[31:]), venues=2
    )
    assert found.watched == D("0.5")
    assert found.market_volume == 5 * (60 + 30)


@given(st.lists(prices, min_size=1, max_size=30))
def test_the_twap_lies_between_the_lowest_and_the_highest_mid(mids: list[Decimal]) -> None:
    seconds = [Second("alpha", at(number), mid, mid) for number, mid in enumerate(mids)]
    twap = MarketRecord(seconds).twap(T0, at(len(mids)))
    assert twap is not None
    assert min(mids) * (1 - D("1e-20")) <= twap <= max(mids) * (1 + D("1e-20"))


# --- what was not done, and when -----------------------------------------------------------------


def test_what_was_not_filled_costs_what_the_market_has_gone_away() -> None:
    record = MarketRecord(flat("103"))
    found = analyse(subject(), [fill("101", "0.5")], record, venues=1)
    assert found.unfilled == D("1.5")
    assert found.opportunity == D("4.5")
    assert found.opportunity_bp == 225  # of 2 at 100
    assert found.shortfall_bp == 250
    sold = analyse(subject(side=Side.SELL), [fill("101", "0.5")], record, venues=1)
    assert sold.opportunity == D("-4.5")


def test_an_order_without_fills_has_an_opportunity_cost_and_no_other() -> None:
    found = analyse(subject(), [], MarketRecord(flat("103")), venues=1)
    assert (found.whole.average, found.whole.arrival_bp, found.whole.split.total) == (None, None, None)
    assert found.opportunity == 6
    assert (found.venues, found.mean_lag) == ({}, None)


def test_a_complete_order_has_no_opportunity_cost_even_where_nothing_was_recorded() -> None:
    found = analyse(subject(), [fill("101", "2")], MarketRecord([]), venues=1)
    assert (found.unfilled, found.opportunity, found.shortfall_bp) == (D(0), D(0), D(100))
    partial = analyse(subject(), [fill("101")], MarketRecord([]), venues=1)
    assert (partial.opportunity, partial.opportunity_bp, partial.shortfall_bp) == (None, None, None)


def test_time_against_the_plan() -> None:
    found = analyse(subject(ended_at=at(75)), [], MarketRecord([]), venues=1)
    assert found.end_lag == timedelta(seconds=15)
    assert analyse(subject(ended_at=None), [], MarketRecord([]), venues=1).end_lag is None
    plan = [Planned(T0, at(60), D(1)), Planned(at(60), at(120), D(1))]
    assert mean_lag(plan, [fill("100", "2", seconds=60)]) == timedelta(0)
    assert mean_lag(plan, [fill("100", "1", seconds=60)]) == timedelta(seconds=30)
    assert mean_lag([], [fill("100")]) is None


@given(st.lists(quantities, min_size=1, max_size=6), st.integers(-3600, 3600))
def test_an_order_filled_as_planned_but_later_lags_by_just_that(planned: list[Decimal], late: int) -> None:
    plan = [Planned(at(60 * n), at(60 * (n + 1)), quantity) for n, quantity in enumerate(planned)]
    made = [fill("1", part.quantity, seconds=60 * n + 30 + late) for n, part in enumerate(plan)]
    lag = mean_lag(plan, made)
    assert lag is not None
    assert abs(lag - timedelta(seconds=late)) < timedelta(milliseconds=1)


def test_fees_are_summed_by_currency_with_rebates_below_zero() -> None:
    fills = [
        fill("101", fees=[("USDT", D(1)), ("BTC", D("-0.001"))]),
        fill("101", fees=[("BTC", D("0.003"))]),
        fill("101", fees=[]),
    ]
    analysis = analyse(subject(), fills, MarketRecord(flat()), venues=1)
    assert analysis.fees == {"USDT": D(1), "BTC": D("0.002")}
