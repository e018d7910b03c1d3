"""Limits are judged the same way whatever is measured: strictest first, unknown is never within."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.limits.judgement import Breach, Limit, judge
from execution.core.limits.kinds import LIMIT_SPECS, LimitKind, LimitLevel, LimitScope
from execution.core.limits.money import Conversion, add_amount

D = Decimal
STRICTNESS = {LimitLevel.SOFT: 0, LimitLevel.APPROVAL: 1, LimitLevel.HARD: 2}


def limit(
    kind: LimitKind = LimitKind.ORDER_NOTIONAL,
    level: LimitLevel = LimitLevel.HARD,
    value: str = "1000000",
    scope: LimitScope = LimitScope.DESK,
    subject: str = "",
    currency: str = "USDT",
) -> Limit:
    return Limit("abcd1234", kind, scope, subject, level, D(value), currency)


amounts = st.one_of(st.none(), st.decimals(0, 10**12, places=4))
limits = st.builds(
    limit,
    kind=st.sampled_from(LimitKind),
    level=st.sampled_from(LimitLevel),
    value=st.decimals(0, 10**12, places=4).map(str),
)


@given(st.lists(st.tuples(limits, amounts)), st.frozensets(st.sampled_from(LimitKind)))
def test_each_kind_is_said_once_at_its_strictest_level(
    figures: list[tuple[Limit, Decimal | None]], approved: frozenset[LimitKind]
) -> None:
    verdict = judge(figures, approved=approved)
    said = [*verdict.refused, *verdict.approvals, *verdict.reasons]
    assert len({breach.kind for breach in said}) == len(said)
    for kind in LimitKind:
        broken = [
            bound.level
            for bound, value in figures
            if bound.kind is kind
            and (bound.level is LimitLevel.HARD or kind not in approved)
            and (value > bound.value if value is not None else bound.level is not LimitLevel.SOFT)
        ]
        found = [breach.limit.level for breach in said if breach.kind is kind]
        assert found == ([max(broken, key=STRICTNESS.__getitem__)] if broken else [])


def test_an_unknown_figure_exceeds_all_but_soft_limits() -> None:
    assert judge([(limit(), None)]).refused
    assert judge([(limit(level=LimitLevel.APPROVAL), None)]).approvals
    assert judge([(limit(level=LimitLevel.SOFT), None)]).reasons == ()


@pytest.mark.parametrize(
    ("bound", "value", "message"),
    [
        (
            limit(),
            "58000000.001",
            "The order's notional, 58,000,000.01 USDT, is above the limit of 1,000,000.00 USDT for the desk. "
            "Only a supervisor can raise the limit.",
        ),
        (
            limit(LimitKind.ORDER_QUANTITY, LimitLevel.APPROVAL, "2.5", LimitScope.SYMBOL, "BTC/USDT", "BTC"),
            "2.50001",
            "The order's quantity, 2.50001 BTC, is above the limit of 2.5 BTC for BTC/USDT. "
            "A supervisor has to approve the order.",
        ),
        (
            limit(LimitKind.VOLUME_SHARE, LimitLevel.SOFT, "10", LimitScope.TRADER, "anna", ""),
            "12.341",
            "The order's share of the usual daily volume, 12.35 %, is above the limit of 10 % for trader anna. "
            "Give a reason to send the order all the same.",
        ),
        (
            limit(LimitKind.OPEN_NOTIONAL, LimitLevel.HARD, "1000", LimitScope.ACCOUNT, "alpha"),
            None,
            "The open notional with this order is not known, so it cannot be compared with the limit of "
            "1,000.00 USDT for account alpha. Only a supervisor can raise the limit.",
        ),
    ],
)
def test_a_breach_says_the_figure_the_limit_whose_it_is_and_who_may_allow_it(
    bound: Limit, value: str | None, message: str
) -> None:
    assert Breach(bound, None if value is None else D(value)).message == message


def test_every_kind_has_its_words() -> None:
    assert set(LIMIT_SPECS) == set(LimitKind)


@given(st.dictionaries(st.sampled_from(["USDT", "BTC", "ETH"]), amounts), amounts)
def test_money_without_a_rate_is_unknown_and_not_zero(
    sums: dict[str, Decimal | None], rate: Decimal | None
) -> None:
    total = Conversion("USDT", {"BTC": rate}).total(sums)
    rates = {"USDT": D(1), "BTC": rate}
    known = [
        (amount, rates.get(name))
        for name, amount in sums.items()
        if amount != 0  # nothing is nothing in every currency
    ]
    if any(amount is None or rate is None for amount, rate in known):
        assert total is None
    else:
        assert total == sum((amount * rate for amount, rate in known if amount and rate), D(0))


@given(st.lists(amounts))
def test_a_sum_with_an_unknown_part_is_unknown(parts: list[Decimal | None]) -> None:
    sums: dict[str, Decimal | None] = {}
    for part in parts:
        add_amount(sums, "USDT", part)
    expected = None if None in parts else sum((part for part in parts if part is not None), D(0))
    assert sums.get("USDT", D(0)) == expected
