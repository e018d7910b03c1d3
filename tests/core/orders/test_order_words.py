"""Orders in words: every order that is written out is read back as it was, and every other word is refused by name."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.order_words import (
    MAX_CHARACTERS,
    NamedAccount,
    NamedMarket,
    WordedOrder,
    is_order,
    order_in_words,
    read_order_words,
)
from execution.core.orders.terms import ALGORITHMS
from execution.core.orders.window import MAX_DURATION
from execution.core.problems import Problem, Refused, attempt
from execution.core.types import Side, Unit
from tests.core.builders import D

BTC, ETH = NamedMarket("BTC/USDT", "BTC", "USDT"), NamedMarket("ETH/USDT", "ETH", "USDT")
CROSS, DOLLAR = NamedMarket("ETH/BTC", "ETH", "BTC"), NamedMarket("BTC/USD", "BTC", "USD")
ALPHA = NamedAccount("aaaaaaaa", "alpha", (BTC, ETH))
BETA = NamedAccount("bbbbbbbb", "Beta two", (BTC, DOLLAR))
GAMMA = NamedAccount("cccccccc", "gamma", (ETH, CROSS))
ACCOUNTS = (ALPHA, BETA)


def read(text: str, *accounts: NamedAccount) -> WordedOrder:
    (order,) = read_order_words(text, accounts or (ALPHA,))
    return order


def refusal(text: str, *accounts: NamedAccount) -> str:
    with pytest.raises(Refused) as caught:
        read_order_words(text, accounts or (ALPHA,))
    return str(caught.value)


def test_the_order_of_the_issue_is_read() -> None:
    order = read("sell 2 btc twap 30m alpha")
    assert order == WordedOrder(
        Side.SELL, BTC, D("2"), Unit.BASE, "twap", timedelta(minutes=30), accounts=(ALPHA,)
    )


@pytest.mark.parametrize(
    "text",
    [
        "alpha 30m twap btc sell 2",
        "SELL 2 BTC Twap 30M ALPHA",
        'sell 2 btc/usdt twap 00:30:00 "alpha"',
        "sell btc usdt 2 base twap 30m alpha",
        "sell 2 btc twap 1800s alpha",
    ],
)
def test_the_words_may_come_in_any_sequence_and_in_any_case(text: str) -> None:
    assert read(text) == read("sell 2 btc twap 30m alpha")


@pytest.mark.parametrize(
    ("text", "quantity", "unit"),
    [
        ("buy 5000 usdt btc", "5000", Unit.QUOTE),
        ("buy btc 5000 quote", "5000", Unit.QUOTE),
        ("buy 5,000.5 usdt btc/usdt", "5000.5", Unit.QUOTE),
        ("buy btc .5", "0.5", Unit.BASE),
        ("buy 0.5 btc/usdt", "0.5", Unit.BASE),
    ],
)
def test_a_quantity_is_in_base_units_unless_its_quote_is_named(text: str, quantity: str, unit: Unit) -> None:
    order = read(text)
    assert (order.market, order.quantity, order.unit) == (BTC, D(quantity), unit)


@pytest.mark.parametrize("words", ["limit 60000", "@ 60000", "@60000", "LIMIT 60000.0"])
def test_a_limit_price_has_its_own_word(words: str) -> None:
    order = read(f"sell 2 btc {words}")
    assert (order.quantity, order.limit_price) == (D("2"), D("60000"))


@pytest.mark.parametrize(
    ("words", "minutes"), [("1h30m", 90), ("1h 30m", 90), ("1d 2h", 26 * 60), ("01:30:00", 90), ("90:00", 90)]
)
def test_a_duration_is_one_word_or_its_units_one_after_the_other(words: str, minutes: int) -> None:
    assert read(f"buy {words} btc").duration == timedelta(minutes=minutes)


@pytest.mark.parametrize("words", ["pov 12.5%", "12.5% pov", "POV 12.50%"])
def test_a_share_in_percent_is_the_participation_rate_of_a_pov(words: str) -> None:
    order = read(f"buy 40 btc {words} 10m")
    assert (order.quantity, order.participation_rate) == (D("40"), D("0.125"))


def test_what_is_not_written_stays_unknown() -> None:
    assert read("buy btc") == WordedOrder(Side.BUY, BTC)


def test_a_currency_of_several_symbols_gives_every_order_that_it_may_mean() -> None:
    orders = read_order_words("buy 1 btc twap", ACCOUNTS)
    assert [order.market for order in orders] == [BTC, DOLLAR]
    assert {order.quantity for order in orders} == {D("1")}
    # A named account leaves only what it trades; a second currency leaves only one symbol.
    assert read("buy 1 btc alpha", *ACCOUNTS).market == BTC
    assert read("buy 1 btc usd", *ACCOUNTS).market == DOLLAR
    assert read("buy 1 eth btc", GAMMA, BETA).market == CROSS
    assert read("buy 1 btc eth", GAMMA, BETA).unit is Unit.QUOTE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("buy 1 doge", ("'doge' is unknown", "BTC/USDT, ETH/USDT", "twap, vwap", "alpha", "30m")),
        ("buy 1 btc limt 5", ("'limt' is unknown",)),
        ("2 btc", ("Side is missing", "buy or sell")),
        ("buy 2", ("Symbol is missing", "BTC/USDT, ETH/USDT")),
        ("buy 5000 usdt", ("No symbol of your accounts fits USDT",)),
        ("buy btc eth", ("No symbol of your accounts fits BTC ETH",)),
        ("buy sell btc", ("Side is given more than once",)),
        ("buy 1 btc 2", ("Quantity is given more than once",)),
        ("buy btc twap vwap", ("Algorithm is given more than once",)),
        ("buy btc 5m twap 6m", ("Duration is given more than once",)),
        ("buy btc @5 @6", ("Limit price is given more than once",)),
        ("buy btc alpha alpha", ("alpha is named more than once",)),
        ("buy btc 30m 1h", ("'30m 1h'", "the longest first")),
        ("buy btc 0m", ("Duration is 00:00:00", "above 0")),
        ("buy btc 999d", ("at most",)),
        ("buy 0 btc", ("Quantity is 0. It must be above 0",)),
        ("buy -1 btc", ("Quantity is -1",)),
        ("buy 1,5 btc", ("Quantity is 1,5", "point instead of the comma")),
        ("buy 1,000 btc", ("can be read in two ways",)),
        ("buy 5000usdt btc", ("Quantity is 5000usdt", "not a number")),
        ("buy 1 btc twap 10%", ("participation rate of a POV", "Write pov")),
        ("buy 1 btc 10%", ("Write pov",)),
        ("buy 1 btc pov 10% 20%", ("Participation rate is given more than once",)),
        ("buy 1 btc pov -5%", ("Participation rate is -5. It must be above 0",)),
        ("buy 1 btc pov 1,5%", ("Participation rate is 1,5", "point instead of the comma")),
        ("buy btc limit", ("Write a price after limit",)),
        ("buy btc limit soon", ("Limit price is soon", "not a number")),
        ('buy btc "delta"', ("no account 'delta'", "alpha")),
        ("buy btc \u202e", ("\\\\u202e",)),
    ],
)
def test_what_cannot_be_read_is_named_with_what_is_accepted(text: str, words: tuple[str, ...]) -> None:
    message = refusal(text)
    assert [each for each in words if each not in message] == [], message


def test_every_problem_is_named_at_once() -> None:
    message = refusal("buy 0 btc soon alfa")
    assert all(word in message for word in ("Quantity is 0", "'soon'", "'alfa'"))


def test_a_symbol_that_a_named_account_does_not_trade_is_refused() -> None:
    assert "ETH/USDT cannot be traded on Beta two." in refusal('buy eth "beta two"', *ACCOUNTS)


def test_a_word_that_may_be_an_account_or_a_currency_is_refused() -> None:
    coin = NamedAccount("dddddddd", "btc", (BTC,))
    assert "'btc' may be an account or a currency" in refusal("sell 2 btc", coin)
    assert read('sell 2 btc/usdt "btc"', coin).accounts == (coin,)
    twins = (NamedAccount("eeeeeeee", "one", (BTC,)), NamedAccount("ffffffff", "ONE", (BTC,)))
    assert read("sell btc ONE", *twins).accounts == twins[1:]
    assert "Account 'One' may be one and ONE" in refusal("sell btc One", *twins)


def test_too_long_a_text_is_refused() -> None:
    assert f"at most {MAX_CHARACTERS}" in refusal("buy " * MAX_CHARACTERS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("buy", True), ("btc SELL 2", True), ("buyer", False), ('"sell"', False), ("", False)],
)
def test_a_text_with_a_side_is_meant_as_an_order(text: str, expected: bool) -> None:
    assert is_order(text) is expected


#: Names that are words of an order themselves are among them.
AWKWARD = (
    "twap",
    "is",
    "30m",
    "2",
    "buy",
    "limit",
    "quote",
    "@7",
    "5%",
    "BTC",
    "BTC/USDT",
    'a "b" c',
    " x ",
    "β",
)
currencies = st.sampled_from(("BTC", "ETH", "USDT", "IS", "SOR", "SELL", "4M", "1INCH", "LIMIT", "BASE"))
labels = st.sampled_from(AWKWARD) | st.text(min_size=1, max_size=12).filter(
    lambda text: "\x00" not in text and not any("\ud800" <= one <= "\udfff" for one in text)
)
numbers = st.integers(1, 10**12).map(lambda number: Decimal(number).scaleb(-6).normalize())


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[NamedAccount], WordedOrder]:
    """Draw accounts, and an order on some of them."""
    pairs = draw(st.lists(st.tuples(currencies, currencies), min_size=1, max_size=6, unique=True))
    markets = [NamedMarket(f"{base}/{quote}", base, quote) for base, quote in pairs if base != quote]
    if not markets:
        markets = [BTC]
    market = draw(st.sampled_from(markets))
    names = draw(st.lists(labels, min_size=1, max_size=4, unique=True))
    accounts = [
        NamedAccount(
            f"id{number}", name, tuple(dict.fromkeys([market, *draw(st.lists(st.sampled_from(markets)))]))
        )
        for number, name in enumerate(names)
    ]
    quantity = draw(st.none() | numbers)
    unit = Unit.BASE if quantity is None else draw(st.sampled_from(Unit))
    algorithm = draw(st.sampled_from(("", *ALGORITHMS)))
    order = WordedOrder(
        side=draw(st.sampled_from(Side)),
        market=market,
        quantity=quantity,
        unit=unit,
        algorithm=algorithm,
        duration=draw(
            st.none()
            | st.integers(1, int(MAX_DURATION.total_seconds() * 1000)).map(
                lambda ms: timedelta(milliseconds=ms)
            )
        ),
        limit_price=draw(st.none() | numbers),
        participation_rate=draw(st.none() | numbers) if algorithm == "pov" else None,
        accounts=tuple(draw(st.lists(st.sampled_from(accounts), unique=True))),
    )
    return accounts, order


@given(worlds())
def test_an_order_that_is_written_out_is_read_as_it_was(
    world: tuple[list[NamedAccount], WordedOrder],
) -> None:
    accounts, order = world
    text = order_in_words(order, accounts)
    assert is_order(text)
    assert read_order_words(text, accounts) == (order,), text


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from((*AWKWARD, "sell", "1h", "@", "eth", "usdt"))).map(" ".join)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    problems: list[Problem] = []
    orders = attempt(problems, lambda: read_order_words(text, (ALPHA, BETA, GAMMA))) or ()
    assert bool(orders) is not bool(problems)
    assert len(set(orders)) == len(orders)
    assert all(problem.message for problem in problems)
