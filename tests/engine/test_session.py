"""An account session and its private stream."""

from __future__ import annotations

import pytest

from execution.core.types import StreamEvent
from execution.engine.looking import Looker
from execution.engine.session import AccountSession
from execution.selectors.sessions import account_details
from tests.engine.desk import Desk, at_once
from tests.factories import Rows
from tests.fixtures import redis_url, rows

__all__ = ["redis_url", "rows"]


@pytest.mark.parametrize(
    ("news", "is_healthy"),
    [
        ([StreamEvent(resumed=True)], True),
        ([StreamEvent(resumed=True), StreamEvent(lost=True)], False),
        ([StreamEvent(resumed=True), StreamEvent(lost=True), StreamEvent(resumed=True)], True),
    ],
)
def test_a_stream_that_was_cut_is_suspect_until_it_is_back(
    rows: Rows, news: list[StreamEvent], is_healthy: bool
) -> None:
    desk = Desk(rows)
    desk.exchange.news = news
    details = account_details(rows.account.pk)
    assert details is not None
    session = AccountSession(desk.parts, rows.account.pk, 1, lambda _: desk.exchange)
    session._details, session._gateway = details, desk.exchange
    session._looker = Looker(
        desk.parts,
        desk.exchange,
        account_pk=rows.account.pk,
        fence=1,
        marks=details.marks,
        is_under_way=lambda _: False,
    )
    at_once(session._listen())
    assert session._looker.stream_is_healthy is is_healthy
