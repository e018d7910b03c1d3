"""The kraken dialect over REST, driven by ccxt's own class as it is: cancels, lists and market data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from execution.paper.kraken.names import order_number, order_txid, trade_txid
from tests.paper.running import SYMBOL, Binance, Paper
from tests.paper.test_kraken import place

D = Decimal


# --- cancels and lists ----------------------------------------------------------------------------


async def test_a_cancel_by_either_id_counts_and_a_second_one_is_of_no_order(
    paper: Paper, kraken_first: Any
) -> None:
    bid, ask = await paper.quote()
    made = await place(kraken_first, "byid", str(bid - 100))
    answer = await kraken_first.private_post_cancelorder({"txid": made["id"]})
    assert int(answer["result"]["count"]) == 1
    await place(kraken_first, "byours", str(bid - 100))
    await kraken_first.private_post_cancelorder({"cl_ord_id": "byours"})
    await place(kraken_first, "filled", str(ask))
    for parameters in (
        {"txid": made["id"]},
        {"cl_ord_id": "byours"},
        {"cl_ord_id": "filled"},
        {"txid": "O1"},
    ):
        with pytest.raises(ccxt.InvalidOrder, match="EOrder:Unknown order"):
            await kraken_first.private_post_cancelorder(parameters)


async def test_nobody_sees_or_cancels_another_accounts_order(paper: Paper, kraken_first: Any) -> None:
    bid, _ = await paper.quote()
    made = await place(kraken_first, "mine", str(bid - 100))
    second = await paper.kraken("second")
    for call in (second.fetch_order(made["id"]), second.cancel_order(made["id"])):
        with pytest.raises(ccxt.InvalidOrder):
            await call
    assert await second.fetch_open_orders() == await second.fetch_closed_orders() == []


async def test_orders_are_asked_for_by_their_ids_fifty_at_most(paper: Paper, kraken_first: Any) -> None:
    bid, _ = await paper.quote()
    ids = [(await place(kraken_first, f"n{number}", str(bid - 100)))["id"] for number in range(3)]
    found = await kraken_first.fetch_orders_by_ids(ids)
    assert {order["id"] for order in found} == set(ids)
    with pytest.raises(ccxt.ExchangeError, match="arguments:txid"):
        await kraken_first.private_post_queryorders({"txid": ",".join([ids[0]] * 51)})


async def test_ended_orders_and_trades_of_all_symbols_come_fifty_at_a_time(
    paper: Paper, kraken_first: Any
) -> None:
    _, ask = await paper.quote()
    for number in range(52):
        await place(kraken_first, f"n{number}", str(ask + 50), "0.0001", timeInForce="IOC")
    await place(kraken_first, "other", "4000", "0.01", timeInForce="IOC", symbol="ETH/USDT")
    ledger = await paper.ledger()
    for path, name, ours in (
        ("closedorders", "closed", [order_txid(order["id"]) for order in ledger["orders"]]),
        ("tradeshistory", "trades", [trade_txid(t["order_id"], t["id"]) for t in ledger["trades"]]),
    ):
        pages = [
            (await getattr(kraken_first, f"private_post_{path}")({"ofs": offset}))["result"]
            for offset in (0, 50, 100)
        ]
        assert [len(page[name]) for page in pages] == [50, len(ours) - 50, 0]
        assert {int(page["count"]) for page in pages} == {len(ours)}
        assert {key for page in pages for key in page[name]} == set(ours)
    pairs = {trade["symbol"] for trade in await kraken_first.fetch_my_trades()}
    assert pairs == {SYMBOL, "ETH/USDT"}


async def test_ids_are_written_as_kraken_writes_them_and_read_back() -> None:
    for number in (1, 35, 36, 10**12):
        txid = order_txid(number)
        assert [len(part) for part in txid.split("-")] == [6, 5, 6]
        assert order_number(txid) == number
    assert len({trade_txid(order, trade) for order in range(40) for trade in range(40)}) == 1600
    assert order_number(trade_txid(1, 1)) is None


# --- market data and the rest ---------------------------------------------------------------------


async def test_markets_tell_their_decimals_tick_and_minimums(kraken_first: Any) -> None:
    market = kraken_first.markets[SYMBOL]
    assert (market["id"], market["info"]["wsname"], market["info"]["tick_size"]) == (
        "XBTUSDT", "XBT/USDT", "0.01",
    )  # fmt: skip
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.00001)
    assert (market["limits"]["cost"]["min"], market["maker"], market["taker"]) == (5, 0.001, 0.001)
    assert kraken_first.currencies["BTC"]["id"] == "XXBT"
    fee = await kraken_first.fetch_trading_fee(SYMBOL)
    assert (fee["maker"], fee["taker"]) == (0.001, 0.001)


async def test_what_anybody_may_ask_agrees_with_the_other_dialect(
    paper: Paper, first: Binance, kraken_first: Any
) -> None:
    _, ask = await paper.quote()
    await place(kraken_first, "taker", str(ask))
    theirs, ours = await first.fetch_order_book(SYMBOL, 20), await kraken_first.fetch_order_book(SYMBOL, 20)
    for side in ("bids", "asks"):
        assert [level[:2] for level in ours[side]] == theirs[side]
    ticker = await kraken_first.fetch_ticker(SYMBOL)
    assert (ticker["bid"], ticker["last"]) == (theirs["bids"][0][0], float(ask))
    trades = await kraken_first.fetch_trades(SYMBOL)
    ids = [trade["id"] for trade in trades]
    assert ids == [trade["id"] for trade in await first.fetch_trades(SYMBOL)]
    since = kraken_first.milliseconds() // 60_000 * 60_000 - 30 * 60_000
    candles = await kraken_first.fetch_ohlcv(SYMBOL, "1m", since)
    made = {candle[0]: candle for candle in await first.fetch_ohlcv(SYMBOL, "1m", since, 60)}
    assert len(candles) >= 20
    assert all(candle == made[candle[0]] for candle in candles[:-1])
    assert abs(await kraken_first.fetch_time() - kraken_first.milliseconds()) < 1100
    assert (await kraken_first.fetch_status())["status"] == "ok"


async def test_a_minute_without_trades_has_no_candle(paper: Paper, kraken_first: Any) -> None:
    """The background stands still: the running minute has traded nothing."""
    minute = kraken_first.milliseconds() // 60_000 * 60_000
    assert await kraken_first.fetch_ohlcv(SYMBOL, "1m", minute + 60_000) == []


async def test_a_closed_market_lets_go_of_what_rests_and_takes_nothing(
    paper: Paper, kraken_first: Any
) -> None:
    bid, _ = await paper.quote()
    await place(kraken_first, "resting", str(bid - 100))
    await paper.control("POST", "rules", symbol=SYMBOL, status="cancel_only")
    with pytest.raises(ccxt.OnMaintenance, match="Market in cancel_only mode"):
        await place(kraken_first, "late", str(bid - 100))
    await kraken_first.cancel_order(None, SYMBOL, {"clientOrderId": "resting"})
    assert (await kraken_first.fetch_markets())[0]["info"]["status"] == "cancel_only"


async def test_a_key_without_the_permission_does_not_trade(paper: Paper) -> None:
    client = paper.kraken_unloaded("nobody")
    with pytest.raises(ccxt.AuthenticationError, match="EAPI:Invalid key"):
        await client.private_post_balance()
