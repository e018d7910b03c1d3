"""Holdings after the live orders: nothing is won or lost at the mid, and what may go elsewhere is unknown."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.holdings_after import Rest, changes_of
from execution.core.types import Side

D = Decimal
RATES = {"BTC": D(60_000), "ETH": D(3_000), "USDT": D(1)}
ACCOUNTS = ("alpha", "beta", "gamma")

quantities = st.decimals(min_value=0, max_value=1_000, places=4)
rests = st.builds(
    Rest,
    st.sampled_from(["BTC/USDT", "ETH/USDT", "ETH/BTC"]),
    st.sampled_from(Side),
    quantities,
    st.frozensets(st.sampled_from(ACCOUNTS), min_size=1),
)


def test_a_buy_brings_base_and_takes_quote_and_a_sell_the_other_way() -> None:
    buy = Rest("BTC/USDT", Side.BUY, D("0.5"), frozenset({"alpha"}))
    sell = Rest("ETH/USDT", Side.SELL, D(2), frozenset({"alpha"}))
    assert changes_of([buy, sell], ["alpha"], RATES.get) == {
        "BTC": D("0.5"),
        "ETH": D(-2),
        "USDT": D(-24_000),
    }
    assert changes_of([buy, sell], ["beta"], RATES.get) == {}
    assert (buy.gains, sell.gains) == ("BTC", "USDT")


def test_what_is_not_known_is_not_zero() -> None:
    buy = Rest("BTC/USDT", Side.BUY, D(1), frozenset({"alpha", "beta"}))
    assert changes_of([buy], ["alpha"], RATES.get) == {"BTC": None, "USDT": None}
    assert changes_of([buy], ["alpha", "beta"], RATES.get)["BTC"] == D(1)
    elsewhere = Rest("BTC/USDT", Side.BUY, D(1), frozenset({"alpha"}), has_others=True)
    assert changes_of([elsewhere], ["alpha"], RATES.get) == {"BTC": None, "USDT": None}
    assert changes_of([buy], ACCOUNTS, {"USDT": D(1)}.get) == {"BTC": D(1), "USDT": None}
    known = Rest("BTC/USDT", Side.SELL, D(1), frozenset({"alpha"}))
    assert changes_of([buy, known], ["alpha"], RATES.get)["BTC"] is None, (
        "a part that is not known spoils the sum"
    )


@given(st.lists(rests, max_size=6))
def test_at_the_mid_nothing_is_won_or_lost(orders: list[Rest]) -> None:
    found = changes_of(orders, ACCOUNTS, RATES.get)
    worth = sum(((change or D(0)) * RATES[currency] for currency, change in found.items()), D(0))
    assert abs(worth) < D("0.000001")
    assert None not in found.values()


@given(st.lists(rests, max_size=6))
def test_orders_of_one_account_add_up_over_the_accounts(orders: list[Rest]) -> None:
    bound = [order for order in orders if len(order.accounts) == 1]
    together = changes_of(bound, ACCOUNTS, RATES.get)
    for currency, change in together.items():
        parts = [changes_of(bound, [name], RATES.get).get(currency, D(0)) for name in ACCOUNTS]
        assert change is not None
        assert abs(sum((part or D(0) for part in parts), D(0)) - change) < D("0.000001")
