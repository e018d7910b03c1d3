"""Rules of a market that change on a real paper exchange, as the real gateway sees them in each dialect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from execution.core.types import Accepted, CancelConfirmed, MarketStatus, NotSent, Quote, Rejected
from execution.venues.errors import hints_at_rules
from execution.venues.gateway import CcxtGateway
from tests.acceptance.dialects import Dialect
from tests.acceptance.paper_account import VALID, PaperAccount, cancel, passive
from tests.venues.stub import SYMBOL

D = Decimal
#: As the paper exchange begins.
USUAL = {
    "status": "open",
    "tick": "0.01",
    "lot": "0.00001",
    "min_quantity": "0.00001",
    "min_notional": "5",
    "max_quantity": "9000",
    "max_notional": None,
}
WORDS = {
    "binance": {
        "halted": (MarketStatus.HALTED, "BREAK"),
        "cancel_only": (MarketStatus.CANCEL_ONLY, "CANCEL_ONLY"),
    },
    "kraken": {
        "halted": (MarketStatus.HALTED, "maintenance"),
        "cancel_only": (MarketStatus.CANCEL_ONLY, "cancel_only"),
    },
    "okx": {"halted": (MarketStatus.HALTED, "suspend"), "cancel_only": (MarketStatus.HALTED, "suspend")},
    "coinbase": {
        "halted": (MarketStatus.HALTED, "trading_disabled"),
        "cancel_only": (MarketStatus.CANCEL_ONLY, "cancel_only"),
    },
}


@pytest.fixture
async def account(paper_account: PaperAccount, paper_gateway: CcxtGateway) -> AsyncIterator[PaperAccount]:
    """Yield an account. Afterwards its exchange has its usual rules again, before the gateway cancels the resting
    orders, because others share it.
    """
    yield paper_account
    await paper_account.control("POST", "rules", symbol=SYMBOL, **USUAL)


@pytest.mark.parametrize("status", ["halted", "cancel_only"])
async def test_a_closed_market_takes_no_order_and_lets_go_of_what_rests(
    account: PaperAccount, paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote, status: str
) -> None:
    rests = passive(frozen_quote)
    assert isinstance(await paper_gateway.create(rests, valid_for=VALID), Accepted)
    await account.control("POST", "rules", symbol=SYMBOL, status=status)
    market = (await paper_gateway.markets([SYMBOL]))[SYMBOL]
    assert (market.status, market.status_word) == WORDS[dialect.exchange][status]
    another = replace(rests, client_id="qtestparent010002")
    refused = await paper_gateway.create(another, valid_for=VALID)
    if isinstance(refused, NotSent):  # on a busy machine it may be too old when it arrives
        refused = await paper_gateway.create(another, valid_for=VALID)
    assert isinstance(refused, Rejected)
    assert refused.kind == "MarketClosed"
    assert hints_at_rules(refused)
    assert isinstance(await cancel(paper_gateway, dialect, rests), CancelConfirmed)
    await account.control("POST", "rules", symbol=SYMBOL, status="open")
    assert (await paper_gateway.markets([SYMBOL]))[SYMBOL].status is MarketStatus.OPEN
    assert isinstance(
        await paper_gateway.create(replace(rests, client_id="qtestparent010003"), valid_for=VALID), Accepted
    )


async def test_a_symbol_that_is_not_listed_any_more_is_left_out(
    account: PaperAccount, paper_gateway: CcxtGateway, frozen_quote: Quote
) -> None:
    await account.control("POST", "rules", symbol=SYMBOL, status="not_listed")
    stale = await paper_gateway.create(passive(frozen_quote), valid_for=VALID)
    assert isinstance(stale, Rejected)
    assert hints_at_rules(stale)
    assert await paper_gateway.markets([SYMBOL, "ETH/USDT"]) == await paper_gateway.markets(["ETH/USDT"])


@pytest.mark.parametrize(
    ("rules", "quantity"),
    [
        ({"lot": "0.001", "min_quantity": "0.001"}, "0.0105"),
        ({"tick": "0.5"}, "0.01"),
        ({"max_quantity": "0.005"}, "0.01"),
        ({"max_notional": "100"}, "0.01"),
        ({"min_quantity": "1"}, "0.01"),
    ],
)
async def test_other_rules_are_told_and_enforced_with_a_refusal_that_hints_at_them(
    account: PaperAccount,
    paper_gateway: CcxtGateway,
    dialect: Dialect,
    frozen_quote: Quote,
    rules: dict[str, str],
    quantity: str,
) -> None:
    before = (await paper_gateway.markets([SYMBOL]))[SYMBOL]
    await account.control("POST", "rules", symbol=SYMBOL, **rules)
    order = passive(frozen_quote, quantity=D(quantity))
    assert order.price is not None
    off_tick = replace(order, price=order.price // 1 + D("0.01"))
    outcome = await paper_gateway.create(off_tick, valid_for=VALID)
    if dialect.tells_maximums or not any(name.startswith("max_") for name in rules):
        assert isinstance(outcome, Rejected)
        assert hints_at_rules(outcome), outcome
    else:
        assert isinstance(outcome, Accepted)
        rules = {}
    told = (await paper_gateway.markets([SYMBOL]))[SYMBOL]
    assert {name: str(getattr(told, name).normalize()) for name in rules} == {
        name: str(D(value).normalize()) for name, value in rules.items()
    }
    restored = {name: getattr(before, name) for name in rules}
    assert replace(told, **restored) == before


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"symbol": SYMBOL, "status": "asleep"}, "status='asleep' is none of"),
        ({"symbol": SYMBOL, "lots": "1"}, "lots is none of"),
        ({"symbol": SYMBOL, "tick": "-1"}, "not positive"),
        ({"symbol": SYMBOL, "tick": "0.3"}, "does not divide the spacing"),
        ({"symbol": "NO/SUCH", "tick": "1"}, "is none of"),
    ],
)
async def test_rules_that_cannot_be_are_refused(
    account: PaperAccount, body: dict[str, Any], words: str
) -> None:
    async with (
        aiohttp.ClientSession(headers={"X-Paper-Control": account.token}) as session,
        session.post(f"{account.base}/_paper/rules", json=body) as response,
    ):
        assert response.status == 400
        assert words in (await response.json())["error"]
