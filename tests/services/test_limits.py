"""Limits refuse, ask for approval or for a reason: on a new order, an amendment, a resume, and before each child."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution.core.orders.terms import parse_order_request
from execution.core.problem_codes import Code
from execution.core.problems import Refused
from execution.core.types import BalanceAmounts, Quote, Rejected
from execution.models import (
    AuditEntry,
    CandleDay,
    ChildOrder,
    JournalEntry,
    Market,
    Order,
    Role,
    TradingLimit,
    User,
)
from execution.selectors.decisions.notional import order_notionals
from execution.selectors.quote_signatures import sign
from execution.selectors.quotes import quote_key, quote_to_json
from execution.services.accounts.markets import balances_record
from execution.services.children.children import child_outcome
from execution.services.children.fills import fill_record
from execution.services.desk.limits import limit_end
from execution.services.orders import submit
from execution.services.orders.confirmation import Confirmation
from execution.services.orders.orders import order_cancel
from execution.services.orders.preview import order_preview
from tests.factories import NOW, SYMBOL, D, Rows, trade_of
from tests.services.limiting import bound, refusal, twenty_refusals

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def said(rows: Rows, **changes: Any) -> list[tuple[str, Any]]:
    """Return the hard limits that an order would exceed, with its figures."""
    request = parse_order_request(
        rows.raw(**{name: value for name, value in changes.items() if name != "key"})
    )
    verdict = order_preview(person=rows.trader, request=request, now=NOW).verdict
    return [(breach.kind.value, breach.value) for breach in verdict.refused]


# --- what refuses --------------------------------------------------------------------------------


def test_a_quantity_typed_as_notional_is_refused_with_the_limit_and_who_may_raise_it(rows: Rows) -> None:
    bound(rows, "order_notional", 25_000_000)
    request = parse_order_request(rows.raw(quantity="58000000"))
    preview = order_preview(person=rows.trader, request=request, now=NOW)
    said = {problem.code: problem for problem in preview.problems}
    problem = said[Code.LIMIT_EXCEEDED]
    assert problem.message == (
        "The order's notional, 3,480,000,000,000.00 USDT, is above the limit of 25,000,000.00 USDT for the desk. "
        "Only a supervisor can raise the limit."
    )
    assert (problem.field, D(problem.limit)) == ("quantity", D(25_000_000))
    with pytest.raises(Refused):
        rows.submit(quantity="58000000")
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("kind", "value", "about", "field"),
    [
        ("order_quantity", "0.2", {"scope": "symbol", "subject": SYMBOL}, "quantity"),
        ("order_notional", "17999", {"scope": "trader", "subject": "trader"}, "quantity"),
        ("open_notional", "17999", {"scope": "account", "subject": "alpha"}, "quantity"),
        ("daily_notional", "17999", {"scope": "symbol", "subject": SYMBOL}, "quantity"),
        ("collar", "49", {}, "collar_bp"),
    ],
)
def test_each_kind_refuses_above_its_value_and_not_at_it(
    rows: Rows, kind: str, value: str, about: dict[str, str], field: str
) -> None:
    limit = bound(rows, kind, value, **about)
    problem = refusal(rows)
    assert (problem.code, problem.field) == (Code.LIMIT_EXCEEDED, field)
    limit_end(public_id=limit.public_id, person=rows.supervisor, reason="a test", now=NOW)
    bound(rows, kind, problem.value, **about)  # at the limit is within it
    rows.submit()


def test_limits_of_others_bound_nothing(rows: Rows) -> None:
    User.objects.create(username="other", role=Role.TRADER)
    rows.beside("beta")
    bound(rows, "order_notional", 1, scope="trader", subject="other")
    bound(rows, "open_notional", 1, scope="account", subject="beta")
    euro = Market.objects.filter(venue=rows.venue).earliest("pk")
    euro.pk, euro.symbol, euro.quote = None, "BTC/EUR", "EUR"
    euro.save()
    bound(rows, "order_notional", 1, currency="EUR")
    rows.submit()


def test_the_share_of_volume_and_the_last_hours_price_come_from_candles(rows: Rows) -> None:
    share, move = bound(rows, "volume_share", 10), bound(rows, "hour_move", 100)
    with pytest.raises(Refused) as refused:
        rows.submit()
    assert all("is not known" in problem.message for problem in refused.value.problems)
    bars = [[39_600 + 300 * number, "60000", "60000", "60000", "60000", "0.01"] for number in range(12)]
    CandleDay.objects.create(
        venue=rows.venue, symbol=SYMBOL, seconds=300, day=NOW.date(), bars=bars, known_until=NOW
    )
    assert "10.42 %" in refusal(rows).message  # 0.3 of 2.88 a day
    limit_end(public_id=share.public_id, person=rows.supervisor, reason="a test", now=NOW)
    rows.submit()
    rows.quote("61000", "61001")
    assert "166.75 bp" in refusal(rows, key="2").message
    limit_end(public_id=move.public_id, person=rows.supervisor, reason="a test", now=NOW)
    rows.submit(key="2")


def test_open_and_daily_notional_count_every_order_of_the_scope(rows: Rows) -> None:
    bound(rows, "open_notional", 40_000)
    bound(rows, "daily_notional", 47_000)
    first = rows.submit(key="1")
    rows.submit(key="2")
    assert said(rows, key="3") == [("open_notional", D(54_000)), ("daily_notional", D(54_000))]
    first = rows.claim(first)
    rows.step(first, now=NOW)
    rows.step(first, now=NOW)
    child = ChildOrder.objects.get(order=first)
    rows.submit_child(child)
    child.refresh_from_db()
    fill_record(
        account_pk=rows.account.pk, trade=trade_of(child, "t1", "0.1", client_id=child.client_id), now=NOW
    )
    order_cancel(public_id=first.public_id, person=rows.trader, reason="", now=NOW)
    # What is filled of a cancelled order is open no more, and traded today all the same.
    assert said(rows, key="3", quantity="0.4") == [
        ("open_notional", D(42_000)),
        ("daily_notional", D("47999.95")),
    ]


def test_an_order_of_another_quote_currency_is_converted_or_refused(rows: Rows) -> None:
    bound(rows, "open_notional", 40_000)
    order = rows.submit()
    Order.objects.filter(pk=order.pk).update(symbol="ETH/BTC")
    client = redis.Redis.from_url(rows.redis_url)
    ratio = Quote(D("0.0399"), D("0.0401"), None, None, NOW)
    key = quote_key(rows.venue.pk, "ETH/BTC")
    client.set(key, sign(key, quote_to_json(ratio)))
    client.close()
    assert refusal(rows, key="2", quantity="0.67").value == "40920"  # 720 for the other order
    rows.submit(key="2", quantity="0.6")
    rows.quote(at=NOW - 6 * MINUTE)
    assert "is not known" in refusal(rows, key="3", quantity="0.01").message


# --- reasons -------------------------------------------------------------------------------------


def test_a_soft_limit_wants_a_reason_that_the_journal_keeps(rows: Rows) -> None:
    limit = bound(rows, "order_notional", 10_000, "soft")
    problem = refusal(rows)
    assert (problem.code, problem.field) == (Code.LIMIT_REASON_MISSING, "limit_reason_order_notional")
    request = parse_order_request(rows.raw())
    confirmed = Confirmation(limit_reasons={"order_notional": " client asked "}, on_ticket=False)
    order = submit.order_submit(person=rows.trader, request=request, key="1", now=NOW, confirmed=confirmed)
    (kept,) = JournalEntry.objects.get(order=order, kind="submitted").data["limits_exceeded"]
    assert (kept["limit"], kept["reason"]) == (limit.public_id, "client asked")
    assert "18,000.00 USDT" in kept["fact"]


# --- before each child ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "about", "words"),
    [
        ("order_quantity", "0.05", {"scope": "symbol", "subject": SYMBOL}, "the order's quantity, 0.1 BTC"),
        ("order_notional", "5000", {}, "the order's notional, 5,999.9"),
        ("order_notional", "5000", {"level": "approval"}, "the order's notional, 5,999.9"),
        ("collar", "40", {"scope": "account", "subject": "alpha"}, "the order's collar, 50 bp"),
    ],
)
def test_a_limit_lowered_while_an_order_runs_holds_its_next_child_and_pauses_it(
    rows: Rows, kind: str, value: str, about: dict[str, str], words: str
) -> None:
    child = rows.resting(submitted=False)
    bound(rows, kind, value, **about)
    assert rows.submit_child(child) is None
    child.refresh_from_db()
    order = child.order
    order.refresh_from_db()
    assert (child.status, order.status, order.needs_person) == ("cancelled", "paused", True)
    assert words in order.reason


def test_a_price_too_far_from_arrival_pauses_the_order(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    bound(rows, "arrival_move", 100)
    Order.objects.update(arrival_bid=D(59_000), arrival_ask=D(59_000))
    assert rows.submit_child(child) is None
    order = Order.objects.get()
    assert "169.43 bp, is above the limit of 100 bp for the desk" in order.reason
    assert order.status == "paused"


def test_one_refusal_too_many_pauses_the_order(rows: Rows) -> None:
    bound(rows, "refusals", 1, scope="trader", subject="trader")
    order, now = rows.working(), NOW
    for _ in range(2):
        rows.step(order, now=now)
        child = order.children.latest("sequence")
        assert rows.submit_child(child, now=now) is not None
        child_outcome(child_pk=child.pk, outcome=Rejected("InvalidOrder", "no"), now=now)
        now += 20 * SECOND
    rows.step(order, now=now)
    order.refresh_from_db()
    assert (order.status, order.needs_person) == ("paused", True)
    assert order.reason.startswith("2 children in a row were refused: InvalidOrder")


def test_children_beyond_the_rate_wait_and_are_not_dropped(rows: Rows) -> None:
    bound(rows, "message_rate", 1, scope="account", subject="alpha")
    first = rows.resting()
    second = ChildOrder.objects.create(
        **{
            field.attname: getattr(first, field.attname)
            for field in ChildOrder._meta.concrete_fields
            if field.name not in {"id", "client_id", "sequence", "status", "submitted_at", "submitted_fence"}
        },
        client_id="another",
        sequence=first.sequence + 1,
        status="pending_submit",
    )
    assert rows.submit_child(second) is None
    second.refresh_from_db()
    assert second.status == "pending_submit"
    assert rows.submit_child(second, now=NOW + SECOND) is not None


# --- races ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_twenty_submits_at_once_pass_no_more_than_the_limit(rows: Rows) -> None:
    twenty_at_a_limit(rows)


@pytest.mark.django_db(transaction=True)
def test_judged_by_the_preview_alone_they_pass_it(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "_refuse_if_limited", lambda *_: None)
    with pytest.raises(AssertionError):
        twenty_at_a_limit(rows)


def twenty_at_a_limit(rows: Rows) -> None:
    """Send the same order of twenty traders at the same moment, under a limit that takes three."""
    bound(rows, "open_notional", 3 * 18_000)
    balances_record(
        account_pk=rows.account.pk, balances={"USDT": BalanceAmounts(D(10_000_000), D(0))}, now=NOW
    )
    refused = twenty_refusals(rows)
    assert Order.objects.count() == 3
    assert refused == [Code.LIMIT_EXCEEDED] * 17


# --- setting -------------------------------------------------------------------------------------


def test_a_changed_limit_is_a_new_row_and_the_audit_has_before_and_after(rows: Rows) -> None:
    first = bound(rows, "order_notional", 10_000)
    assert bound(rows, "order_notional", "10000.0").pk == first.pk
    second = bound(rows, "order_notional", 20_000)
    first.refresh_from_db()
    assert (first.ended_by, second.ended_at) == (rows.supervisor, None)
    entry = AuditEntry.objects.latest("pk")
    assert (entry.data["before"], entry.data["after"]) == ("10000", "20000")
    assert TradingLimit.objects.filter(ended_at=None).count() == 1
    with pytest.raises(Refused) as refused:
        limit_end(public_id=first.public_id, person=rows.supervisor, reason="x", now=NOW)
    assert refused.value.problems[0].code == Code.LIMIT_NOT_IN_FORCE


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({"kind": "size"}, Code.VALUE_NOT_ALLOWED),
        ({"scope": "everybody"}, Code.VALUE_NOT_ALLOWED),
        ({"level": "strict"}, Code.VALUE_NOT_ALLOWED),
        ({"value": "-1"}, Code.VALUE_OUT_OF_RANGE),
        ({"value": "lots"}, Code.VALUE_MALFORMED),
        ({"value": ""}, Code.VALUE_MALFORMED),
        ({"kind": "order_quantity"}, Code.VALUE_NOT_ALLOWED),
        ({"kind": "arrival_move", "level": "soft"}, Code.VALUE_NOT_ALLOWED),
        ({"kind": "message_rate", "scope": "trader", "subject": "trader"}, Code.VALUE_NOT_ALLOWED),
        ({"subject": "trader"}, Code.LIMIT_SUBJECT_UNKNOWN),
        ({"scope": "trader"}, Code.VALUE_MISSING),
        ({"scope": "trader", "subject": "nobody"}, Code.LIMIT_SUBJECT_UNKNOWN),
        ({"scope": "trader", "subject": "supervisor"}, Code.LIMIT_SUBJECT_UNKNOWN),
        ({"scope": "account", "subject": "omega"}, Code.LIMIT_SUBJECT_UNKNOWN),
        ({"scope": "symbol", "subject": "XYZ/USDT"}, Code.LIMIT_SUBJECT_UNKNOWN),
        ({"currency": "US DOLLAR"}, Code.VALUE_MALFORMED),
        ({"currency": "DOGGO"}, Code.VALUE_NOT_ALLOWED),
        ({"currency": "BTC"}, Code.VALUE_NOT_ALLOWED),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(rows: Rows, raw: dict[str, str], code: Code) -> None:
    with pytest.raises(Refused) as refused:
        bound(rows, **{"kind": "order_notional", "value": "1"} | raw)
    assert refused.value.problems[0].code == code
    assert not TradingLimit.objects.exists()


def test_levels_of_a_kind_stand_in_their_order(rows: Rows) -> None:
    bound(rows, "order_notional", 100, "hard")
    with pytest.raises(Refused) as refused:
        bound(rows, "order_notional", 100, "approval")
    assert refused.value.problems[0].code == Code.LIMITS_OUT_OF_ORDER
    bound(rows, "order_notional", 50, "approval")
    bound(rows, "order_notional", 10, "soft")
    with pytest.raises(Refused, match="must be below the approval limit 50"):
        bound(rows, "order_notional", 60, "soft")


@pytest.mark.parametrize("role", [Role.TRADER, Role.ADMIN])
def test_only_supervisors_set_limits(rows: Rows, role: Role) -> None:
    User.objects.filter(pk=rows.supervisor.pk).update(role=role)
    rows.supervisor.refresh_from_db()
    with pytest.raises(Refused, match="Only a supervisor"):
        bound(rows, "order_notional", 1)


# --- what it costs ---------------------------------------------------------------------------------


def test_what_orders_may_still_trade_is_read_in_as_many_queries_for_one_as_for_five(rows: Rows) -> None:
    """It is read under the gate at each submit, of one order as of hundreds."""

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert [found.open is not None for found in order_notionals(NOW)]
        return len(seen)

    rows.submit(limit_price="49000")
    one = queries()
    for number in range(4):
        rows.submit(key=f"more{number}", limit_price="49000")
    assert queries() == one
