"""Answers of okx that ccxt reads in its own way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from execution.core.types import CancelFailed, OrderRef
from execution.venues.exchanges import spec_of
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.streams import streamed_trade
from tests.venues.stub import SYMBOL, Stub, now

INSTRUMENT = {
    "instType": "SPOT", "instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", "state": "live",
    "tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001", "maxLmtSz": "9999999999", "maxMktSz": "1000000",
}  # fmt: skip


def answered(*data: dict[str, Any]) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": list(data)}


@pytest.fixture
async def gateway(stub: Stub) -> AsyncIterator[CcxtGateway]:
    stub.answer("GET /api/v5/public/instruments", answered(INSTRUMENT))
    stub.answer("GET /api/v5/public/time", answered({"ts": str(int(now().timestamp() * 1000))}))
    gateway = open_gateway(
        exchange_id="okx",
        options={"timeout_on_exit": 10, "urls": {"api": {"rest": stub.base}}},
        api_key="the-api-key",
        secret="the-secret",
        passphrase="the-passphrase",
        clock=now,
    )
    await gateway.open()
    yield gateway
    await gateway.close()


async def test_a_cancel_that_is_refused_beside_a_good_code_is_no_order_that_was_rejected(
    stub: Stub, gateway: CcxtGateway
) -> None:
    refused = {"clOrdId": "qtestparent010001", "ordId": "28", "sCode": "51412", "sMsg": "not now"}
    stub.answer("POST /api/v5/trade/cancel-order", answered(refused))
    outcome = await gateway.cancel(OrderRef("qtestparent010001", SYMBOL, "28"))
    assert isinstance(outcome, CancelFailed)


def test_a_fee_of_the_stream_is_charged_when_it_is_below_zero() -> None:
    trade = {
        "symbol": SYMBOL, "id": "7", "order": "28", "side": "buy", "price": "49000", "amount": "0.01",
        "timestamp": 1700000000000, "takerOrMaker": "taker", "fee": {"cost": "-0.00001", "currency": "BTC"},
        "info": {"clOrdId": "qtestparent010001"},
    }  # fmt: skip
    read = streamed_trade(trade, spec_of("okx"))
    assert (read.fee, read.fee_currency, read.client_id) == (Decimal("0.00001"), "BTC", "qtestparent010001")
    rebate = trade | {"fee": {"cost": "0.000002", "currency": "BTC"}}
    assert streamed_trade(rebate, spec_of("okx")).fee == Decimal("-0.000002")


async def test_the_accounts_own_fees_are_told_below_zero(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET /api/v5/account/trade-fee", answered({"maker": "-0.0006", "taker": "-0.0008"}))
    market = (await gateway.markets([SYMBOL]))[SYMBOL]
    assert (market.maker_fee, market.taker_fee) == (Decimal("0.0006"), Decimal("0.0008"))
