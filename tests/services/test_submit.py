"""Submitting: once per key, and nothing at all when it is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps

from execution.core.problems import Problem, Refused
from execution.models import Account, Balance, Order, OrderTerms, Slice, Submission, User
from execution.services import orders
from tests.factories import NOW, SYMBOL, D, Rows, make_account
from tests.invariants import check_order

HOUR = timedelta(hours=1)


def row_counts() -> dict[str, int]:
    """How many rows every table of ours has."""
    return {
        model.__name__: model._default_manager.count()
        for model in apps.get_app_config("execution").get_models()
    }


def refused(rows: Rows, **changes: Any) -> list[Problem]:
    """The problems of a ticket that must be refused without leaving a row anywhere."""
    before = row_counts()
    with pytest.raises(Refused) as exception:
        rows.submit(**changes)
    assert row_counts() == before
    return list(exception.value.problems)


def test_a_submitted_order_has_its_plan_terms_journal_and_key(rows: Rows) -> None:
    order = rows.submit(quantity="0.30", limit_price="60100", client_reference="desk 7")
    order.refresh_from_db()
    assert (order.status, order.quantity, order.due_at) == ("scheduled", D("0.3"), NOW)
    assert (order.arrival_bid, order.arrival_ask) == (D("59999.50"), D("60000.50"))
    assert [part.quantity for part in Slice.objects.filter(order=order)] == [D("0.1")] * 3
    terms = OrderTerms.objects.get(order=order)
    assert (terms.limit_price, terms.end_at) == (D(60100), NOW + timedelta(minutes=3))
    assert order.journal.get().actor == "trader:trader"
    check_order(order)


def test_the_same_key_and_body_make_one_order(rows: Rows) -> None:
    first = rows.submit()
    counts = row_counts()
    again = rows.submit(quantity="0.3000", now=NOW + timedelta(seconds=9))
    assert again == first
    assert row_counts() == counts


def test_the_later_of_two_submits_at_once_gets_the_order_of_the_first(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = rows.submit()
    counts = row_counts()
    really, unseen = orders._submitted, iter([True, True])  # as on PostgreSQL, before the first commits

    def submitted(*arguments: Any) -> Order | None:
        return None if next(unseen, False) else really(*arguments)

    monkeypatch.setattr(orders, "_submitted", submitted)
    assert rows.submit() == first
    assert row_counts() == counts


def test_the_same_key_with_another_body_is_refused(rows: Rows) -> None:
    first = rows.submit()
    for changes in ({"quantity": "0.4"}, {"side": "sell"}, {"limit_price": "60000"}, {"tags": ["x"]}):
        (problem,) = refused(rows, **changes)
        assert problem.field == "key"
        assert first.public_id in problem.message


def test_a_key_is_a_persons_own(rows: Rows) -> None:
    other = User.objects.create(username="other")
    rows.account.traders.add(other)
    assert rows.submit() != rows.submit(person=other)
    assert Submission.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 65])
def test_a_key_has_1_to_64_characters(rows: Rows, key: str) -> None:
    (problem,) = refused(rows, key=key)
    assert (problem.field, problem.limit) == ("key", "64")


@pytest.mark.parametrize(
    ("changes", "field", "value", "limit"),
    [
        ({"symbol": "DOGE/USDT"}, "symbol", "DOGE/USDT", SYMBOL),
        ({"quantity": "0"}, "quantity", "0", "0"),
        ({"quantity": "0.0001"}, "quantity", "0.0001", "0.00019"),
        ({"quantity": "0.000000001"}, "quantity", "0.000000001", "0.00001"),
        ({"quantity": "NaN"}, "quantity", "NaN", ""),
        ({"quantity": "9", "unit": "quote"}, "quantity", "0.00015", "0.00019"),
        ({"quantity": "20"}, "quantity", "1201200", "1000000"),
        ({"quantity": "11", "side": "sell"}, "quantity", "11", "10"),
        ({"limit_price": "60000.001"}, "limit_price", "60000.001", "0.01"),
        ({"parameters": {"duration": "3m", "slices": "91"}}, "slices", "91", "90"),
        ({"quantity": "0.001", "parameters": {"duration": "3m", "slices": "6"}}, "slices", "6", "5"),
        (
            {"parameters": {"end_at": (NOW - HOUR).isoformat()}},
            "end_at",
            (NOW - HOUR).isoformat(),
            NOW.isoformat(),
        ),
        ({"accounts": ["nowhere1"]}, "accounts", "nowhere1", ""),
    ],
)
def test_bad_input_is_refused_with_its_value_and_limit_and_creates_nothing(
    rows: Rows, changes: dict[str, Any], field: str, value: str, limit: str
) -> None:
    (problem,) = refused(rows, **changes)
    assert (problem.field, problem.limit) == (field, limit)
    assert D(problem.value) == D(value) if value[0].isdigit() and "T" not in value else problem.value == value
    assert problem.value in problem.message or field == "end_at"


def test_several_problems_are_told_together(rows: Rows) -> None:
    problems = refused(rows, quantity="0.0001", parameters={"end_at": (NOW - HOUR).isoformat()})
    assert [problem.field for problem in problems] == ["end_at", "quantity"]


def test_an_order_that_the_balance_exactly_pays_is_taken(rows: Rows) -> None:
    need = D("0.3") * D("60000") * D("1.001")
    Balance.objects.filter(currency="USDT").update(free=need - D("0.01"))
    (problem,) = refused(rows)
    assert (problem.field, D(problem.value)) == ("quantity", need)
    assert "USDT free" in problem.message
    Balance.objects.filter(currency="USDT").update(free=need)
    assert rows.submit().pk


def test_a_currency_that_is_not_held_is_none_and_not_unknown(rows: Rows) -> None:
    Balance.objects.filter(currency="BTC").delete()
    (problem,) = refused(rows, side="sell")
    assert problem.limit == "0"


def test_somebody_elses_account_looks_like_none(rows: Rows) -> None:
    foreign = make_account(rows.venue, "beta")
    (problem,) = refused(rows, accounts=[foreign.public_id])
    assert problem.field == "accounts"
    assert "you have no account" in problem.message


def test_an_account_without_a_key_takes_no_order(rows: Rows) -> None:
    rows.credential.state = "retired"
    rows.credential.save()
    (problem,) = refused(rows)
    assert "no key in use" in problem.message


def test_a_closed_account_takes_no_order(rows: Rows) -> None:
    Account.objects.update(is_active=False)
    assert refused(rows)[0].field == "accounts"


def test_two_accounts_are_not_one(rows: Rows) -> None:
    other = make_account(rows.venue, "beta", rows.trader)
    (problem,) = refused(rows, accounts=[rows.account.public_id, other.public_id])
    assert (problem.field, problem.value) == ("accounts", "2")


def test_a_supervisor_does_not_trade(rows: Rows) -> None:
    (problem,) = refused(rows, person=rows.supervisor)
    assert "a supervisor does not trade" in problem.message


def test_without_market_data_a_base_quantity_is_taken_and_a_quote_amount_is_not(rows: Rows) -> None:
    stale = NOW - timedelta(days=1)
    rows.quote(at=stale)
    order = rows.submit()
    assert order.arrival_at is None, "an old quote is no arrival price"
    rows.quote("60001", "60000")
    (problem,) = refused(rows, key="2", quantity="500", unit="quote")
    assert "no price of BTC/USDT is known" in problem.message
    assert rows.submit(key="3").quantity == D("0.3")


def test_a_later_start_has_no_arrival_price_yet(rows: Rows) -> None:
    start = NOW + HOUR
    order = rows.submit(parameters={"duration": "3m", "start_at": start.isoformat()})
    assert order.arrival_at is None
    assert order.due_at == start


def test_a_quote_amount_becomes_base_once(rows: Rows) -> None:
    order = rows.submit(quantity="18,000.59", unit="quote")
    assert (order.quantity, order.quantity_asked) == (D("0.3"), D("18000.59"))
    assert Order.objects.get().unit == "quote"
