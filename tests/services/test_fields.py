"""Exact decimals through a real database: every digit, no float, no comparison by text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execution.models import Balance, Fill, Market, Order
from tests.factories import NOW, SYMBOL, D, Rows

digits = st.builds(
    lambda number, power: (
        Decimal(number).scaleb(-power) if abs(number) < 10**28 else Decimal(f"{number}E-{power}")
    ),
    st.integers(-(10**30) + 1, 10**30 - 1),
    st.integers(0, 30),
)


def store(rows: Rows, number: Any) -> Decimal:
    balance, _ = Balance.objects.update_or_create(
        account=rows.account, currency="XYZ", defaults={"free": number, "locked": D(0), "at": NOW}
    )
    balance.refresh_from_db()
    assert balance.free is not None
    return balance.free


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(number=digits)
def test_thirty_digits_come_back_exactly(rows: Rows, number: Decimal) -> None:
    kept = store(rows, number)
    assert isinstance(kept, Decimal)
    assert kept.compare_total(number) == 0 or (kept == number and str(kept) == format(number, "f"))


@pytest.mark.parametrize("text", ["123456789012345678.123456789012", "0.1", "1E-30", "1E+30", "-0.00000001"])
def test_numbers_that_a_float_would_bend_come_back_exactly(rows: Rows, text: str) -> None:
    assert store(rows, D(text)) == D(text)


def test_the_database_keeps_plain_text(rows: Rows) -> None:
    store(rows, D("1E-10"))
    with connection.cursor() as cursor:
        kind = "pg_typeof(free)::text" if connection.vendor == "postgresql" else "typeof(free)"
        cursor.execute(f"SELECT free, {kind} FROM execution_balance WHERE currency = 'XYZ'")
        plain = (D("1E-10"), "numeric") if connection.vendor == "postgresql" else ("0.0000000001", "text")
        assert cursor.fetchone() == plain


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0.1, "is a float; money is Decimal"),
        (D("NaN"), "is not a finite number"),
        (D("Infinity"), "is not a finite number"),
        ("ten", "is not a decimal number"),
        ([], "is not a decimal number"),
    ],
)
def test_what_is_no_exact_number_is_refused_before_the_database(rows: Rows, number: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        store(rows, number)
    assert not Balance.objects.filter(currency="XYZ").exists()


@pytest.mark.parametrize("lookup", ["gt", "gte", "lt", "lte", "exact", "in", "range"])
def test_the_database_does_not_compare_money(lookup: str) -> None:
    with pytest.raises(FieldError, match="money is compared in Python"):
        Order.objects.filter(**{f"quantity__{lookup}": D(1)})


def test_null_stays_none_and_can_be_asked_for(rows: Rows) -> None:
    market = Market.objects.get(symbol=SYMBOL)
    assert market.max_quantity is None
    assert Market.objects.filter(max_quantity__isnull=True).count() == 1
    market.max_quantity = D(0)
    market.save()
    market.refresh_from_db()
    assert market.max_quantity == 0
    assert not Market.objects.filter(max_quantity__isnull=True).exists()


def test_a_public_id_is_short_and_its_own() -> None:
    ids = {Order().public_id for _ in range(100)}
    assert len(ids) == 100
    assert {len(public_id) for public_id in ids} == {8}


def test_every_amount_is_an_exact_decimal() -> None:
    kinds = {
        field.get_internal_type() for model in (Order, Fill, Market, Balance) for field in model._meta.fields
    }
    assert "ExactDecimalField" in kinds
    assert not kinds & {"DecimalField", "FloatField"}
