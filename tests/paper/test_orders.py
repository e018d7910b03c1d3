"""Orders through the real ccxt class: placing, filling, cancelling, refusing, and the money behind it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from tests.paper.running import OPENING, SYMBOL, Binance, Paper


async def rest(
    client: Binance, side: str, price: Decimal, quantity: float = 0.2, client_id: str = "one"
) -> Any:
    return await client.create_order(
        SYMBOL, "limit", side, quantity, float(price), {"clientOrderId": client_id}
    )


async def test_a_limit_order_rests_and_is_found_by_its_client_id(paper: Paper, first: Binance) -> None:
    placed = await rest(first, "buy", Decimal(60_000))
    found = await first.fetch_order(None, SYMBOL, {"clientOrderId": "one"})
    assert placed["status"] == found["status"] == "open"
    assert found["id"] == placed["id"]
    assert (found["filled"], found["remaining"]) == (0, 0.2)
    assert [order["id"] for order in await first.fetch_open_orders(SYMBOL)] == [placed["id"]]


async def test_a_resting_order_fills_in_part_then_wholly_behind_the_queue(
    paper: Paper, first: Binance
) -> None:
    bid, _ = await paper.quote()
    ahead = (await first.fetch_order_book(SYMBOL, 5))["bids"][0][1]
    await rest(first, "buy", bid)
    await paper.taker("sell", f"{ahead:.5f}")
    assert (await paper.order("one"))["executed"] == "0"
    await paper.taker("sell", "0.05")
    assert (await paper.order("one"))["status"] == "PARTIALLY_FILLED"
    await paper.taker("sell", "0.15")
    order = await first.fetch_order(None, SYMBOL, {"clientOrderId": "one"})
    assert (order["status"], order["filled"]) == ("closed", 0.2)
    trades = await first.fetch_my_trades(SYMBOL)
    assert [trade["amount"] for trade in trades] == [0.05, 0.15]
    assert {trade["takerOrMaker"] for trade in trades} == {"maker"}
    assert {trade["fee"]["currency"] for trade in trades} == {"BTC"}


async def test_a_market_order_answers_with_its_fills(first: Binance) -> None:
    order = await first.create_order(SYMBOL, "market", "sell", 1.5)
    trades = await first.fetch_my_trades(SYMBOL)
    assert order["status"] == "closed"
    assert len(order["trades"]) > 1
    assert [trade["id"] for trade in order["trades"]] == [trade["id"] for trade in trades]
    assert sum(Decimal(str(trade["amount"])) for trade in trades) == Decimal("1.5")
    assert {trade["fee"]["currency"] for trade in trades} == {"USDT"}


async def test_a_market_order_in_quote_spends_no_more_than_asked(first: Binance) -> None:
    order = await first.create_order(SYMBOL, "market", "buy", None, None, {"quoteOrderQty": 1000})
    assert order["status"] == "closed"
    assert 999 < order["cost"] <= 1000


async def test_an_open_order_is_cancelled_and_its_money_is_free_again(paper: Paper, first: Binance) -> None:
    await rest(first, "buy", Decimal(60_000))
    assert (await first.fetch_balance())["USDT"]["used"] == 12_000
    cancelled = await first.cancel_order(None, SYMBOL, {"clientOrderId": "one"})
    assert cancelled["status"] == "canceled"
    balance = (await paper.ledger())["balances"]["USDT"]
    assert (Decimal(balance["free"]), Decimal(balance["locked"])) == (Decimal(OPENING["USDT"]), Decimal(0))
    assert (await paper.order("one"))["status"] == "CANCELED"


async def test_a_cancel_that_comes_after_the_fill_finds_no_order(paper: Paper, first: Binance) -> None:
    bid, _ = await paper.quote()
    await rest(first, "buy", bid + Decimal("0.01"))
    await paper.taker("sell", "0.2")
    with pytest.raises(ccxt.OrderNotFound):
        await first.cancel_order(None, SYMBOL, {"clientOrderId": "one"})
    assert (await first.fetch_order(None, SYMBOL, {"clientOrderId": "one"}))["filled"] == 0.2


async def test_all_open_orders_are_cancelled_at_once(first: Binance) -> None:
    for number in range(3):
        await rest(first, "buy", Decimal(60_000 + number), client_id=f"order-{number}")
    await first.cancel_all_orders(SYMBOL)
    assert await first.fetch_open_orders(SYMBOL) == []


async def test_post_only_is_refused_when_it_would_take(paper: Paper, first: Binance) -> None:
    _, ask = await paper.quote()
    parameters = {"postOnly": True, "clientOrderId": "one"}
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        await first.create_order(SYMBOL, "limit", "buy", 0.1, float(ask), parameters)
    assert await paper.order("one") is None
    passive = await first.create_order(SYMBOL, "limit", "buy", 0.1, float(ask) - 0.01, parameters)
    assert passive["id"]
    assert (await paper.order("one"))["type"] == "LIMIT_MAKER"


async def test_immediate_or_cancel_takes_what_is_there_and_expires(paper: Paper, first: Binance) -> None:
    _, ask = await paper.quote()
    size = (await first.fetch_order_book(SYMBOL, 5))["asks"][0][1]
    order = await first.create_order(SYMBOL, "limit", "buy", size + 1, float(ask), {"timeInForce": "IOC"})
    assert order["status"] == "expired"
    assert order["filled"] == size
    assert await first.fetch_open_orders(SYMBOL) == []


async def test_fill_or_kill_that_cannot_fill_expires_untouched(paper: Paper, first: Binance) -> None:
    _, ask = await paper.quote()
    order = await first.create_order(SYMBOL, "limit", "buy", 50, float(ask), {"timeInForce": "FOK"})
    assert (order["status"], order["filled"]) == ("expired", 0)


@pytest.mark.parametrize(
    ("mode", "resting", "incoming"),
    [
        (None, "EXPIRED_IN_MATCH", "NEW"),
        ("EXPIRE_TAKER", "NEW", "EXPIRED_IN_MATCH"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
        ("NONE", "FILLED", "FILLED"),
    ],
)
async def test_self_trade_prevention_keeps_an_account_from_trading_with_itself(
    paper: Paper, first: Binance, mode: str | None, resting: str, incoming: str
) -> None:
    bid, _ = await paper.quote()
    price = bid + Decimal("0.01")
    await rest(first, "buy", price, client_id="resting")
    more = {} if mode is None else {"selfTradePreventionMode": mode}
    await first.create_order(
        SYMBOL, "limit", "sell", 0.2, float(price), {"clientOrderId": "incoming", **more}
    )
    assert (await paper.order("resting"))["status"] == resting
    assert (await paper.order("incoming"))["status"] == incoming
    if "NEW" in (resting, incoming):
        await first.cancel_all_orders(SYMBOL)
    assert all(Decimal(each["locked"]) == 0 for each in (await paper.ledger())["balances"].values())


async def test_a_client_id_is_refused_while_an_order_with_it_is_open_and_only_then(
    paper: Paper, first: Binance
) -> None:
    await rest(first, "buy", Decimal(60_000))
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        await rest(first, "buy", Decimal(60_000))
    await first.cancel_order(None, SYMBOL, {"clientOrderId": "one"})
    await rest(first, "buy", Decimal(60_000))
    accepted = [order["times_accepted"] for order in (await paper.ledger())["orders"]]
    assert accepted == [2, 2]


async def test_two_accounts_trade_with_each_other_and_nothing_is_lost(paper: Paper, first: Binance) -> None:
    second = await paper.client("second")
    bid, _ = await paper.quote()
    price = bid + Decimal("0.01")
    await rest(first, "buy", price, 0.3)
    await rest(second, "sell", price, 0.2)
    await first.cancel_order(None, SYMBOL, {"clientOrderId": "one"})
    whole = await paper.control("GET", "ledger")
    for asset in ("BTC", "USDT"):
        held = [whole[key]["balances"][asset] for key in ("first", "second")]
        assert all(Decimal(each["locked"]) == 0 for each in held)
        fees = sum(
            Decimal(trade["fee"])
            for key in ("first", "second")
            for trade in whole[key]["trades"]
            if trade["fee_asset"] == asset
        )
        assert fees > 0
        assert sum(Decimal(each["free"]) for each in held) + fees == 2 * Decimal(OPENING[asset])
    assert whole["first"]["trades"][0]["id"] == whole["second"]["trades"][0]["id"]
    assert [whole[key]["trades"][0]["is_maker"] for key in ("first", "second")] == [True, False]


async def test_balances_follow_from_the_trades(paper: Paper, first: Binance) -> None:
    _, ask = await paper.quote()
    await first.create_order(SYMBOL, "market", "buy", 0.7)
    await rest(first, "sell", ask + 5, 0.4)
    await paper.taker("buy", "8")
    ledger = await paper.ledger()
    expected = {asset: Decimal(amount) for asset, amount in OPENING.items()}
    for trade in ledger["trades"]:
        sign = 1 if trade["side"] == "buy" else -1
        quantity, price = Decimal(trade["quantity"]), Decimal(trade["price"])
        expected["BTC"] += sign * quantity
        expected["USDT"] -= sign * quantity * price
        expected[trade["fee_asset"]] -= Decimal(trade["fee"])
    for asset, balance in ledger["balances"].items():
        assert Decimal(balance["free"]) + Decimal(balance["locked"]) == expected[asset]
    assert (await paper.order("one"))["status"] == "FILLED"


async def test_orders_beyond_the_balance_are_refused(paper: Paper, first: Binance) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await first.create_order(SYMBOL, "limit", "sell", 100.5, 64_600)
    with pytest.raises(ccxt.InsufficientFunds):
        await first.create_order("ETH/USDT", "market", "sell", 1001)
    assert (await paper.ledger())["orders"] == []
