"""What nobody answered: an order that was lost on its way, or whose answer was, in both dialects."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from execution.core.types import (
    Accepted,
    CancelFailed,
    CancelGone,
    NotSent,
    Quote,
    Rejected,
    Unknown,
    VenueStatus,
)
from execution.venues.gateway import CcxtGateway
from execution.venues.protocol import VenueReadFailed
from tests.acceptance.conftest import Paper, found, passive, ref_of
from tests.venues.conftest import SYMBOL, VALID, limit_order, now


@pytest.mark.parametrize(
    "kind",
    [
        "drop_after", "truncate", "html_200", "empty_200", "status_502_after", "status_503_after",
        "status_504_after", "code_1007_after",
    ],
)  # fmt: skip
async def test_a_lost_answer_is_unknown_and_the_order_is_found(
    paper: Paper, gateway: CcxtGateway, quote: Quote, kind: str
) -> None:
    await paper.fault("create", kind)
    request = passive(quote)
    assert isinstance(await gateway.create(request, valid_for=VALID), Unknown)
    assert (await found(gateway, request)).status is VenueStatus.OPEN
    assert isinstance(await gateway.create(request, valid_for=VALID), Unknown), "a duplicate"
    assert (await paper.orders())[request.client_id]["times_accepted"] == 1


@pytest.mark.parametrize("kind", ["drop_before", "status_500", "status_503", "status_504"])
async def test_a_lost_request_is_unknown_and_no_list_shows_the_order(
    paper: Paper, gateway: CcxtGateway, quote: Quote, kind: str
) -> None:
    await paper.fault("create", kind)
    request, since = passive(quote), now() - timedelta(minutes=1)
    assert isinstance(await gateway.create(request, valid_for=VALID), Unknown)
    assert await gateway.find(ref_of(request)) is None
    assert await gateway.open_orders(SYMBOL) == []
    assert await gateway.closed_orders(SYMBOL, since) == []
    assert await gateway.trades(SYMBOL, since) == []


@pytest.mark.parametrize("kind", ["status_429", "status_418", "code_1021"])
async def test_what_was_turned_away_may_be_sent_again(
    paper: Paper, gateway: CcxtGateway, quote: Quote, kind: str
) -> None:
    await paper.fault("create", kind)
    request = passive(quote)
    assert isinstance(await gateway.create(request, valid_for=VALID), NotSent)
    assert isinstance(await gateway.create(request, valid_for=VALID), Accepted)


async def test_an_order_that_the_exchange_refuses_is_rejected(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    await paper.fault("create", "reject")
    assert isinstance(await gateway.create(passive(quote), valid_for=VALID), Rejected)


async def test_an_order_that_arrives_after_its_window_is_refused_by_the_exchange(
    paper: Paper, gateway: CcxtGateway, quote: Quote
) -> None:
    gateway._client.options["timeDifference"] = 1500  # our stamp is a second and a half old on arrival
    request = passive(quote)
    assert isinstance(await gateway.create(request, valid_for=timedelta(seconds=1)), NotSent)
    assert request.client_id not in await paper.orders()


@pytest.mark.parametrize("kind", ["drop_after", "truncate", "html_200", "status_504_after"])
async def test_a_lost_answer_to_a_cancel_is_tried_again(
    paper: Paper, gateway: CcxtGateway, quote: Quote, kind: str
) -> None:
    request = passive(quote)
    await gateway.create(request, valid_for=VALID)
    await paper.fault("cancel", kind)
    first = await gateway.cancel(ref_of(request))
    # aiohttp itself repeats a DELETE whose kept-alive connection broke, and then it is gone already.
    assert isinstance(first, CancelFailed | CancelGone)
    assert isinstance(await gateway.cancel(ref_of(request)), CancelGone)
    report = await found(gateway, request)
    assert (report.status, report.filled) == (VenueStatus.CANCELLED, Decimal(0))


@pytest.mark.parametrize("kind", ["truncate", "html_200", "empty_200", "status_429", "status_503"])
async def test_a_spoilt_look_is_no_evidence(
    paper: Paper, gateway: CcxtGateway, quote: Quote, kind: str
) -> None:
    since: datetime = now() - timedelta(minutes=1)
    await gateway.balances()  # the clock's difference is learned by now
    await paper.fault("any", kind, count=4)
    for look in (
        lambda: gateway.find(ref_of(limit_order())),
        lambda: gateway.open_orders(SYMBOL),
        lambda: gateway.closed_orders(SYMBOL, since),
        lambda: gateway.trades(SYMBOL, since),
    ):
        gateway.throttle._held_until = 0  # it would wait as asked
        with pytest.raises(VenueReadFailed):
            await look()
