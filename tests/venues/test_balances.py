"""An account's holdings through the real ccxt classes: as the exchange says, or unknown; never zero by default."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from execution.core.types import BalanceAmounts
from execution.venues.gateway import open_gateway
from execution.venues.protocol import VenueReadFailed
from tests.venues.answers.first import bybit_says, kraken_says, okx_says
from tests.venues.stub import EXCHANGES, now, opened_venue, options_of, serving


def amounts(**held: tuple[str | None, str | None]) -> dict[str, BalanceAmounts]:
    return {
        code: BalanceAmounts(*(None if figure is None else Decimal(figure) for figure in pair))
        for code, pair in held.items()
    }


async def balances_of(exchange_id: str, body: Any) -> dict[str, BalanceAmounts]:
    async with opened_venue(exchange_id) as venue:
        venue.stub.answer(venue.exchange.balances[0], body)
        return await venue.gateway.balances()


def kraken(**balances: tuple[str, str]) -> Any:
    return {name: {"balance": balance, "hold_trade": held} for name, (balance, held) in balances.items()}


KRAKEN: list[Any] = [
    pytest.param(
        kraken(**{"USDT": ("0.0000", "0"), "USDT.F": ("5000.00", "0"), "XBT.F": ("1.5", "0")}),
        amounts(USDT=("5000", "0"), BTC=("1.5", "0")),
        id="only what earns rewards",
    ),
    pytest.param(
        kraken(
            **{"XBT.F": ("2", "0.25"), "XXBT": ("1", "0.5"), "XBT.M": ("0.5", "0"), "XBT.B": ("0.1", "0")}
        ),
        amounts(BTC=("2.25", "1.35")),
        id="products that are taken out by hand are locked",
    ),
    pytest.param(
        kraken(**{"DOT": ("2", "0"), "DOT28.S": ("7", "0"), "DOT.S": ("1", "0"), "USD.HOLD": ("9", "0")}),
        amounts(DOT=("2", "8"), USD=("0", "9")),
        id="staked, with and without days",
    ),
    pytest.param(
        kraken(**{"USDT": ("0", "1000"), "USDT.F": ("5000", "0")}),
        amounts(USDT=("4000", "1000")),
        id="an order that is paid for by rewards",
    ),
    pytest.param(
        {"ZUSD": {"balance": "10", "credit": "100", "credit_used": "20", "hold_trade": "5"}},
        amounts(USD=("85", "5")),
        id="credit",
    ),
    pytest.param(
        {"USDT": {"balance": "10"}, "XXBT": {"balance": "1", "hold_trade": "0"}, "XBT.F": {"balance": "2"}},
        amounts(USDT=(None, None), BTC=(None, None)),
        id="without what is held",
    ),
    pytest.param(
        kraken(**{"AAPL.T": ("3", "0")}), {"AAPL.T": BalanceAmounts(Decimal(3), Decimal(0))}, id="tokenized"
    ),
    pytest.param([], {}, id="nothing at all"),
]


@pytest.mark.parametrize(("raw", "expected"), KRAKEN)
async def test_kraken_lists_parts_of_a_currency_under_suffixes(
    raw: Any, expected: dict[str, BalanceAmounts]
) -> None:
    assert await balances_of("kraken", kraken_says(raw)) == expected


def bybit(**entry: str) -> Any:
    return bybit_says(list=[{"accountType": "UNIFIED", "coin": [{"coin": "USDT", **entry}]}])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (bybit(walletBalance="105", locked="5", availableToWithdraw=""), ("100", "5")),
        (
            bybit(walletBalance="105", locked="5", totalPositionIM="20", totalOrderIM="10", borrowAmount="0"),
            ("70", "35"),
        ),
        (bybit(walletBalance="10", locked="0", totalPositionIM="20"), ("0", "20")),
        (bybit(walletBalance="105"), (None, None)),
        (bybit(walletBalance="105", locked=""), (None, None)),
        (bybit(locked="5", equity="105"), (None, "5")),
    ],
)
async def test_a_unified_account_at_bybit(body: Any, expected: tuple[str | None, str | None]) -> None:
    assert await balances_of("bybit", body) == amounts(USDT=expected)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"availBal": "100", "frozenBal": "5", "availEq": "", "eq": "105"}, ("100", "5")),
        ({"availBal": "100", "frozenBal": "5", "availEq": "900", "eq": "1000"}, ("100", "5")),
        ({"availBal": "", "frozenBal": "5", "availEq": "900", "eq": "1000"}, (None, "5")),
        ({"availBal": "100", "eq": "105"}, ("100", None)),
    ],
)
async def test_okx_tells_what_spot_may_spend(
    entry: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    body = okx_says({"details": [{"ccy": "USDT", **entry}], "uTime": "1"})
    assert await balances_of("okx", body) == amounts(USDT=expected)


@pytest.mark.parametrize(
    ("exchange_id", "body"),
    [
        ("bybit", bybit_says(list=[])),
        ("bybit", bybit_says(list=[{"accountType": "FUND"}])),
        ("bybit", bybit_says(list=[{"accountType": "UNIFIED", "coin": ["USDT"]}])),
        ("okx", okx_says()),
        ("okx", okx_says({"uTime": "1"})),
        ("okx", okx_says({"details": [{"availBal": "1", "frozenBal": "0"}]})),
        ("kraken", kraken_says(["USDT"])),
        ("kraken", kraken_says({"USDT": "5"})),
    ],
)
async def test_an_answer_without_the_accounts_balances_is_a_failed_read(exchange_id: str, body: Any) -> None:
    with pytest.raises(VenueReadFailed):
        await balances_of(exchange_id, body)


async def test_a_unified_account_at_gate() -> None:
    exchange = EXCHANGES["gate"]
    async with serving() as stub:
        options = options_of(exchange, stub.base) | {"options": {"unifiedAccount": True}}
        gateway = open_gateway(
            exchange_id="gate", options=options, api_key="k", secret="dGhlLXNlY3JldDEy", clock=now
        )
        for what, body in exchange.opening.items():
            stub.answer(what, body)
        gateway._time._due = float("inf")
        await gateway.open()
        told = {"available": "100", "freeze": "5", "borrowed": "0", "equity": "105", "total_liab": "0"}
        untold = told | {"available": "", "freeze": ""}
        stub.answer("GET /api/v4/unified/accounts", {"user_id": 1, "balances": {"USDT": told, "BTC": untold}})
        assert await gateway.balances() == amounts(USDT=("100", "5"), BTC=(None, None))
        stub.answer("GET /api/v4/unified/accounts", {"user_id": 1})
        with pytest.raises(VenueReadFailed):
            await gateway.balances()
        await gateway.close()
