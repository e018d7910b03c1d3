"""Markets and balances, as an exchange says them again and again: replaced, in a few statements for all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution.core.types import BalanceAmounts
from execution.models import Balance, Market
from execution.selectors.markets import market_from_row
from execution.services.accounts.markets import balances_record, markets_record
from tests.factories import NOW, D, Rows

LATER = NOW + timedelta(seconds=20)


def held(rows: Rows) -> dict[str, tuple[Decimal, Decimal]]:
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
