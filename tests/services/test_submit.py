"""Submitting: once per key, and nothing at all when it is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps

from execution.core.orders.terms import parse_order_request
from execution.core.problems import Problem, Refused
from execution.models import Account, Balance, Order, OrderTerms, Slice, Submission, User
from execution.selectors.decisions.order_view import accounts_of
from execution.services.orders import submit
from execution.services.orders.preview import order_preview
from tests.factories import NOW, SYMBOL, D, Rows, make_account
from tests.invariants import check_order

HOUR = timedelta(hours=1)


def row_counts() -> dict[str, int]:
    """Return the number of rows in every table of the desk."""
    return {
        model.__name__: model._default_manager.count()
        for model in apps.get_app_config("execution").get_models()
    }


def refused(rows: Rows, **changes: Any) -> list[Problem]:
    """Return the problems of a ticket that must be refused without leaving a row anywhere."""
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
    really, unseen = submit._submitted, iter([True, True])  # as on PostgreSQL, before the first commits

    def submitted(*arguments: Any) -> Order | None:
        return None if next(unseen, False) else really(*arguments)

    monkeypatch.setattr(submit, "_submitted", submitted)
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
        ({"quantity": "20"}, "quantity", "1207206", "1000000"),
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
    assert problem.value in problem.message.replace(",", "") or field == "end_at"


def test_several_problems_are_told_together(rows: Rows) -> None:
    problems = refused(rows, quantity="0.0001", parameters={"end_at": (NOW - HOUR).isoformat()})
    assert [problem.field for problem in problems] == ["end_at", "quantity"]


def test_an_order_that_the_balance_exactly_pays_is_taken(rows: Rows) -> None:
    need = D("0.3") * D("60300") * D("1.001")
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
    assert "You have no account" in problem.message


def test_an_account_without_a_key_takes_no_order(rows: Rows) -> None:
    rows.credential.state = "retired"
    rows.credential.save()
    (problem,) = refused(rows)
    assert "no key in use" in problem.message


def test_a_closed_account_takes_no_order(rows: Rows) -> None:
    Account.objects.update(is_active=False)
    assert refused(rows)[0].field == "accounts"


# --- several accounts -----------------------------------------------------------------------------


def test_an_order_over_several_accounts_keeps_the_limits_of_each(rows: Rows) -> None:
    beta = rows.beside(tick=D("0.5"), lot=D("0.001"))
    order = rows.submit(accounts=[beta.label, rows.account.public_id])
    order.refresh_from_db()
    assert [account.label for account in accounts_of(order)] == ["beta", "alpha"], "as they were named"
    assert {public_id: limits["lot"] for public_id, limits in order.market.items()} == {
        rows.account.public_id: "0.00001",
        beta.public_id: "0.001",
    }
    assert order.journal.get().data["accounts"] == ["beta", "alpha"]
    check_order(order)


@pytest.mark.parametrize(
    ("changes", "field", "limit"),
    [
        ({"quantity": "0.3001"}, "quantity", "0.001"),
        ({"quantity": "0.002"}, "quantity", "0.005"),
        ({"limit_price": "60000.1"}, "limit_price", "0.5"),
        ({"quantity": "0.03", "parameters": {"duration": "3m", "slices": "7"}}, "slices", "6"),
    ],
)
def test_every_slice_must_fit_every_account(
    rows: Rows, changes: dict[str, Any], field: str, limit: str
) -> None:
    beta = rows.beside(tick=D("0.5"), lot=D("0.001"), min_quantity=D("0.005"))
    rows.submit(key="fits", **({"quantity": "0.3"} | changes) if field == "slices" else {})
    (problem,) = refused(rows, accounts=[rows.account.label, beta.label], key="2", **changes)
    assert (problem.field, problem.limit) == (field, limit)


def test_accounts_that_do_not_fit_are_each_told_by_label(rows: Rows) -> None:
    beta, gamma = rows.beside(), rows.beside("gamma")
    beta.credentials.update(state="suspended")
    gamma.traders.clear()
    problems = refused(rows, accounts=["alpha", "beta", "gamma"])
    assert [problem.field for problem in problems] == ["accounts"] * 2
    assert "no account 'gamma'" in problems[0].message
    assert "beta has no key in use" in problems[1].message
    gamma.traders.add(rows.trader)
    beta.credentials.update(state="active")
    Account.objects.filter(label__in=["beta", "gamma"]).update(symbols=["ETH/USDT"])
    assert [
        problem.message.rstrip(".").split()[-1]
        for problem in refused(rows, accounts=["alpha", "beta", "gamma"])
    ] == [
        "beta",
        "gamma",
    ]


@pytest.mark.parametrize("again", ["label", "public_id"])
def test_an_account_is_named_once(rows: Rows, again: str) -> None:
    (problem,) = refused(rows, accounts=[rows.account.label, getattr(rows.account, again)])
    assert (problem.field, problem.value) == ("accounts", "alpha")
    assert "more than once" in problem.message


def test_the_balances_together_must_pay_the_order(rows: Rows) -> None:
    beta = rows.beside()
    need = D("0.3") * D("60300") * D("1.001")
    Balance.objects.filter(currency="USDT").update(free=need / 2 - D("0.01"))
    (problem,) = refused(rows, accounts=["alpha", "beta"])
    assert problem.field == "quantity"
    assert "alpha, beta together have" in problem.message
    Balance.objects.filter(currency="USDT").update(free=need / 2)
    assert rows.submit(accounts=["alpha", "beta"]).pk
    assert refused(rows, accounts=["alpha", "beta"], key="1")[0].code == "balance_reserved"
    Balance.objects.filter(account=beta).delete()
    assert rows.submit(accounts=["alpha", "beta"], key="2").pk, "what nobody knows refuses nothing"


def test_the_reference_of_several_venues_is_the_best_of_either_side_and_their_mean_when_these_cross(
    rows: Rows,
) -> None:
    beta = rows.beside()
    for (bid, ask), arrival in [
        (("59999.00", "60000.25"), ("59999.50", "60000.25")),
        (("60001.50", "60002.50"), ("60000.50", "60001.50")),
    ]:
        rows.quote(bid, ask, venue=beta.venue)
        order = rows.submit(accounts=["alpha", "beta"], key=bid)
        assert (order.arrival_bid, order.arrival_ask) == tuple(map(D, arrival))
    rows.quote("60001.50", "60002.50", venue=beta.venue, at=NOW - timedelta(seconds=6))
    order = rows.submit(accounts=["alpha", "beta"], key="stale")
    assert (order.arrival_bid, order.arrival_ask) == (D("59999.50"), D("60000.50"))


def test_the_checks_name_each_account(rows: Rows) -> None:
    beta = rows.beside()
    Balance.objects.filter(account=beta).update(free=0)
    rows.quote(venue=beta.venue, at=NOW - timedelta(seconds=6))
    request = parse_order_request(rows.raw(accounts=["alpha", "beta"]))
    checks = {
        check.text: check.state
        for check in order_preview(person=rows.trader, request=request, now=NOW).checks
    }
    assert checks["Account alpha has 1,000,000.00 USDT free"] == "ok"
    assert checks["Account beta has no USDT: it gets no part of the order"] == "warn"
    assert checks["beta: Market data is stale: the order waits for fresh data"] == "warn"
    assert any(text.startswith("Quotes are fresh on alpha: ") for text in checks)


def test_a_supervisor_does_not_trade(rows: Rows) -> None:
    (problem,) = refused(rows, person=rows.supervisor)
    assert "A supervisor does not trade" in problem.message


def test_without_market_data_a_base_quantity_is_taken_and_a_quote_amount_is_not(rows: Rows) -> None:
    stale = NOW - timedelta(days=1)
    rows.quote(at=stale)
    order = rows.submit()
    assert order.arrival_at is None, "an old quote is no arrival price"
    rows.quote("60001", "60000")
    (problem,) = refused(rows, key="2", quantity="500", unit="quote")
    assert "No price of BTC/USDT is known" in problem.message
    assert rows.submit(key="3").quantity == D("0.3")


def test_a_later_start_has_no_arrival_price_yet(rows: Rows) -> None:
    start = NOW + HOUR
    order = rows.submit(parameters={"duration": "3m", "start_at": start.isoformat()})
    assert order.arrival_at is None
    assert order.due_at == start


def test_a_quote_amount_becomes_base_once(rows: Rows) -> None:
    order = rows.submit(quantity="18000.59", unit="quote")
    assert (order.quantity, order.quantity_asked) == (D("0.3"), D("18000.59"))
    assert Order.objects.get().unit == "quote"
