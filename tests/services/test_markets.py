"""Markets and balances, as an exchange says them again and again: replaced, in a few statements for all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution.core.types import BalanceAmounts
from execution.models import Balance, Market, MarketSample, VenueListing
from execution.selectors.markets import balances_free, market_from_row
from execution.services.accounts.markets import (
    balances_record,
    listing_record,
    markets_record,
    samples_record,
)
from execution.venues.requests import spot_symbols
from tests.factories import NOW, SYMBOL, D, Rows

LATER = NOW + timedelta(seconds=20)


def held(rows: Rows) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    found = Balance.objects.filter(account=rows.account)
    return {row.currency: (row.free, row.locked) for row in found}


def test_balances_are_replaced_and_what_is_no_longer_listed_is_gone(rows: Rows) -> None:
    first = {"BTC": BalanceAmounts(D(1), D(0)), "USDT": BalanceAmounts(D(900), D(100))}
    balances_record(account_pk=rows.account.pk, balances=first, now=NOW)
    kept = Balance.objects.get(account=rows.account, currency="BTC").pk
    later = {"BTC": BalanceAmounts(D("0.75"), D("0.25")), "ETH": BalanceAmounts(D(3), D(0))}
    balances_record(account_pk=rows.account.pk, balances=later, now=LATER)
    assert held(rows) == {"BTC": (D("0.75"), D("0.25")), "ETH": (D(3), D(0))}
    assert Balance.objects.get(account=rows.account, currency="BTC").pk == kept
    assert set(Balance.objects.filter(account=rows.account).values_list("at", flat=True)) == {LATER}
    balances_record(account_pk=rows.account.pk, balances={}, now=LATER)
    assert held(rows) == {}


def test_what_is_not_told_is_unknown_and_what_is_not_listed_is_zero(rows: Rows) -> None:
    accounts = [rows.account]
    Balance.objects.all().delete()
    assert balances_free(accounts, "BTC") == {rows.account.pk: None}
    told = {"BTC": BalanceAmounts(None, None), "USDT": BalanceAmounts(D(900), None)}
    balances_record(account_pk=rows.account.pk, balances=told, now=NOW)
    assert balances_free(accounts, "BTC") == {rows.account.pk: None}
    assert balances_free(accounts, "USDT") == {rows.account.pk: D(900)}
    assert balances_free(accounts, "ETH") == {rows.account.pk: D(0)}


def test_a_thousand_markets_are_as_few_statements_as_two(rows: Rows) -> None:
    known = Market.objects.get(venue=rows.venue, symbol="BTC/USDT")
    market = market_from_row(known)
    many = {
        f"A{number}/USDT": replace(market, symbol=f"A{number}/USDT", base=f"A{number}")
        for number in range(1000)
    }
    changed = replace(market, tick=D("0.5"), maker_fee=None)
    with CaptureQueriesContext(connection) as seen:
        markets_record(venue_pk=rows.venue.pk, markets={**many, "BTC/USDT": changed}, now=LATER)
    assert len(seen) < 30
    assert Market.objects.filter(venue=rows.venue).count() >= 1001
    known.refresh_from_db()
    assert (known.tick, known.maker_fee, known.lot, known.refreshed_at) == (D("0.5"), None, market.lot, LATER)


# --- seconds -----------------------------------------------------------------------------------------


def sample(rows: Rows, bid: str | None, volume: str | None, second: int = 0) -> MarketSample:
    """Return a second with a quote one apart, and its volume at a price of 10."""
    return MarketSample(
        venue=rows.venue,
        symbol=SYMBOL,
        second=NOW + timedelta(seconds=second),
        bid=None if bid is None else D(bid),
        ask=None if bid is None else D(bid) + 1,
        volume=None if volume is None else D(volume),
        notional=None if volume is None else 10 * D(volume),
    )


def recorded(second: int = 0) -> tuple[Decimal | None, ...]:
    row = MarketSample.objects.get(second=NOW + timedelta(seconds=second))
    return row.bid, row.ask, row.volume, row.notional


def test_a_mended_second_has_its_new_volume_and_keeps_its_quote(rows: Rows) -> None:
    samples_record(samples=[sample(rows, "100", None)])
    assert recorded() == (D(100), D(101), None, None)
    samples_record(samples=[sample(rows, None, "1.50")])
    assert recorded() == (D(100), D(101), D("1.5"), D(15))
    samples_record(samples=[sample(rows, None, "2")])
    assert recorded() == (D(100), D(101), D(2), D(20)), "a late trade"
    samples_record(samples=[sample(rows, "102", "0")])
    assert recorded() == (D(102), D(103), D(0), D(0)), "nothing was traded, which is known"


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_unknown_never_replaces_known_in_any_order(
    rows: Rows, order: tuple[int, ...], *, together: bool
) -> None:
    told = [sample(rows, "100", None), sample(rows, None, "3"), sample(rows, None, None)]
    told = [told[place] for place in order]
    for part in [told] if together else [[each] for each in told]:
        samples_record(samples=part)
    assert recorded() == (D(100), D(101), D(3), D(30))


def test_many_seconds_are_few_statements_and_none_at_all_is_none(rows: Rows) -> None:
    many = [sample(rows, "100", "1", second) for second in range(250)]
    with CaptureQueriesContext(connection) as seen:
        samples_record(samples=many[::-1])
    assert len(seen) < 8
    assert MarketSample.objects.count() == 250
    samples_record(samples=[])
    assert recorded(249) == (D(100), D(101), D(1), D(10))


def test_a_venues_list_is_kept_and_written_again_only_when_it_differs(rows: Rows) -> None:
    listing_record(venue_pk=rows.venue.pk, symbols={"ETH/USDT", "BTC/USDT"}, now=NOW)
    listing_record(venue_pk=rows.venue.pk, symbols=["BTC/USDT", "ETH/USDT"], now=LATER)
    listing = VenueListing.objects.get()
    assert (listing.symbols, listing.changed_at) == (["BTC/USDT", "ETH/USDT"], NOW)
    listing_record(venue_pk=rows.venue.pk, symbols=["SOL/USDT"], now=LATER)
    listing.refresh_from_db()
    assert (listing.symbols, listing.changed_at) == (["SOL/USDT"], LATER)


def test_only_spot_markets_that_are_active_are_in_the_list() -> None:
    fresh = [
        {"symbol": "BTC/USDT", "spot": True, "active": True},
        {"symbol": "ETH/USDT", "spot": True, "active": None},
        {"symbol": "OLD/USDT", "spot": True, "active": False},
        {"symbol": "BTC/USDT:USDT", "spot": False, "active": True},
    ]
    assert spot_symbols(fresh) == {"BTC/USDT", "ETH/USDT"}
