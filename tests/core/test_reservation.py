"""The amount that an order may still spend, and the rest for others: exact sums, monotonic, never below zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.free_balance import BALANCE_TAKES, SentChild, free_now
from execution.core.orders.reservation import (
    AccountTerms,
    Available,
    Cost,
    Fees,
    PendingChild,
    Reserve,
    available,
    cost_of,
    left_beside,
    most_spent,
    reserved_within,
    reserves,
    spent_currency,
    worst_price,
)
from execution.core.types import Side

D = Decimal
ZERO = D(0)
FEES = Fees(quote=D("0.001"))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NAMES = ("alpha", "beta", "gamma")

amounts = st.decimals(min_value=0, max_value=100_000, places=4)
prices = st.decimals(min_value=1, max_value=200_000, places=2)
fees = st.decimals(min_value=0, max_value=D("0.01"), places=4)
sides = st.sampled_from(Side)
costs = st.builds(Cost, amounts, st.booleans())
one_reserve = st.builds(Reserve, costs, costs)
orders = st.dictionaries(st.sampled_from(NAMES), one_reserve, min_size=1)
frees = st.dictionaries(st.sampled_from(NAMES), st.decimals(-1000, 100_000, places=4), min_size=1)


# --- the cost of a quantity ------------------------------------------------------------------------


def test_a_buy_takes_quote_and_fee_and_a_sell_base_and_fee() -> None:
    assert cost_of(Side.BUY, D(3), D(100), FEES) == Cost(D("300.3"))
    assert cost_of(Side.SELL, D(3), D(100), FEES) == Cost(D(3))
    assert cost_of(Side.SELL, D(3), None, Fees(quote=None, base=D("0.01"))) == Cost(D("3.03"))
    assert [spent_currency("ETH/BTC", side) for side in Side] == ["BTC", "ETH"]


def test_what_is_not_known_stays_unknown_and_is_at_least_what_is_known() -> None:
    assert cost_of(Side.BUY, D(3), None, FEES) == Cost(ZERO, is_known=False)
    assert cost_of(Side.BUY, D(3), D(100), Fees(quote=None)) == Cost(D(300), is_known=False)
    assert cost_of(Side.BUY, ZERO, None, FEES) == Cost(ZERO)
    unknown = {"alpha": Reserve(Cost(D(5), is_known=False))}
    assert available({"alpha": D(20)}, [unknown]) == Available(D(15), is_known=False)
    assert available({"alpha": D(20), "beta": None}, []) is None
    assert left_beside(None, [Reserve()]) is None


def test_the_worst_price_is_the_limit_else_the_collar_around_the_mid() -> None:
    given_prices = {"collar_bp": D(50), "mid": D(100)}
    assert worst_price(Side.BUY, limit_price=D(90), **given_prices) == D(90)
    assert worst_price(Side.BUY, limit_price=None, **given_prices) == D("100.5")
    assert worst_price(Side.SELL, limit_price=None, **given_prices) == D("99.5")
    assert worst_price(Side.BUY, limit_price=None, collar_bp=D(50), mid=None) is None


@given(sides, amounts, amounts, prices, prices, fees)
def test_more_quantity_price_or_fee_never_costs_less(
    side: Side, quantity: Decimal, more: Decimal, price: Decimal, dearer: Decimal, fee: Decimal
) -> None:
    cost = cost_of(side, quantity, price, Fees(fee, fee)).amount
    assert cost >= ZERO
    assert cost_of(side, quantity + more, price, Fees(fee, fee)).amount >= cost
    assert cost_of(side, quantity, price + dearer, Fees(fee, fee)).amount >= cost
    assert cost_of(side, quantity, price, Fees(fee + D("0.001"), fee + D("0.001"))).amount >= cost


# --- an order's reserve ----------------------------------------------------------------------------


@given(sides, amounts, st.lists(prices, min_size=1, max_size=3), st.lists(amounts, max_size=4), fees)
def test_a_reserve_is_the_unsent_in_full_on_each_account_and_once_together(
    side: Side, unsent: Decimal, worst: list[Decimal], waiting: list[Decimal], fee: Decimal
) -> None:
    accounts = {name: AccountTerms(price, Fees(fee)) for name, price in zip(NAMES, worst, strict=False)}
    names = list(accounts)
    pending = [PendingChild(names[n % len(names)], each, D(50)) for n, each in enumerate(waiting)]
    found = reserves(side, unsent=unsent, accounts=accounts, pending=pending)
    together = reserved_within(found, names)
    sent = sum((cost_of(side, child.quantity, D(50), Fees(fee)).amount for child in pending), ZERO)
    alone = [cost_of(side, unsent, price, Fees(fee)).amount for price in worst]
    assert together == Cost(max(alone) + sent)
    assert sum((each.pending.amount for each in found.values()), ZERO) == sent
    # However the order is split, it costs no more than that.
    part = unsent / len(names)
    split = sum((cost_of(side, part, price, Fees(fee)).amount for price in worst), ZERO)
    assert split <= max(alone) + D("1e-12")


@given(frees, st.lists(orders, max_size=4), orders)
def test_what_is_left_is_never_negative_and_never_more_with_another_order(
    free: dict[str, Decimal], others: list[dict[str, Reserve]], another: dict[str, Reserve]
) -> None:
    before, after = available(free, others), available(free, [*others, another])
    assert before is not None
    assert after is not None
    assert ZERO <= after.amount <= before.amount
    assert before.amount <= sum((max(amount, ZERO) for amount in free.values()), ZERO)
    richer = available({name: amount + 5 for name, amount in free.items()}, others)
    assert richer is not None
    assert richer.amount >= before.amount


def test_orders_cannot_spend_an_account_twice() -> None:
    of_alpha = {"alpha": Reserve(Cost(D(5)))}
    of_two = {"alpha": Reserve(Cost(D(5))), "beta": Reserve(Cost(D(5)))}
    free: dict[str, Decimal | None] = {"alpha": D(5), "beta": D(0), "gamma": D(7)}
    assert available(free, [of_alpha, of_alpha, of_alpha]) == Available(D(7), is_known=True)
    assert available(free, [of_alpha, of_two]) == Available(D(7), is_known=True)
    assert available(free, [of_two, of_alpha]) == Available(D(7), is_known=True)


groups = st.dictionaries(st.frozensets(st.sampled_from(NAMES), min_size=1), amounts, max_size=5)
holdings = st.fixed_dictionaries(dict.fromkeys(NAMES, amounts))


@given(groups, holdings)
def test_the_most_that_is_spent_is_the_least_cut(
    costs: dict[frozenset[str], Decimal], free: dict[str, Decimal]
) -> None:
    """Every choice of accounts is a bound: what they have, and the costs that other accounts can pay."""
    cuts = [
        sum((free[name] for name in chosen), ZERO)
        + sum((cost for accounts, cost in costs.items() if not accounts <= set(chosen)), ZERO)
        for count in range(len(NAMES) + 1)
        for chosen in combinations(NAMES, count)
    ]
    assert most_spent(costs, free) == min(cuts)


@given(st.lists(amounts, min_size=1, max_size=6), amounts)
def test_orders_of_one_account_that_are_all_taken_fit_together(needs: list[Decimal], free: Decimal) -> None:
    taken: list[dict[str, Reserve]] = []
    for need in needs:
        left = available({"alpha": free}, taken)
        assert left is not None
        if need <= left.amount:
            taken.append({"alpha": Reserve(Cost(need))})
    assert sum((each["alpha"].total.amount for each in taken), ZERO) <= free


def test_two_orders_over_the_same_two_accounts_fit_where_each_alone_could_take_either() -> None:
    twenty = {name: Reserve(Cost(D(20))) for name in ("alpha", "beta")}
    free = {"alpha": D(20), "beta": D(20)}
    assert available(free, [twenty]) == Available(D(20), is_known=True)
    assert available({"alpha": D(20)}, [twenty]) == Available(ZERO, is_known=True)
    assert available(free, [twenty, twenty]) == Available(ZERO, is_known=True)


def test_an_order_takes_no_more_from_others_than_its_accounts_hold() -> None:
    large = {"alpha": Reserve(Cost(D(50)))}
    assert available({"alpha": D(5), "beta": D(40)}, [large]) == Available(D(40), is_known=True)


# --- what is free now ------------------------------------------------------------------------------


def sent(**changes: object) -> SentChild:
    child = SentChild(
        cost=D(10),
        spent=ZERO,
        submitted_at=NOW - 60 * SECOND,
        last_possible_send_at=NOW - 58 * SECOND,
        is_on_book=True,
        is_settled=False,
    )
    return replace(child, **changes)  # type: ignore[arg-type]


JUST = {"submitted_at": NOW - SECOND, "last_possible_send_at": NOW + SECOND}
AFTER = {"submitted_at": NOW + SECOND, "last_possible_send_at": NOW + 3 * SECOND}


@pytest.mark.parametrize(
    ("changes", "least", "most"),
    [
        ({}, 100, 100),
        ({"is_on_book": False}, 90, 100),
        (JUST, 90, 100),
        (AFTER, 90, 90),
        (AFTER | {"is_settled": True, "spent": D(4), "ended_at": NOW + 2 * SECOND}, 96, 96),
        (JUST | {"is_settled": True, "spent": D(4), "ended_at": NOW + SECOND}, 96, 106),
        ({"is_settled": True, "spent": D(4), "ended_at": NOW + SECOND}, 100, 106),
        (
            {
                "is_settled": True,
                "spent": D(4),
                "ended_at": NOW + 2 * SECOND,
                "cancel_requested_at": NOW + SECOND,
            },
            106,
            106,
        ),
        ({"is_settled": True, "spent": D(4), "ended_at": NOW - BALANCE_TAKES}, 100, 100),
    ],
)
def test_a_child_is_counted_until_the_balance_certainly_has_it(
    changes: dict[str, object], least: int, most: int
) -> None:
    found = free_now(D(100), NOW, [sent(**changes)])
    assert (found.least, found.most) == (D(least), D(most))


offsets = st.integers(-20, 20).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def children(draw: st.DrawFn) -> SentChild:
    cost = draw(amounts)
    submitted = NOW + draw(offsets)
    ended = submitted + abs(draw(offsets)) if draw(st.booleans()) else None
    asked = None if ended is None else draw(st.sampled_from([None, ended - SECOND]))
    return SentChild(
        cost=cost,
        spent=cost * draw(st.sampled_from([D(0), D("0.5"), D(1)])),
        submitted_at=submitted,
        last_possible_send_at=submitted + 2 * SECOND,
        is_on_book=draw(st.booleans()),
        is_settled=ended is not None,
        ended_at=ended,
        cancel_requested_at=asked,
    )


@given(amounts, st.lists(children(), max_size=5), children())
def test_at_least_is_never_above_at_most_and_a_live_child_never_adds(
    told: Decimal, others: list[SentChild], another: SentChild
) -> None:
    before, after = free_now(told, NOW, others), free_now(told, NOW, [*others, another])
    assert after.least <= after.most
    if not another.is_settled:
        assert after.least <= before.least
        assert after.most <= before.most
