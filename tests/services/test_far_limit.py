"""A price on the wrong side of the market by more than the collar is sent only when it is confirmed."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.plans import far_price_problems
from execution.core.orders.terms import parse_order_request
from execution.core.problems import Refused
from execution.core.types import Quote, Side
from execution.models import Order
from execution.selectors.quotes import quote_key
from execution.services.orders.confirmation import Confirmation
from execution.services.orders.orders import order_preview, order_submit
from tests.factories import NOW, SYMBOL, D, Rows

MID = Quote(D("59999.50"), D("60000.50"), None, None, NOW)


def send(rows: Rows, confirmed: Confirmation | None = None, **changes: Any) -> Order:
    more = {} if confirmed is None else {"confirmed": confirmed}
    request = parse_order_request(rows.raw(**changes))
    return order_submit(person=rows.trader, request=request, key="key-1", now=NOW, **more)


@pytest.mark.parametrize(
    ("side", "limit", "words"),
    [
        ("buy", "60300.01", "is 0.5 % above the mid 60,000. The collar allows 0.5 %"),
        ("sell", "6000", "is 90.0 % below the mid 60,000. The collar allows 0.5 %"),
    ],
)
def test_it_is_refused_with_the_price_and_the_limit(rows: Rows, side: str, limit: str, words: str) -> None:
    rows.quote()
    with pytest.raises(Refused) as refused:
        send(rows, side=side, limit_price=limit)
    (problem,) = refused.value.problems
    assert words in problem.message
    assert (problem.field, D(problem.value)) == ("confirm_limit", D(limit))
    assert D(problem.limit) == (D(60300) if side == "buy" else D(59700))
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("side", "limit"), [("buy", "60300"), ("buy", "1000"), ("sell", "59700"), ("sell", "90000")]
)
def test_inside_the_collar_and_on_the_right_side_nothing_is_asked(rows: Rows, side: str, limit: str) -> None:
    rows.quote()
    assert send(rows, side=side, limit_price=limit).status == "scheduled"


@pytest.mark.parametrize("on_ticket", [True, False])
def test_confirmed_it_is_sent_from_the_ticket_and_by_a_program(rows: Rows, on_ticket: bool) -> None:
    rows.quote()
    order = send(rows, Confirmation(limit=True, on_ticket=on_ticket), limit_price="66000")
    assert order.terms is not None
    assert order.terms.limit_price == D(66000)


def test_a_mid_that_nobody_knows_judges_nothing_and_the_checks_say_so(rows: Rows) -> None:
    client = redis.Redis.from_url(rows.redis_url)
    client.delete(quote_key(rows.venue.pk, SYMBOL))
    client.close()
    request = parse_order_request(rows.raw(limit_price="66000"))
    preview = order_preview(person=rows.trader, request=request, now=NOW)
    assert "Limit price cannot be compared with the mid: no market data" in [c.text for c in preview.checks]
    assert send(rows, limit_price="66000").status == "scheduled"


def test_a_wider_collar_allows_what_it_allows(rows: Rows) -> None:
    rows.quote()
    parameters = {"duration": "3m", "slices": "3", "collar_bp": "500"}
    assert send(rows, limit_price="62999", parameters=parameters).status == "scheduled"


# --- every other price -----------------------------------------------------------------------------


def i_would(price: str, **parameters: str) -> dict[str, str]:
    return {"duration": "1h", "i_would_price": price} | parameters


@pytest.mark.parametrize(
    ("side", "price", "words"),
    [
        (
            "buy",
            "600000",
            "I-would price 600,000 is 900.0 % above the mid 60,000. The collar allows 0.5 %",
        ),
        (
            "sell",
            "6000",
            "I-would price 6,000 is 90.0 % below the mid 60,000. The collar allows 0.5 %",
        ),
    ],
)
def test_an_i_would_price_is_refused_like_a_limit_price(
    rows: Rows, side: str, price: str, words: str
) -> None:
    rows.quote()
    with pytest.raises(Refused) as refused:
        send(rows, side=side, parameters=i_would(price))
    (problem,) = refused.value.problems
    assert words in problem.message
    assert problem.field == "confirm_i_would"
    assert not Order.objects.exists()
    # What was confirmed is this price, and no other.
    with pytest.raises(Refused):
        send(rows, Confirmation(limit=True, on_ticket=False), side=side, parameters=i_would(price))
    assert send(rows, Confirmation(i_would=True, on_ticket=False), side=side, parameters=i_would(price)).pk


@pytest.mark.parametrize(
    ("side", "price"), [("buy", "60300"), ("buy", "1"), ("sell", "59700"), ("sell", "900000")]
)
def test_an_i_would_price_inside_the_collar_or_on_the_right_side_is_sent(
    rows: Rows, side: str, price: str
) -> None:
    rows.quote()
    assert send(rows, side=side, parameters=i_would(price)).status == "scheduled"


def test_both_prices_are_confirmed_each_for_itself(rows: Rows) -> None:
    rows.quote()
    with pytest.raises(Refused) as refused:
        send(rows, limit_price="66000", parameters=i_would("70000"))
    assert [problem.field for problem in refused.value.problems] == ["confirm_limit", "confirm_i_would"]


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ("60000.5", "The market is at the I-would price 60,000.5 now: the whole order may fill at once"),
        ("61000", "I-would price 61,000 is 1.7 % above the mid 60,000"),
        ("59000", ""),
    ],
)
def test_the_checks_say_when_everything_may_be_done_at_once(rows: Rows, price: str, words: str) -> None:
    rows.quote()
    request = parse_order_request(rows.raw(parameters=i_would(price)))
    preview = order_preview(person=rows.trader, request=request, now=NOW)
    said = [check.text for check in preview.checks if "I-would" in check.text]
    assert len(said) == bool(words)
    assert all(text.startswith(words) for text in said)


@given(
    st.sampled_from(Side),
    st.decimals(D("0.01"), D(1_000_000), places=2),
    st.decimals(D("0.1"), D(500), places=1),
)
def test_it_is_judged_by_the_distance_to_the_mid_alike_for_either_side(
    side: Side, limit: Any, collar: Any
) -> None:
    far = (limit - MID.mid) * side.sign > MID.mid * collar / 10_000
    assert bool(far_price_problems(side, "limit_price", limit, MID, collar)) is far
