"""Requests without an answer: the order or the answer was lost on its way, in each dialect."""

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
from tests.acceptance.dialects import Dialect
from tests.acceptance.paper_account import VALID, PaperAccount, cancel, ended, found, passive, ref_of
from tests.venues.stub import SYMBOL, forget_limits, limit_order, now


@pytest.mark.parametrize(
    "kind",
    [
        "drop_after", "truncate", "html_200", "empty_200", "status_502_after", "status_503_after",
        "status_504_after", "code_1007_after",
    ],
)  # fmt: skip
async def test_a_lost_answer_is_unknown_and_the_order_is_found(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote, kind: str
) -> None:
    await paper_account.fault("create", kind)
    request = passive(frozen_quote)
    assert isinstance(await paper_gateway.create(request, valid_for=VALID), Unknown)
    report = await found(paper_gateway, request)
    assert report.status is VenueStatus.OPEN
    again = await paper_gateway.create(request, valid_for=VALID)
    if dialect.refuses_duplicates:
        assert isinstance(again, Unknown), "a duplicate"
    else:
        assert isinstance(again, Accepted)
        assert again.report.exchange_id == report.exchange_id
    assert (await paper_account.orders())[request.client_id]["times_accepted"] == 1


@pytest.mark.parametrize("kind", ["drop_before", "status_500", "status_503", "status_504"])
async def test_a_lost_request_is_unknown_and_no_list_shows_the_order(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, frozen_quote: Quote, kind: str
) -> None:
    await paper_account.fault("create", kind)
    request, since = passive(frozen_quote), now() - timedelta(minutes=1)
    assert isinstance(await paper_gateway.create(request, valid_for=VALID), Unknown)
    assert await paper_gateway.find(ref_of(request)) is None
    assert await paper_gateway.open_orders(SYMBOL) == []
    assert await paper_gateway.closed_orders(SYMBOL, since) == []
    assert await paper_gateway.trades(SYMBOL, since) == []


@pytest.mark.parametrize("kind", ["status_429", "status_418", "code_1021"])
async def test_what_was_turned_away_may_be_sent_again(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote, kind: str
) -> None:
    await paper_account.fault("create", kind)
    request = passive(frozen_quote)
    is_told = kind != "code_1021" or dialect.tells_expired
    turned_away = await paper_gateway.create(request, valid_for=VALID)
    assert isinstance(turned_away, NotSent if is_told else Rejected)
    forget_limits(paper_gateway)  # a ban holds everything for minutes
    assert isinstance(await paper_gateway.create(request, valid_for=VALID), Accepted)


async def test_an_order_that_the_exchange_refuses_is_rejected(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, frozen_quote: Quote
) -> None:
    await paper_account.fault("create", "reject")
    assert isinstance(await paper_gateway.create(passive(frozen_quote), valid_for=VALID), Rejected)


async def test_an_order_that_arrives_after_its_window_is_refused_where_there_is_one(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote
) -> None:
    paper_gateway._client.options["timeDifference"] = 1500  # our stamp is a second and a half old on arrival
    request = passive(frozen_quote)
    outcome = await paper_gateway.create(request, valid_for=timedelta(seconds=1))
    assert isinstance(outcome, NotSent if dialect.bounds_creates else Accepted)
    assert (request.client_id in await paper_account.orders()) != dialect.bounds_creates


@pytest.mark.parametrize("kind", ["drop_after", "truncate", "html_200", "status_504_after"])
async def test_a_lost_answer_to_a_cancel_is_tried_again(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, dialect: Dialect, frozen_quote: Quote, kind: str
) -> None:
    request = passive(frozen_quote)
    await paper_gateway.create(request, valid_for=VALID)
    await paper_account.fault("cancel", kind)
    first = await cancel(paper_gateway, dialect, request)
    # aiohttp itself repeats a DELETE whose kept-alive connection broke, and then it is gone already.
    assert isinstance(first, CancelFailed | CancelGone)
    report = await ended(paper_gateway, request)
    assert isinstance(await cancel(paper_gateway, dialect, request), CancelGone)
    assert (report.status, report.filled) == (VenueStatus.CANCELLED, Decimal(0))


@pytest.mark.parametrize("kind", ["truncate", "html_200", "empty_200", "status_429", "status_503"])
async def test_a_spoilt_poll_is_no_evidence(
    paper_account: PaperAccount, paper_gateway: CcxtGateway, frozen_quote: Quote, kind: str
) -> None:
    since: datetime = now() - timedelta(minutes=1)
    await paper_gateway.balances()  # the clock's difference is learned by now
    await paper_account.fault("any", kind, count=4)
    for poll in (
        lambda: paper_gateway.find(ref_of(limit_order())),
        lambda: paper_gateway.open_orders(SYMBOL),
        lambda: paper_gateway.closed_orders(SYMBOL, since),
        lambda: paper_gateway.trades(SYMBOL, since),
    ):
        forget_limits(paper_gateway)  # it would wait as asked
        with pytest.raises(VenueReadFailed):
            await poll()
