"""Answers and messages of kraken that ccxt reads in its own way, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from execution.core.types import NotSent, OrderReport, Rejected, Unknown, VenueStatus
from execution.venues.client import open_client
from execution.venues.exchanges import spec_of
from execution.venues.protocol import VenueReadFailed
from execution.venues.streams import AccountTape, Bell, OwnCache, streamed_order
from execution.venues.timekeeping import LOOKS, Timekeeper
from execution.venues.values import AnswerError
from tests.venues.answers.first import KRAKEN, kraken_says
from tests.venues.stub import SYMBOL, StubbedVenue, limit_order, opened_venue

D = Decimal
VALID = timedelta(seconds=2)
ORDER = limit_order(quantity=D("0.02"), price=D(50000))
PAIRS = "GET /0/public/AssetPairs"
SPEC = spec_of("kraken")


@pytest.fixture
async def kraken() -> AsyncIterator[StubbedVenue]:
    async with opened_venue("kraken") as venue:
        yield venue


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("EAPI:Invalid signature", "PermissionDenied"),
        ("EQuery:Unknown asset pair", "BadSymbol"),
        ("EOrder:Invalid price:XBT/USDT price can only be specified up to 1 decimals.", "InvalidOrder"),
    ],
)
async def test_a_refusal_that_ccxt_has_no_class_for_is_a_refusal(
    kraken: StubbedVenue, words: str, kind: str
) -> None:
    kraken.stub.answer(KRAKEN.created[0], kraken_says(None, words))
    outcome = await kraken.gateway.create(ORDER, valid_for=VALID)
    assert isinstance(outcome, Rejected)
    assert outcome.kind == kind


async def test_a_wrong_secret_is_a_refusal_of_the_key(kraken: StubbedVenue) -> None:
    kraken.stub.answer("POST /0/private/BalanceEx", kraken_says(None, "EAPI:Invalid signature"))
    with pytest.raises(VenueReadFailed) as failed:
        await kraken.gateway.balances()
    assert failed.value.refuses_key


async def test_a_create_whose_nonce_is_refused_is_sent_once_and_a_read_is_asked_again(
    kraken: StubbedVenue,
) -> None:
    refused = kraken_says(None, "EAPI:Invalid nonce")
    for what in (KRAKEN.created[0], "POST /0/private/BalanceEx"):
        kraken.stub.answer(what, refused)
    assert isinstance(await kraken.gateway.create(ORDER, valid_for=VALID), NotSent)
    with pytest.raises(VenueReadFailed):
        await kraken.gateway.balances()
    asked = [seen.path for seen in kraken.stub.seen]
    assert [sum(name in path for path in asked) for name in ("AddOrder", "BalanceEx")] == [1, 2]


async def test_an_order_whose_deadline_has_passed_was_not_sent(kraken: StubbedVenue) -> None:
    kraken.stub.answer(KRAKEN.created[0], kraken_says(None, "EService:Deadline elapsed"))
    assert isinstance(await kraken.gateway.create(ORDER, valid_for=VALID), NotSent)


async def test_an_id_that_an_open_order_has_already_may_be_of_this_order(kraken: StubbedVenue) -> None:
    words = "EGeneral:Invalid arguments:cl_ord_id not unique"
    kraken.stub.answer(KRAKEN.created[0], kraken_says(None, words))
    assert isinstance(await kraken.gateway.create(ORDER, valid_for=VALID), Unknown)


async def test_the_tick_is_what_is_told_and_not_the_last_decimal(kraken: StubbedVenue) -> None:
    pairs = KRAKEN.opening[PAIRS]["result"]
    kraken.stub.answer(PAIRS, kraken_says({"XBTUSDT": pairs["XBTUSDT"] | {"tick_size": "0.5"}}))
    assert (await kraken.gateway.markets([SYMBOL]))[SYMBOL].tick == D("0.5")


async def test_a_book_is_in_the_order_of_numbers(kraken: StubbedVenue) -> None:
    """As text, 99,999.9 would stand before 100,000.1."""
    bids = [["100000.1", "1.0", 1], ["99999.9", "2.0", 1]]
    asks = [["100000.2", "1.0", 1], ["100001.0", "2.0", 1]]
    kraken.stub.answer("GET /0/public/Depth", kraken_says({"XBTUSDT": {"bids": bids, "asks": asks}}))
    book = await kraken.gateway.book(SYMBOL)
    assert [price for price, _ in book.bids] == [D("100000.1"), D("99999.9")]


class Socket:
    """The parts of a websocket that ccxt's handlers use."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, Any] = {}
        self.confirmed_channels: set[Any] = set()

    def resolve(self, *_: Any) -> None: ...

    def reject(self, *_: Any) -> None: ...


def test_a_streamed_book_is_in_the_order_of_numbers() -> None:
    client = client_alone()
    for kind, price, size in (("snapshot", 99999.9, 2.0), ("update", 100000.1, 1.0), ("update", 99999.9, 0)):
        levels = [{"price": price, "qty": size}]
        entry = {"symbol": SYMBOL, "bids": levels, "asks": levels, "timestamp": "2026-01-22T06:06:19.8Z"}
        client.handle_message(Socket(), {"channel": "book", "type": kind, "data": [entry]})
        if kind == "update" and size:
            assert [level[0] for level in client.orderbooks[SYMBOL]["bids"]] == [D("100000.1"), D("99999.9")]
    assert [level[:2] for level in client.orderbooks[SYMBOL]["bids"]] == [[D("100000.1"), D("1.0")]]


def client_alone() -> Any:
    return open_client(
        exchange_id="kraken",
        options={"urls": {"api": {"public": "http://127.0.0.1:9"}}},
        api_key="",
        secret="",
        passphrase=None,
        timeout=1,
    )


WHOLE = {
    "order_id": "OVN7VD-7VYHS-APBKHA", "symbol": SYMBOL, "order_qty": 0.0001, "cum_cost": 0.0,
    "time_in_force": "GTC", "exec_type": "pending_new", "side": "buy", "order_type": "limit",
    "cl_ord_id": "qtestparent010001", "limit_price_type": "static", "limit_price": 80000.0, "stop_price": 0.0,
    "order_status": "pending_new", "fee_usd_equiv": 0.0, "fee_ccy_pref": "fciq",
    "timestamp": "2026-01-22T06:06:19.833306Z",
}  # fmt: skip
#: What follows names the order by its ids alone.
NEW = {
    "timestamp": "2026-01-22T06:06:19.833306Z", "order_status": "new", "exec_type": "new",
    "cl_ord_id": "qtestparent010001", "order_id": "OVN7VD-7VYHS-APBKHA",
}  # fmt: skip
ENDED = NEW | {
    "order_status": "canceled", "exec_type": "canceled", "cum_qty": 0.00004, "cum_cost": 3.2,
    "fee_usd_equiv": 0.0, "avg_price": 80000.0, "reason": "User requested",
}  # fmt: skip


def tape_of(*messages: dict[str, Any]) -> AccountTape:
    """Return what ccxt's class hands on for these messages."""
    client, tape = client_alone(), AccountTape(Bell())
    client.orders = OwnCache(lambda order: tape.record_order(order, SPEC), stores=True)
    client.myTrades = OwnCache(lambda trade: tape.record_trade(trade, SPEC), stores=True)
    for message in messages:
        client.handle_message(Socket(), message)
    return tape


def told(*entries: dict[str, Any]) -> tuple[list[OrderReport], bool]:
    """Return the reports that ccxt's class hands on for these entries, and whether a read is due."""
    numbered = enumerate(entries)
    tape = tape_of(
        *(
            {"channel": "executions", "type": "update", "data": [one], "sequence": number}
            for number, one in numbered
        )
    )
    return tape.reports, tape.gap


def test_each_message_of_a_streamed_order_is_read_with_those_before_it() -> None:
    reports, gap = told(WHOLE, NEW, ENDED)
    assert [(each.status, each.filled) for each in reports] == [
        (VenueStatus.OPEN, None),
        (VenueStatus.OPEN, None),
        (VenueStatus.CANCELLED, D("0.00004")),
    ]
    assert {(each.symbol, each.client_id, each.quantity, each.price) for each in reports} == {
        (SYMBOL, "qtestparent010001", D("0.0001"), D(80000))
    }
    assert not gap


def test_orders_and_trades_of_one_message_are_each_read_as_what_they_are() -> None:
    """The snapshot of a private stream has both. ccxt takes all for what the first one is."""
    fill = {
        "exec_type": "trade", "exec_id": "TDLH43-DVQXD-2KHVYY", "trade_id": 7, "order_id": "OVN7VD-7VYHS-APBKHA",
        "cl_ord_id": "qtestparent010001", "symbol": SYMBOL, "side": "buy", "last_qty": 0.00004, "last_price": 80000.0,
        "cost": 3.2, "liquidity_ind": "m", "timestamp": "2026-01-22T06:06:20.833306Z", "order_type": "limit",
        "fees": [{"asset": "USDT", "qty": 0.0032}],
    }  # fmt: skip
    for entries in ([WHOLE, fill], [fill, WHOLE], [WHOLE, fill, NEW]):
        tape = tape_of({"channel": "executions", "type": "snapshot", "data": entries, "sequence": 1})
        assert [report.client_id for report in tape.reports] == ["qtestparent010001"] * (len(entries) - 1)
        assert [(trade.trade_id, trade.quantity) for trade in tape.trades] == [
            ("TDLH43-DVQXD-2KHVYY", D("0.00004"))
        ]


def test_a_numeric_reference_is_no_id_of_ours() -> None:
    without = {name: value for name, value in WHOLE.items() if name != "cl_ord_id"}
    ((report,), _) = told(without | {"order_userref": 0})
    assert report.client_id is None


def test_a_change_of_an_order_that_nobody_knows_calls_for_a_read() -> None:
    assert told(ENDED) == ([], True)


def test_a_subscription_is_confirmed_by_the_exchanges_word() -> None:
    client, socket = client_alone(), Socket()
    refused = {"method": "subscribe", "error": "ESession:Invalid session", "success": False, "req_id": 1}
    client.handle_message(socket, refused)
    assert socket.confirmed_channels == set()
    client.handle_message(
        socket, {"method": "subscribe", "result": {"channel": "executions"}, "success": True}
    )
    assert socket.confirmed_channels == {"executions"}


@pytest.mark.parametrize("ahead", [0, 300, 999])
async def test_a_clock_of_whole_seconds_is_known_to_half_of_one(ahead: int) -> None:
    """``ahead`` milliseconds of a second have passed, of which the exchange says nothing."""

    class Client:
        spec, has = SPEC, {"fetchTime": True}
        options: dict[str, Any] = {}

        def milliseconds(self) -> int:
            return 1_700_000_000_000 + ahead

        async def fetch_time(self) -> int:
            return 1_700_000_000_000

    looks = 0

    async def before_look() -> None:
        nonlocal looks
        looks += 1

    keeper = Timekeeper(Client(), before_look)
    await keeper.keep()
    assert keeper.behind is not None
    assert abs(keeper.behind) <= keeper.error
    assert timedelta(seconds=0.5) <= keeper.error < timedelta(seconds=0.6)
    assert looks == LOOKS


def test_an_order_without_a_symbol_is_no_report() -> None:
    with pytest.raises(AnswerError, match="without a symbol"):
        streamed_order({"symbol": None, "id": "O1"}, SPEC)


async def test_orders_of_several_pairs_are_looked_up_in_one_request(kraken: StubbedVenue) -> None:
    (shown,) = kraken.exchange.found.values()
    ((order_id, order),) = shown["result"].items()
    kraken.stub.answer(
        "POST /0/private/QueryOrders", kraken_says({order_id: order, "OAAAAA-AAAAA-AAAAAA": order})
    )
    assert kraken.gateway.orders_at_once == 20
    found = await kraken.gateway.find_all([order_id, "OBBBBB-BBBBB-BBBBBB"])
    assert kraken.stub.last("POST /0/private/QueryOrders")["txid"] == f"{order_id},OBBBBB-BBBBB-BBBBBB"
    assert found == {order_id: await kraken.gateway.find(kraken.ref)}, "what was not asked for is left out"


async def test_about_orders_of_which_one_is_unknown_nothing_is_known(kraken: StubbedVenue) -> None:
    kraken.stub.answer("POST /0/private/QueryOrders", kraken_says(None, "EOrder:Unknown order"))
    assert await kraken.gateway.find_all(["OAAAAA-AAAAA-AAAAAA", "OBBBBB-BBBBB-BBBBBB"]) == {}


@pytest.mark.parametrize("answer", [kraken_says(None), kraken_says("no"), "<html>", "{}"])
async def test_an_answer_that_is_no_orders_is_a_failed_read(kraken: StubbedVenue, answer: Any) -> None:
    kraken.stub.answer("POST /0/private/QueryOrders", answer)
    with pytest.raises(VenueReadFailed):
        await kraken.gateway.find_all(["OAAAAA-AAAAA-AAAAAA"])


async def test_a_list_of_all_trades_costs_as_much_as_one_of_a_pair(kraken: StubbedVenue) -> None:
    """Two of the call counter. It was charged as one, so that the counter could pass its limit."""
    assert kraken.gateway.budget.cost("all_trades") == kraken.gateway.budget.cost("trades") == 2
    assert kraken.gateway.cheapest_trades([1]) == "account"
