"""The dead-man's switch of an account: armed while something may rest, renewed in time, and never left unsaid."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.guarantees import guarantees_of
from execution.core.guarantees.promise import SwitchBounds
from execution.core.states import ChildStatus
from execution.core.types import TimeInForce
from execution.engine.dead_mans_switch import ANSWERED_WITHIN, DeadMansSwitch
from execution.models import Account, ChildOrder
from tests.engine.desk import Desk, at_once
from tests.factories import NOW, Rows

PERIOD = timedelta(seconds=60)
OKX = guarantees_of("okx").dead_mans_switch.value


class Keeper:
    """A switch on a scripted exchange; ``doubts`` counts how often everything was to be polled first."""

    def __init__(self, desk: Desk, *, fence: int = 1) -> None:
        assert OKX is not None
        self.desk, self.doubts = desk, 0
        self.switch = DeadMansSwitch(
            desk.parts,
            desk.exchange,
            account_pk=desk.rows.account.pk,
            fence=fence,
            bounds=OKX,
            period=PERIOD,
            may_have_fired=self._doubt,
        )

    async def _doubt(self) -> None:
        self.doubts += 1

    def after(self, seconds: float) -> list[int | None]:
        """Return the exchange's requests from a check so many seconds later."""
        self.desk.clock.pass_by(seconds)
        self.desk.exchange.switched.clear()
        at_once(self.switch.check())
        return self.desk.exchange.switched

    def end(self) -> list[int | None]:
        self.desk.exchange.switched.clear()
        at_once(self.switch.end())
        return self.desk.exchange.switched

    def row(self) -> Account:
        return Account.objects.get(pk=self.desk.rows.account.pk)


@pytest.fixture
def desk(rows: Rows) -> Desk:
    Account.objects.update(is_exclusive=True)
    return Desk(rows)


def settle(**facts: object) -> None:
    ChildOrder.objects.update(**({"status": ChildStatus.CANCELLED, "is_settled": True} | facts))


def test_it_is_armed_before_something_rests_renewed_by_a_third_and_taken_back_when_nothing_does(
    desk: Desk,
) -> None:
    keeper = Keeper(desk)
    assert keeper.after(0) == []
    desk.rows.resting(submitted=False)
    assert keeper.after(1) == [60]
    assert keeper.row().switch_until == desk.clock.now() + PERIOD
    assert keeper.after(19) == [], "a third of its time is not over"
    assert keeper.after(1) == [60]
    settle()
    assert keeper.after(19) == []
    assert keeper.after(1) == [None]
    assert keeper.row().switch_until is None
    assert keeper.after(60) == []
    assert keeper.doubts == 0


def test_an_account_that_others_use_too_is_never_armed(desk: Desk) -> None:
    Account.objects.update(is_exclusive=False)
    desk.rows.resting()
    assert Keeper(desk).after(0) == []


def test_an_account_that_is_no_longer_the_desks_alone_is_disarmed_at_once(desk: Desk) -> None:
    keeper = Keeper(desk)
    desk.rows.resting()
    assert keeper.after(0) == [60]
    Account.objects.update(is_exclusive=False)
    assert keeper.after(1) == [None]


def test_what_never_rests_arms_nothing(desk: Desk) -> None:
    desk.rows.resting()
    ChildOrder.objects.update(time_in_force=TimeInForce.IOC)
    assert Keeper(desk).after(0) == []


def test_a_renewal_that_fails_is_said_and_tried_again_until_it_may_have_fired(desk: Desk) -> None:
    keeper = Keeper(desk)
    desk.rows.resting()
    assert keeper.after(0) == [60]
    desk.exchange.switch_fails = True
    for _ in range(39):
        keeper.after(1 if _ else 20)
    row = keeper.row()
    assert row.switch_error.startswith("it could not be renewed since 12:00:20 UTC: the exchange is away")
    assert row.switch_until == NOW + PERIOD, "what is confirmed stands"
    assert keeper.doubts == 0
    keeper.after(2)
    assert keeper.doubts == 1, "polled before anything else"
    assert keeper.row().switch_until is None
    desk.exchange.switch_fails = False
    assert keeper.after(1) == [60]
    assert keeper.row().switch_error == ""
    doubts = keeper.doubts
    keeper.after(1)
    assert keeper.doubts == doubts, "armed anew: what was armed before cannot fire"


def test_a_renewal_whose_answer_was_lost_may_have_been_heard(desk: Desk) -> None:
    keeper = Keeper(desk)
    desk.rows.resting()
    keeper.after(0)
    desk.exchange.switch_fails = True
    keeper.after(20)
    settle()
    for _ in range(70):
        keeper.after(1)
    assert keeper.row().switch_error == "", "nothing rests, and nothing can fire any more"
    assert keeper.doubts >= 2, "once after the confirmed time, and once after that of the lost renewal"


def test_an_orderly_end_takes_it_back_only_when_nothing_rests(desk: Desk) -> None:
    keeper = Keeper(desk)
    desk.rows.resting()
    keeper.after(0)
    assert keeper.end() == [], "what rests is safe with it"
    settle()
    assert keeper.end() == [None]
    assert keeper.row().switch_until is None


def test_a_holder_that_lost_the_account_or_its_lease_touches_nothing(desk: Desk) -> None:
    keeper = Keeper(desk)
    desk.rows.resting()
    keeper.after(0)
    desk.lease.seconds = 0
    assert keeper.after(20) == []
    settle()
    Account.objects.update(fence=2)
    assert keeper.end() == [], "the next holder's switch is not taken back"
    desk.lease.seconds = 2
    assert keeper.after(1) == []


def test_the_next_holder_renews_at_once_and_knows_when_it_came_too_late(desk: Desk) -> None:
    Keeper(desk)
    desk.rows.resting()
    Account.objects.update(switch_until=NOW + timedelta(seconds=30))
    assert Keeper(desk).after(1) == [60]
    Account.objects.update(switch_until=NOW - timedelta(seconds=1))
    late = Keeper(desk)
    assert late.after(0) == [60]
    assert late.doubts == 1
    late.after(ANSWERED_WITHIN + 1)
    assert late.doubts == 1


bounds = st.builds(
    SwitchBounds,
    st.integers(1, 30).map(lambda number: timedelta(seconds=number)),
    st.none() | st.integers(30, 90_000).map(lambda number: timedelta(seconds=number)),
)


@given(bounds, st.timedeltas(timedelta(milliseconds=1), timedelta(days=2)))
def test_the_period_is_whole_seconds_within_the_bounds(limits: SwitchBounds, wanted: timedelta) -> None:
    period = limits.period(wanted)
    assert period.total_seconds() == int(period.total_seconds())
    assert limits.shortest <= period
    assert limits.longest is None or period <= limits.longest
