"""The dead-man's switch of the paper exchange in okx's dialect, and ccxt's call for it at each exchange."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from execution.core.guarantees import GUARANTEES
from execution.core.types import Quote, VenueStatus
from execution.venues.client import client_class
from execution.venues.exchanges import spec_of
from execution.venues.gateway import CcxtGateway
from execution.venues.protocol import VenueReadFailed
from execution.venues.values import AnswerError, confirm
from tests.acceptance.paper_account import VALID, PaperAccount, found, passive

ONLY_OKX = pytest.mark.parametrize("dialect", ["okx"], indirect=True)


@ONLY_OKX
async def test_the_exchange_cancels_what_rests_unless_the_switch_is_renewed_or_taken_back(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, frozen_quote: Quote
) -> None:
    request = passive(frozen_quote)
    await paper_gateway.create(request, valid_for=VALID)
    await paper_gateway.arm_switch(10)
    await asyncio.sleep(6)
    await paper_gateway.arm_switch(10)
    await asyncio.sleep(6)
    assert (await found(paper_gateway, request)).status is VenueStatus.OPEN, "renewed"
    await asyncio.sleep(6)
    assert (await found(paper_gateway, request)).status is VenueStatus.CANCELLED
    again = passive(frozen_quote)
    await paper_gateway.create(again, valid_for=VALID)
    await paper_gateway.arm_switch(10)
    await paper_gateway.disarm_switch()
    await asyncio.sleep(11)
    assert (await found(paper_gateway, again)).status is VenueStatus.OPEN


@ONLY_OKX
async def test_what_the_exchange_does_not_take_or_answer_is_no_armed_switch(
    paper_account: PaperAccount, paper_gateway: CcxtGateway
) -> None:
    for seconds in (9, 121):
        with pytest.raises(VenueReadFailed):
            await paper_gateway.arm_switch(seconds)
    for kind in ("drop_before", "html_200", "status_503"):
        await paper_account.fault("switch", kind)
        with pytest.raises(VenueReadFailed):
            await paper_gateway.arm_switch(10)


@pytest.mark.parametrize("dialect", ["binance"], indirect=True)
async def test_an_exchange_without_one_says_so(paper_gateway: CcxtGateway) -> None:
    with pytest.raises(VenueReadFailed, match="binance has no dead-man's switch"):
        await paper_gateway.arm_switch(60)


def test_where_it_is_guaranteed_there_is_a_call_of_ccxt_and_nowhere_else() -> None:
    for exchange_id, guarantees in GUARANTEES.items():
        call = spec_of(exchange_id).switch
        assert (call is not None) is (guarantees.dead_mans_switch.value is not None), exchange_id
        if call is not None:
            assert callable(getattr(client_class(exchange_id)(), call.method)), exchange_id


@pytest.mark.parametrize("answer", [None, [], {"data": []}, {"data": [{"triggerTime": "0"}]}, {"data": "x"}])
def test_an_answer_that_does_not_say_when_it_fires_confirms_nothing(answer: Any) -> None:
    with pytest.raises(AnswerError):
        confirm(answer, ("data", 0, "triggerTime"))


def test_an_answer_that_says_when_it_fires_confirms_it() -> None:
    confirm({"data": [{"triggerTime": "1587971460"}]}, ("data", 0, "triggerTime"))
    confirm({"code": "0"}, ())
