"""Baskets that two sessions send at once, on PostgreSQL: what holds, and that its guard is why."""

from __future__ import annotations

from functools import partial

import pytest

from execution.core.problems import Refused
from execution.models import Order, Role, User
from execution.services.orders import basket_submit
from tests.factories import Rows
from tests.postgresql.race import Meeting
from tests.postgresql.test_races import RESERVES_READ, Guarded, named, no_gate_at_a_submit, no_row_locks
from tests.services.basketing import parts, sent
from tests.services.limiting import bound


def no_second_check_of_the_key(patch: pytest.MonkeyPatch) -> None:
    no_row_locks(patch)
    patch.setattr(basket_submit, "IntegrityError", ZeroDivisionError)


def outcome(rows: Rows, person: User) -> str:
    try:
        sent(rows, parts(rows, 5, quantity="0.1"), person=person)
    except Refused as refused:
        return refused.problems[0].code
    return "sent"


def two_baskets_and_one_limit(rows: Rows) -> None:
    """Race two traders who send baskets at once of which the limit of the desk takes one."""
    rows.quote()
    other = User.objects.create(username="other", role=Role.TRADER)
    rows.account.traders.add(other)
    bound(rows, "open_notional", 30_000)
    first, second = partial(outcome, rows, rows.trader), partial(outcome, rows, other)
    assert Meeting(first, second, after=RESERVES_READ).run() == ("sent", "limit_exceeded")
    assert Order.objects.count() == 5


def basket_and_basket(rows: Rows) -> None:
    """Race one basket from two tabs: it is there once."""
    send = partial(sent, rows, parts(rows, 3))
    one, other = Meeting(send, send, after='INSERT INTO "execution_basket"').run()
    assert one.pk == other.pk
    assert Order.objects.count() == 3


RACES = [
    Guarded(two_baskets_and_one_limit, no_gate_at_a_submit),
    Guarded(basket_and_basket, no_second_check_of_the_key),
]


@pytest.mark.parametrize("guarded", RACES, ids=named)
def test_whoever_is_second_knows_of_the_first(guarded: Guarded, committed_rows: Rows) -> None:
    guarded.race(committed_rows)


@pytest.mark.parametrize("guarded", RACES, ids=named)
def test_without_its_guard_the_race_is_lost(
    guarded: Guarded, committed_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        guarded.remove(patched)
        with pytest.raises(AssertionError):
            guarded.race(committed_rows)
