"""A slice over several accounts: where each child goes, and what it takes of lots and minimums."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from execution.core.algorithms.decide import decide
from execution.core.orders.view import CROSS, AccountView, Rejections
from execution.core.states import ChildStatus
from execution.core.types import Side
from tests.core.algorithms.test_decide import CROSSES, cancelled, intend_of
from tests.core.builders import MARKET, MINUTE, NOW, QUOTE, D, child_of, venue_of, view_of


def pair(
    at: timedelta = timedelta(0), *, beta: dict[str, Any] | None = None
) -> tuple[AccountView, AccountView]:
    """Return alpha, which asks 60,000.50 with 10 bp of fee, and beta, 60,010.50 with 20 bp; both are fresh."""
    quote = replace(QUOTE, at=NOW + at)
    other = {
        "quote": replace(quote, bid=D("60009.50"), ask=D("60010.50")),
        "market": replace(MARKET, tick=D("0.5"), lot=D("0.001"), taker_fee=D("0.002")),
        "free": D(1_000_000),
    } | (beta or {})
    return venue_of("alpha", quote=quote, free=D(1_000_000)), venue_of("beta", **other)


def test_a_slice_goes_to_the_cheapest_account_at_its_own_price_and_says_why() -> None:
    intend = intend_of(view_of(accounts=pair()))
    assert (intend.account, intend.price) == ("alpha", D("59999.60"))
    assert intend.why.endswith(
        "alpha 60,060.5 after fees, 11.7 bp better than beta (no order book, only its best price is known)"
    )
    assert intend_of(view_of(accounts=pair(), side=Side.SELL)).account == "alpha", (
        "the bid is not worth the fee"
    )
    free = replace(MARKET, tick=D("0.5"), lot=D("0.001"), taker_fee=D(0))
    sale = intend_of(view_of(accounts=pair(beta={"market": free}), side=Side.SELL))
    assert (sale.account, sale.price) == ("beta", D("60010.5")), "on its own tick"


def test_what_is_left_may_cross_at_another_account_than_it_rested() -> None:
    rested = cancelled(D("0.04"), account="beta", ended_at=NOW, slice_number=3)
    view = view_of(now=NOW + CROSSES, done=D("0.24"), children=(rested,), accounts=pair(CROSSES))
    intend = intend_of(view)
    assert (intend.account, intend.quantity, intend.purpose) == ("alpha", D("0.06"), CROSS)


def test_nothing_new_for_a_slice_while_a_child_of_it_is_unsettled_at_any_account() -> None:
    waiting = child_of(account="beta", status=ChildStatus.UNKNOWN, cancel_wanted=True, slice_number=3)
    decision = decide(view_of(now=NOW + CROSSES, done=D("0.2"), children=(waiting,), accounts=pair(CROSSES)))
    assert decision.commands == ()
    assert "to end" in decision.why


@pytest.mark.parametrize("trouble", [{"blocked": "it is halted"}, {"quote": None}])
def test_while_one_account_is_down_the_order_goes_on_with_the_rest(trouble: dict[str, Any]) -> None:
    down, beta = pair()
    intend = intend_of(view_of(accounts=(replace(down, **trouble), beta)))
    assert intend.account == "beta"
    assert "alpha: " in intend.why
    assert intend.quantity == D("0.1")


def test_while_all_accounts_are_down_it_waits_with_the_reason_of_each() -> None:
    alpha, beta = pair()
    decision = decide(view_of(accounts=(replace(alpha, blocked="it is halted"), replace(beta, quote=None))))
    assert decision.commands == ()
    assert decision.why == "waits: alpha: it is halted; beta: no market data yet"


def test_while_nobody_can_pay_for_a_slice_it_waits_with_the_reason_of_each() -> None:
    poor = tuple(replace(venue, free=D(5)) for venue in pair())
    decision = decide(view_of(accounts=poor))
    assert decision.commands == ()
    assert "alpha: its balance is too small (5 free); beta: its balance is too small" in decision.why


def test_a_remainder_finer_than_the_coarsest_lot_is_carried_to_the_last_slice() -> None:
    odd = D("0.00005")
    early = intend_of(view_of(done=odd, accounts=pair()))
    assert early.quantity == D("0.099"), "on the lot of either account"
    at = CROSSES
    last = intend_of(view_of(now=NOW + at, done=D("0.2") + odd, accounts=pair(at)))
    assert (last.account, last.quantity) == ("alpha", D("0.1") - odd), "where its lot fits"


def test_the_last_slice_keeps_back_what_its_cross_needs_at_the_most_demanding_account() -> None:
    at = 2 * MINUTE
    demanding = replace(MARKET, min_quantity=D("0.02"), taker_fee=D("0.002"))
    intend = intend_of(view_of(now=NOW + at, done=D("0.2"), accounts=pair(at, beta={"market": demanding})))
    assert (intend.account, intend.quantity) == ("alpha", D("0.08"))


def refused(kind: str = "InsufficientFunds") -> dict[str, Any]:
    """Return a refusal of alpha a moment ago, the fifth in a row."""
    child = child_of(
        account="alpha", status=ChildStatus.REJECTED, is_settled=True, ended_at=NOW, reason=f"{kind}: no"
    )
    return {"children": (child,), "rejections": Rejections(5, NOW, kind)}


def test_an_account_that_refuses_does_not_hold_up_the_others() -> None:
    intend = intend_of(view_of(accounts=pair(), **refused()))
    assert (intend.account, intend.quantity) == ("beta", D("0.1"))
    both = (*refused()["children"], replace(refused()["children"][0], sequence=2, account="beta"))
    waits = decide(view_of(accounts=pair(), **(refused() | {"children": both})))
    assert (waits.commands, waits.why) == ((), "waits after a refusal: InsufficientFunds")
    assert waits.due_at == NOW + timedelta(seconds=8)


def test_the_account_that_refused_gets_nothing_before_its_time_even_where_the_others_take_nothing() -> None:
    decision = decide(view_of(accounts=pair(beta={"free": D(1)}), **refused()))
    assert decision.commands == ()
    assert "alpha: it has just refused a child" in decision.why


def test_a_book_that_moved_on_is_nobodys_refusal_and_every_account_waits() -> None:
    assert decide(view_of(accounts=pair(), **refused("OrderImmediatelyFillable"))).commands == ()
