"""A market that closes or changes: the ticket and every other way refuse with the venue's word, and live orders take
over what is new, with one entry in the journal and without a person."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from execution.core.orders.terms import parse_order_request
from execution.core.orders.view import Rejections
from execution.core.problems import Refused
from execution.core.types import Market as Rules
from execution.core.types import MarketStatus, Rejected, VenueStatus
from execution.models import Market, Order
from execution.selectors.catalogue import market_facts
from execution.selectors.decisions.rejections import rejections_of
from execution.selectors.markets import market_from_json, market_to_json
from execution.services.accounts.markets import markets_record
from execution.services.children.children import child_outcome, child_report
from execution.services.children.fills import fill_record
from execution.services.orders.amend import order_amend
from execution.services.orders.market_rules import orders_adopt_markets
from execution.services.orders.orders import order_pause, order_resume
from execution.services.orders.preview import order_preview
from tests.factories import LIMITS, NOW, SYMBOL, D, Rows, report_of, trade_of
from tests.invariants import check_order
from tests.venues.market_lists import LISTS, listing
from tests.venues.stub import opened_venue

MINUTE = timedelta(minutes=1)
HALTED = replace(LIMITS, status=MarketStatus.HALTED, status_word="BREAK")


def listed(rows: Rows, rules: Rules | None, *, minutes: int = 0) -> list[int]:
    """List the venue's rules from ``minutes`` on, nothing for None. Return the orders that changed."""
    now = NOW + minutes * MINUTE
    markets = {} if rules is None else {SYMBOL: rules}
    markets_record(venue_pk=rows.venue.pk, markets=markets, now=now, asked=[SYMBOL])
    return orders_adopt_markets(venue_pk=rows.venue.pk, now=now).orders


def rules_of(order: Order) -> Rules:
    order.refresh_from_db()
    (data,) = order.market.values()
    return market_from_json(data)


def problems(rows: Rows, **changes: Any) -> list[tuple[str, str, str, str]]:
    preview = order_preview(person=rows.trader, request=parse_order_request(rows.raw(**changes)), now=NOW)
    return [(p.code.value, p.field, p.value, p.limit) for p in preview.problems]


def refused(rows: Rows, kind: str) -> Order:
    """Return a working order whose only child the exchange refused."""
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=Rejected(kind, "no"), now=NOW)
    return child.order


# --- rows ----------------------------------------------------------------------------------------------


def test_rules_are_the_same_from_row_and_from_json(rows: Rows) -> None:
    rules = replace(
        HALTED,
        max_notional=D("9000000.5"),
        buy_band_high=D("1.1"),
        sell_band_low=D("0.9"),
        buy_band_low=D("0.2"),
    )
    listed(rows, rules)
    order_rules = market_from_json(market_to_json(rules))
    assert order_rules == rules
    (facts,) = market_facts(person=rows.trader, symbol=SYMBOL, account="", now=NOW)
    assert (facts["status"], facts["status_word"]) == ("halted", "BREAK")
    assert (facts["max_notional"], facts["buy_band_high"], facts["sell_band_high"]) == (
        "9000000.5",
        "1.1",
        None,
    )
    old = {
        name: text for name, text in market_to_json(LIMITS).items() if name not in ("status", "status_word")
    }
    assert market_from_json(old) == LIMITS


def test_a_symbol_that_the_venue_no_longer_lists_is_not_listed_and_comes_back(rows: Rows) -> None:
    listed(rows, None, minutes=5)
    row = Market.objects.get(venue=rows.venue, symbol=SYMBOL)
    assert (row.status, row.status_word, row.refreshed_at) == ("not_listed", "", NOW + 5 * MINUTE)
    assert row.tick == LIMITS.tick
    listed(rows, LIMITS, minutes=10)
    row.refresh_from_db()
    assert row.status == "open"


def test_a_venues_word_of_any_length_is_kept_as_far_as_it_fits(rows: Rows) -> None:
    listed(rows, replace(HALTED, status_word="X" * 500))
    assert Market.objects.get(venue=rows.venue, symbol=SYMBOL).status_word == "X" * 60


# --- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        (HALTED, "BREAK"),
        (replace(LIMITS, status=MarketStatus.CANCEL_ONLY, status_word="CANCEL_ONLY"), "CANCEL_ONLY"),
        (replace(LIMITS, status=MarketStatus.SELL_ONLY, status_word="sellable"), "sellable"),
        (None, "not_listed"),
    ],
)
def test_the_ticket_refuses_a_market_that_takes_no_such_order(
    rows: Rows, rules: Rules | None, value: str
) -> None:
    rows.quote()
    listed(rows, rules)
    assert problems(rows) == [("market_closed", "accounts", value, "open")]
    now = {"algorithm": "sor", "parameters": {"duration": "1m"}}
    assert problems(rows, **now) == [("market_closed", "accounts", value, "open")]
    with pytest.raises(Refused, match="BTC/USDT"):
        rows.submit()
    assert not Order.objects.exists()


async def read_from(exchange_id: str, **changes: Any) -> Rules:
    """Return the market's rules as the real ccxt class reads them from the exchange's own list."""
    async with opened_venue(exchange_id) as venue:
        venue.stub.answer(LISTS[exchange_id], listing(venue.exchange, **changes))
        return (await venue.gateway.markets([SYMBOL]))[SYMBOL]


@pytest.mark.parametrize(
    ("exchange_id", "changes", "value"),
    [
        ("okx", {"state": "suspend"}, "suspend"),
        ("coinbase", {"cancel_only": True}, "cancel_only"),
        ("kraken", {"status": "maintenance"}, "maintenance"),
        ("gate", {"trade_status": None}, "inactive"),  # nothing but ccxt's active: false
    ],
)
def test_what_an_exchange_lists_as_closed_is_refused_waited_for_and_completed(
    rows: Rows, exchange_id: str, changes: dict[str, Any], value: str
) -> None:
    rows.quote()
    closed, opened = (asyncio.run(read_from(exchange_id, **fields)) for fields in (changes, {}))
    listed(rows, opened)
    order = rows.working(quantity="0.3")
    listed(rows, closed)
    assert problems(rows) == [("market_closed", "accounts", value, "open")]
    rows.step(order, now=NOW)
    order.refresh_from_db()
    assert value in order.why
    assert not order.children.exists()
    listed(rows, opened)
    rows.step(order, now=NOW)
    assert order.children.count() == 1


def test_the_other_side_is_taken_and_what_starts_later_is_only_warned(rows: Rows) -> None:
    rows.quote()
    listed(rows, replace(LIMITS, status=MarketStatus.SELL_ONLY, status_word="sellable"))
    assert problems(rows, side="sell") == []
    listed(rows, HALTED)
    later = {"duration": "3m", "start_at": (NOW + 10 * MINUTE).isoformat()}
    assert problems(rows, parameters=later) == []
    request = parse_order_request(rows.raw(parameters=later))
    checks = order_preview(person=rows.trader, request=request, now=NOW).checks
    assert [check.text for check in checks if check.state == "warn"][:1] == [
        "alpha: BTC/USDT is not trading now (the venue says BREAK)"
    ]
    listed(rows, None)
    assert [problem[0] for problem in problems(rows, parameters=later)] == ["market_closed"]


def test_an_order_that_only_takes_is_refused_where_only_orders_that_rest_are_taken(rows: Rows) -> None:
    rows.quote()
    listed(rows, replace(LIMITS, status=MarketStatus.POST_ONLY, status_word="post_only"))
    assert problems(rows) == []
    now = {"algorithm": "sor", "parameters": {"duration": "1m"}}
    assert problems(rows, **now) == [("account_unavailable", "accounts", "alpha", "")]


def test_one_closed_account_of_two_is_named(rows: Rows) -> None:
    rows.quote()
    beta = rows.beside("beta")
    listed(rows, HALTED)
    both = [rows.account.public_id, beta.public_id]
    assert problems(rows, accounts=both) == [("market_closed", "accounts", "BREAK", "open")]
    assert problems(rows, accounts=[beta.public_id]) == []


def test_a_limit_price_at_which_nothing_may_rest_is_refused_with_the_band(rows: Rows) -> None:
    rows.quote()
    listed(rows, replace(LIMITS, buy_band_low=D("0.9"), sell_band_high=D("1.1"), buy_band_high=D("1.001")))
    assert problems(rows, limit_price="53999.99") == [
        ("limit_price_outside_band", "limit_price", "53999.99", "54000")
    ]
    assert problems(rows, limit_price="54000") == []
    assert problems(rows, side="sell", limit_price="66000.01") == [
        ("limit_price_outside_band", "limit_price", "66000.01", "66000")
    ]
    request = parse_order_request(rows.raw(limit_price="60100"))
    texts = [check.text for check in order_preview(person=rows.trader, request=request, now=NOW).checks]
    assert any("children stop at 60,060 now" in text for text in texts)


def test_a_quantity_above_the_most_of_one_order_is_taken_unless_it_is_under_the_least(rows: Rows) -> None:
    rows.quote()
    listed(rows, replace(LIMITS, max_quantity=D("0.01"), max_notional=D(900)))
    assert problems(rows) == []
    request = parse_order_request(rows.raw())
    texts = [check.text for check in order_preview(person=rows.trader, request=request, now=NOW).checks]
    assert any("at most 0.01 BTC in one order" in text for text in texts)
    listed(rows, replace(LIMITS, max_notional=D(9)))
    assert problems(rows) == [("maximum_below_minimum", "quantity", "0.3", "0.00015")]


def test_resuming_and_growing_are_refused_while_every_market_is_closed(rows: Rows) -> None:
    order = rows.working()
    order_pause(public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    listed(rows, HALTED)

    def amend(**changes: str) -> None:
        order.refresh_from_db()
        assert order.terms is not None
        order_amend(
            public_id=order.public_id,
            person=rows.trader,
            changes=changes,
            terms_version=order.terms.version,
            now=NOW,
        )

    def resume() -> None:
        order_resume(public_id=order.public_id, person=rows.trader, reason="", mode="catch_up", now=NOW)

    with pytest.raises(Refused, match="alpha: BTC/USDT is not trading now \\(the venue says BREAK\\)"):
        resume()
    with pytest.raises(Refused, match="BREAK"):
        amend(quantity="0.4")
    amend(quantity="0.2")
    listed(rows, LIMITS)
    amend(quantity="0.4")
    resume()
    order.refresh_from_db()
    assert order.status == "working"
    check_order(order)


def test_an_amended_limit_price_is_held_against_the_new_tick_and_band(rows: Rows) -> None:
    rows.quote()
    order = rows.working()
    listed(rows, replace(LIMITS, tick=D("0.5"), buy_band_low=D("0.9")))
    for price, words in (("60000.01", "finer than the tick 0.5"), ("50000", "price band")):
        with pytest.raises(Refused, match=words):
            order_amend(
                public_id=order.public_id,
                person=rows.trader,
                changes={"limit_price": price},
                terms_version=1,
                now=NOW,
            )


# --- running orders ------------------------------------------------------------------------------------


def test_a_running_order_waits_for_its_market_says_why_and_goes_on_by_itself(rows: Rows) -> None:
    order = rows.working()
    assert listed(rows, HALTED) == [order.pk]
    rows.step(order, now=NOW)
    order.refresh_from_db()
    assert order.why == "waits: BTC/USDT is not trading now (the venue says BREAK)"
    assert not order.children.exists()
    entry = order.journal.get(kind="market")
    assert (entry.actor, entry.reason) == (
        "desk",
        "alpha: BTC/USDT is not trading now (the venue says BREAK)",
    )
    assert entry.data == {"market": {"alpha": {"status": ["open", "halted"]}}}
    assert listed(rows, HALTED, minutes=1) == []
    assert orders_adopt_markets(venue_pk=rows.venue.pk, now=NOW) == ([], True)
    assert listed(rows, LIMITS, minutes=1) == [order.pk]
    rows.step(order, now=NOW + MINUTE)
    order.refresh_from_db()
    assert order.children.count() == 1
    assert order.journal.filter(kind="market").latest("version").reason == "alpha: BTC/USDT trades again"
    assert not order.needs_person
    assert orders_adopt_markets(venue_pk=rows.venue.pk, now=NOW) == ([], False)
    check_order(order)


def test_a_child_that_was_not_sent_yet_is_dropped_when_its_market_closes_or_changes(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    listed(rows, replace(LIMITS, lot=D(1)))
    assert rows.submit_child(child) is None
    child.refresh_from_db()
    assert (child.status, child.reason) == ("cancelled", "no longer fits: the lot of BTC/USDT is 1 now")
    check_order(child.order)


def test_new_steps_are_adopted_with_one_entry_and_what_remains_is_planned_on_them(rows: Rows) -> None:
    child = rows.resting()
    report = report_of(child, VenueStatus.CANCELLED, "0.03")
    child_report(account_pk=rows.account.pk, report=report, now=NOW)
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "t1", "0.03"), now=NOW)
    order = child.order
    coarse = replace(LIMITS, tick=D("0.5"), lot=D("0.04"), min_quantity=D("0.04"))
    assert listed(rows, coarse) == [order.pk]
    assert rules_of(order) == coarse
    (entry,) = order.journal.filter(data__has_key="market")
    assert (entry.kind, entry.actor) == ("replanned", "desk")
    assert entry.data["market"]["alpha"] == {
        "tick": ["0.01", "0.5"],
        "lot": ["0.00001", "0.04"],
        "min_quantity": ["0.00001", "0.04"],
    }
    quantities = [part.quantity for part in order.slices.filter(plan_version=2)]
    assert sum(quantities) == D("0.27")
    assert all(quantity % D("0.04") == 0 for quantity in quantities[:-1])
    assert order.terms is not None
    assert (order.terms.version, order.quantity, order.needs_person) == (2, D("0.3"), False)
    rows.step(order, now=NOW)
    placed = order.children.order_by("sequence").last()
    assert placed is not None
    assert placed.price is not None
    assert placed.sequence > child.sequence
    assert placed.quantity % D("0.04") == D(0)
    assert placed.price % D("0.5") == D(0)
    check_order(order)


def test_a_plan_that_still_fits_stays_and_fees_are_no_news(rows: Rows) -> None:
    order = rows.working()
    assert listed(rows, replace(LIMITS, taker_fee=D("0.5"), status_word="TRADING")) == []
    assert listed(rows, replace(LIMITS, tick=D("0.5"), taker_fee=D("0.5"))) == [order.pk]
    assert rules_of(order) == replace(LIMITS, tick=D("0.5"))
    assert order.plan_version == 1
    assert [entry.kind for entry in order.journal.all()][-1] == "market"
    check_order(order)


def test_what_the_new_lot_cannot_express_is_left_and_said(rows: Rows) -> None:
    order = rows.working()
    listed(rows, replace(LIMITS, lot=D("0.7"), min_quantity=D("0.7")))
    rows.step(order, now=NOW)
    rows.step(order, now=NOW + 3 * MINUTE)
    order.refresh_from_db()
    assert order.status == "expired"
    assert order.reason == "time ran out with 0.3 BTC left: this is under the exchange's minimum"
    check_order(order)


def test_every_live_order_of_the_venue_takes_over_and_no_other(rows: Rows) -> None:
    beta = rows.beside("beta")
    scheduled = rows.submit(
        key="later", parameters={"duration": "3m", "start_at": (NOW + MINUTE).isoformat()}
    )
    elsewhere = rows.submit(key="beta", accounts=[beta.public_id])
    both = rows.submit(key="both", accounts=[rows.account.public_id, beta.public_id])
    assert set(listed(rows, replace(LIMITS, tick=D("0.5")))) == {scheduled.pk, both.pk}
    elsewhere.refresh_from_db()
    both.refresh_from_db()
    ticks = {market_from_json(data).tick for data in elsewhere.market.values()}
    assert ticks == {LIMITS.tick}
    assert {market_from_json(data).tick for data in both.market.values()} == {LIMITS.tick, D("0.5")}


@pytest.mark.parametrize("kind", ["MarketClosed", "BadSymbol", "InvalidOrder"])
@pytest.mark.parametrize("changed", [HALTED, replace(LIMITS, tick=D("0.5"))], ids=["closed", "tick"])
def test_refusals_of_an_earlier_market_do_not_slow_the_order_in_the_market_of_now(
    rows: Rows, kind: str, changed: Rules
) -> None:
    """A pause of up to 30 s, grown while the market was closed, ran into the order's end after it had opened."""
    listed(rows, LIMITS)
    order = refused(rows, kind)
    assert rejections_of(order).count == 1
    listed(rows, LIMITS)
    assert rejections_of(order).count == 1
    listed(rows, changed, minutes=1)
    order.refresh_from_db()
    assert rejections_of(order) == Rejections()
