"""A change of access waits for a second person, is bound to what they saw, and is never their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from execution import tasks
from execution.core.access import content_hash
from execution.core.problem_codes import Code
from execution.core.problems import Refused
from execution.models import AccessRequest, Account, AuditEntry, Credential, Installation, Role, User
from execution.services.accounts.accounts import NewAccount
from execution.services.desk.doors import (
    account_create_ask,
    account_grant_ask,
    key_replace_ask,
    key_resume_ask,
    password_reset_ask,
    person_enable_ask,
    person_save_ask,
)
from execution.services.desk.four_eyes import (
    COUNTS_FOR,
    LIFETIME,
    AccessRequestNotFound,
    access_confirm,
    access_expire,
    access_refuse,
    access_withdraw,
    has_second_person,
)
from execution.services.desk.people import person_disable
from tests.factories import NOW, Rows
from tests.threads import in_a_thread

SECRETS = {"apiKey": "key-12345678", "secret": "hush"}
Ask = Callable[[Rows, User], AccessRequest | None]


@pytest.fixture
def admin(rows: Rows) -> User:
    Installation.objects.update(sealing_key="11" * 32)
    return _admin()


def _admin() -> User:
    return User.objects.create(username="admin", role=Role.ADMIN)


def third() -> User:
    return User.objects.get_or_create(username="third", defaults={"role": Role.TRADER})[0]


def grant(rows: Rows, admin: User) -> AccessRequest | None:
    third()
    return account_grant_ask(person=admin, account_id=rows.account.public_id, trader="third", now=NOW)


def add(rows: Rows, admin: User) -> AccessRequest | None:
    options = {"urls": {"api": {"public": "http://127.0.0.1:9"}}, "timeout_on_exit": 1000}
    new = NewAccount("beta", "beta", "bybit", "paper", options, ["BTC/USDT"], ["trader"], SECRETS)
    return account_create_ask(person=admin, new_account=new, now=NOW)


def replace(rows: Rows, admin: User) -> AccessRequest | None:
    account = rows.account.public_id
    return key_replace_ask(person=admin, account_id=account, secrets=SECRETS, reason="old", now=NOW)


def resume(rows: Rows, admin: User) -> AccessRequest | None:
    Credential.objects.update(state="suspended")
    return key_resume_ask(person=admin, account_id=rows.account.public_id, reason="found", now=NOW)


def promote(rows: Rows, admin: User) -> AccessRequest | None:
    person = User.objects.get(pk=third().pk)
    person.role = Role.SUPERVISOR
    return person_save_ask(person=person, changed_by=admin, now=NOW)


def reset(rows: Rows, admin: User) -> AccessRequest | None:
    return password_reset_ask(person=third(), changed_by=admin, password="another-long-one", now=NOW)


def books() -> list[object]:
    """Return everything that a change may write."""
    return [
        list(Account.objects.order_by("pk").values_list("label", "traders__username")),
        list(Credential.objects.order_by("pk").values_list("last_four", "state")),
        list(User.objects.order_by("pk").values_list("username", "role", "is_active", "password")),
    ]


def confirm(request: AccessRequest | None, person: User, **changes: object) -> AccessRequest:
    assert request is not None
    fields = {"public_id": request.public_id, "person": person, "seen_hash": request.content_hash}
    return access_confirm(**(fields | {"now": NOW} | changes))


DOORS = [add, replace, resume, grant, promote, reset]


@pytest.mark.parametrize("ask", DOORS)
def test_nothing_changes_before_a_second_person_confirms(rows: Rows, admin: User, ask: Ask) -> None:
    third()
    Credential.objects.update(state="suspended")
    before = books()
    request = ask(rows, admin)
    assert request is not None
    assert books() == before
    assert "hush" not in repr(AccessRequest.objects.values().get())
    with pytest.raises(Refused, match="You asked for this yourself"):
        confirm(request, admin)
    with pytest.raises(Refused, match="Only an active admin or supervisor decides"):
        confirm(request, rows.trader)
    assert books() == before
    confirm(request, rows.supervisor)
    assert books() != before
    after = books()
    confirm(request, rows.supervisor)
    assert books() == after, "twice is once"
    made = AccessRequest.objects.get()
    assert (made.state, made.decided_by, made.secret) == ("confirmed", rows.supervisor, None)
    kinds = list(AuditEntry.objects.filter(kind__startswith="access.").values_list("kind", "actor"))
    assert kinds == [("access.asked", "admin:admin"), ("access.confirmed", "supervisor:supervisor")]


@pytest.mark.parametrize("ask", DOORS)
def test_alone_it_is_done_at_once_and_the_audit_says_so(rows: Rows, admin: User, ask: Ask) -> None:
    rows.supervisor.delete()
    third()
    before = books()
    assert ask(rows, admin) is None
    assert books() != before
    entry = AuditEntry.objects.latest("pk")
    assert (entry.kind, entry.actor) == ("access.alone", "admin:admin")
    assert entry.data["changes"]


def test_who_makes_everybody_else_inactive_is_not_alone_before_a_week(rows: Rows, admin: User) -> None:
    person_disable(public_id=rows.supervisor.public_id, changed_by=admin, reason="left", now=NOW)
    assert grant(rows, admin) is not None
    assert has_second_person(person=admin, now=NOW + COUNTS_FOR - timedelta(seconds=1))
    assert not has_second_person(person=admin, now=NOW + COUNTS_FOR)
    # The one way out of it, that gives the second person back.
    back = {"public_id": rows.supervisor.public_id, "changed_by": admin, "reason": "by mistake"}
    assert person_enable_ask(**back, now=NOW) is None
    assert User.objects.get(pk=rows.supervisor.pk).is_active


def test_a_request_is_bound_to_what_the_second_person_saw(rows: Rows, admin: User) -> None:
    request = grant(rows, admin)
    with pytest.raises(Refused) as refused:
        confirm(request, rows.supervisor, seen_hash="0" * 64)
    assert refused.value.problems[0].code == Code.ACCESS_OUTDATED
    User.objects.create(username="fourth", role=Role.TRADER)
    content = {"account": rows.account.public_id, "trader": "fourth"}
    AccessRequest.objects.update(content=content)
    with pytest.raises(Refused, match="not the one that you saw"):
        confirm(request, rows.supervisor)
    assert list(rows.account.traders.all()) == [rows.trader]


def test_what_has_changed_since_is_asked_for_again(rows: Rows, admin: User) -> None:
    request, replaced, password = promote(rows, admin), replace(rows, admin), reset(rows, admin)
    User.objects.filter(username="third").update(role=Role.ADMIN, password="changed by its person")
    Credential.objects.update(last_four="9999")
    for stale in (request, replaced, password):
        with pytest.raises(Refused) as refused:
            confirm(stale, rows.supervisor)
        assert refused.value.problems[0].code == Code.ACCESS_OUTDATED
    assert set(AccessRequest.objects.values_list("state", flat=True)) == {"waiting"}


def test_a_request_expires_and_can_be_asked_again(rows: Rows, admin: User) -> None:
    request = grant(rows, admin)
    with pytest.raises(Refused, match="is expired already"):
        confirm(request, rows.supervisor, now=NOW + LIFETIME)
    again = account_grant_ask(
        person=admin, account_id=rows.account.public_id, trader="third", now=NOW + LIFETIME
    )
    assert again is not None
    assert list(AccessRequest.objects.order_by("pk").values_list("state", flat=True)) == [
        "expired",
        "waiting",
    ]


def test_an_expired_request_keeps_no_secret(rows: Rows, admin: User) -> None:
    request = reset(rows, admin)
    assert request is not None
    assert request.secret
    assert access_expire(now=NOW + LIFETIME - timedelta(seconds=1)) == 0
    assert access_expire(now=NOW + LIFETIME) == 1
    ended = AccessRequest.objects.get(pk=request.pk)
    assert (ended.state, ended.secret or "none") == ("expired", "none")
    entry = AuditEntry.objects.get(kind="access.expired")
    assert (entry.actor, entry.data["request"]) == ("desk", request.public_id)
    assert access_expire(now=NOW + LIFETIME) == 0
    assert not third().check_password("another-long-one")


def test_the_housekeeping_ends_what_has_expired(rows: Rows, admin: User) -> None:
    request = reset(rows, admin)
    assert request is not None
    tasks.housekeep()  # by the clock of today
    assert AccessRequest.objects.filter(pk=request.pk, state="expired", secret=None).exists()


def test_it_is_refused_with_a_reason_or_withdrawn_by_who_asked(rows: Rows, admin: User) -> None:
    request = grant(rows, admin)
    assert request is not None
    who = {"public_id": request.public_id, "now": NOW}
    with pytest.raises(Refused, match="A reason is required"):
        access_refuse(**who, person=rows.supervisor, reason=" ")
    with pytest.raises(Refused, match="Only admin can withdraw"):
        access_withdraw(**who, person=rows.supervisor)
    access_refuse(**who, person=rows.supervisor, reason="who is that?")
    with pytest.raises(Refused, match="is refused already"):
        confirm(request, rows.supervisor)
    second = grant(rows, admin)
    assert second is not None
    access_withdraw(public_id=second.public_id, person=admin, now=NOW)
    assert not rows.account.traders.filter(username="third").exists()
    with pytest.raises(AccessRequestNotFound):
        access_withdraw(public_id="nothere0", person=admin, now=NOW)


def test_the_same_is_asked_once_and_something_else_waits_its_turn(rows: Rows, admin: User) -> None:
    first = grant(rows, admin)
    assert grant(rows, admin) == first
    assert promote(rows, admin) is not None
    User.objects.filter(username="third").update(role=Role.TRADER)
    person = User.objects.get(username="third")
    person.role = Role.ADMIN
    with pytest.raises(Refused, match="admin asked at 2026-03-01 12:00 UTC"):
        person_save_ask(person=person, changed_by=admin, now=NOW)


def test_what_changes_nothing_asks_nobody(rows: Rows, admin: User) -> None:
    account = rows.account.public_id
    assert account_grant_ask(person=admin, account_id=account, trader="trader", now=NOW) is None
    assert key_resume_ask(person=admin, account_id=account, reason="", now=NOW) is None
    assert not AccessRequest.objects.exists()
    assert not AuditEntry.objects.exists()


def test_requests_of_somebody_who_is_made_inactive_are_withdrawn(rows: Rows, admin: User) -> None:
    request = grant(rows, admin)
    User.objects.create(username="chief", role=Role.ADMIN)
    person_disable(
        public_id=admin.public_id, changed_by=User.objects.get(username="chief"), reason="left", now=NOW
    )
    with pytest.raises(Refused, match="is withdrawn already"):
        confirm(request, rows.supervisor)


def test_the_database_takes_no_confirmation_by_who_asked(rows: Rows, admin: User) -> None:
    grant(rows, admin)
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessRequest.objects.update(state="confirmed", decided_by=admin)


def test_of_a_confirmation_and_a_withdrawal_at_once_one_is_first(committed_rows: Rows) -> None:
    Installation.objects.update(sealing_key="11" * 32)
    admin, rows = _admin(), committed_rows
    request = grant(rows, admin)
    assert request is not None
    begin, failures = threading.Barrier(2), list[BaseException]()

    def run(verb: Callable[[], object]) -> Callable[[], object]:
        def started() -> None:
            begin.wait(10)
            verb()

        return started

    verbs = [
        run(lambda: confirm(request, rows.supervisor)),
        run(lambda: access_withdraw(public_id=request.public_id, person=admin, now=NOW)),
    ]
    for thread in [in_a_thread(verb, failures) for verb in verbs]:
        thread.join(30)
    (refused,) = failures
    assert isinstance(refused, Refused)
    state = AccessRequest.objects.get().state
    assert state in {"confirmed", "withdrawn"}
    assert rows.account.traders.filter(username="third").exists() is (state == "confirmed")


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.booleans() | st.none(), max_size=4),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.booleans() | st.none(), max_size=4),
    st.binary(max_size=8),
    st.binary(max_size=8),
)
def test_another_content_has_another_hash(
    one: dict[str, object], two: dict[str, object], first: bytes, second: bytes
) -> None:
    def of(content: dict[str, object], secret: bytes) -> str:
        return content_hash(kind="k", target="t", content=content, secret=secret, changes=[])

    turned = dict(reversed(one.items()))
    assert of(one, first) == of(turned, first)
    assert (of(one, first) == of(two, second)) is ((one, first) == (two, second))
