"""An account's key through its life: checked, replaced, suspended, retired; and what that does to its orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from execution.core.problems import Refused
from execution.core.types import KeyPermissions, VenueStatus
from execution.models import (
    Account,
    AlertSignal,
    AuditEntry,
    ChildOrder,
    Credential,
    CredentialState,
    Installation,
    Role,
    User,
)
from execution.selectors.decisions.blocks import account_block
from execution.selectors.decisions.sessions import account_details, session_wanted
from execution.services.accounts.credentials import (
    credential_check,
    credential_check_failed,
    credential_checked,
    credential_checks_due,
    credential_refused,
    credential_replace,
    credential_resume,
    credential_retire,
    credential_suspend,
)
from execution.services.accounts.sessions import account_failed, account_seen
from execution.services.children.children import child_report
from execution.services.engine.workers import accounts_claim, owned, worker_release
from tests.factories import NOW, Rows, make_worker, report_of
from tests.invariants import check_order

SECRETS = {"apiKey": "key-12345678", "secret": "hush"}
GOOD = KeyPermissions(read=True, trade=True, withdraw=False)


@pytest.fixture
def admin(rows: Rows) -> User:
    Installation.objects.update(sealing_key="11" * 32)
    return User.objects.create(username="admin", role=Role.ADMIN)


def act(verb: Callable[..., Any], admin: User, rows: Rows, **more: Any) -> Credential:
    fields = {} if verb is credential_check else {"reason": "found on a screen"}
    credential: Credential = verb(person=admin, account_id=rows.account.public_id, now=NOW, **(fields | more))
    return credential


def resting(rows: Rows) -> ChildOrder:
    """Return a child that rests at the exchange."""
    child = rows.resting()
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    return child


def last_audit() -> tuple[str, str, str, str]:
    entry = AuditEntry.objects.latest("pk")
    return entry.kind, entry.actor, entry.subject, entry.reason


@pytest.mark.parametrize(
    "verb",
    [credential_suspend, credential_resume, credential_retire, credential_check, credential_replace],
)
@pytest.mark.parametrize("role", ["trader", "supervisor"])
def test_keys_are_an_admins_business_alone(
    rows: Rows, admin: User, verb: Callable[..., Any], role: str
) -> None:
    more = {"secrets": SECRETS} if verb is credential_replace else {}
    with pytest.raises(Refused, match=f"changes accounts and keys. {role} is a {role}"):
        act(verb, getattr(rows, role), rows, **more)
    assert Credential.objects.get().state == CredentialState.ACTIVE
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("verb", [credential_suspend, credential_retire])
def test_stopping_a_key_pauses_the_accounts_orders_and_wants_what_rests_cancelled(
    rows: Rows, admin: User, verb: Callable[..., Any]
) -> None:
    child = resting(rows)
    waiting = rows.submit(key="2")
    credential = act(verb, admin, rows)
    word = "suspended" if verb is credential_suspend else "retired"
    assert credential.state == word
    child.refresh_from_db()
    assert (child.status, child.cancel_requested_at) == ("cancelling", NOW)
    for order in (child.order, waiting):
        order.refresh_from_db()
        assert (order.status, order.needs_person) == ("paused", True)
        assert order.reason == f"the key of account alpha was {word} by admin: found on a screen"
        check_order(order)
    assert last_audit() == (f"key.{word}", "admin:admin", "alpha", "found on a screen")
    assert AuditEntry.objects.get().data == {
        "last_four": "1234",
        "orders_paused": 2,
        "children_cancelled": 1,
    }
    act(verb, admin, rows)
    assert AuditEntry.objects.count() == 1, "twice is once"


@pytest.mark.parametrize("verb", [credential_suspend, credential_retire])
def test_nothing_is_stopped_without_a_reason(rows: Rows, admin: User, verb: Callable[..., Any]) -> None:
    with pytest.raises(Refused, match="A reason is required"):
        act(verb, admin, rows, reason="  ")
    assert Credential.objects.get().state == CredentialState.ACTIVE


@pytest.mark.parametrize("state", ["unchecked", "suspended", "refused", "retired"])
def test_without_an_active_key_no_child_is_taken(rows: Rows, admin: User, state: str) -> None:
    child = rows.resting(submitted=False)
    Credential.objects.update(state=state)
    assert rows.submit_child(child) is None
    child.refresh_from_db()
    assert (child.status, child.reason) == ("cancelled", "account alpha has no checked key")
    account = Account.objects.get()
    assert account_block(account, "BTC/USDT") == "account alpha has no checked key"


def test_a_suspended_key_still_serves_the_cancels_and_then_nothing(rows: Rows, admin: User) -> None:
    child = resting(rows)
    act(credential_suspend, admin, rows)
    worker_release(worker_pk=rows.worker.pk)
    other = make_worker("boot-2")
    assert [account.pk for account in accounts_claim(worker_pk=other.pk, most=9)] == [rows.account.pk]
    assert set(owned(worker_pk=other.pk).accounts) == {rows.account.pk}
    details = account_details(rows.account.pk)
    assert details is not None
    assert (details.credential_pk, details.key_is_in_use) == (rows.credential.pk, False)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=NOW)
    assert not owned(worker_pk=other.pk).accounts
    worker_release(worker_pk=other.pk)
    assert accounts_claim(worker_pk=other.pk, most=9) == []


def test_an_account_of_another_environment_is_served_by_nobody(rows: Rows) -> None:
    Account.objects.update(environment="live", owner=None)
    assert accounts_claim(worker_pk=rows.worker.pk, most=9) == []


def test_a_resumed_key_is_checked_before_it_trades(rows: Rows, admin: User) -> None:
    act(credential_suspend, admin, rows)
    credential = act(credential_resume, admin, rows)
    assert (credential.state, credential.check_wanted_at) == ("unchecked", NOW)
    assert session_wanted(credential.pk).check
    credential_checked(credential_pk=credential.pk, permissions=GOOD, now=NOW)
    credential.refresh_from_db()
    assert (credential.state, credential.check_wanted_at) == ("active", None)
    assert last_audit() == ("key.active", "desk", "alpha", "")


def test_resuming_resumes_no_order(rows: Rows, admin: User) -> None:
    order = rows.working()
    act(credential_suspend, admin, rows)
    act(credential_resume, admin, rows)
    credential_checked(credential_pk=rows.credential.pk, permissions=GOOD, now=NOW)
    order.refresh_from_db()
    assert (order.status, order.needs_person) == ("paused", True)


@pytest.mark.parametrize(
    ("verb", "state", "message"),
    [
        (credential_suspend, "refused", "The key …1234 is refused. It cannot be suspended"),
        (credential_suspend, "retired", "The key …1234 is retired. It cannot be suspended"),
        (credential_resume, "refused", "The key …1234 is refused. It cannot be resumed"),
        (credential_check, "suspended", "The key …1234 is suspended. It cannot be checked"),
        (credential_check, "retired", "The key …1234 is retired. It cannot be checked"),
    ],
)
def test_what_a_key_cannot_become_is_refused(
    rows: Rows, admin: User, verb: Callable[..., Any], state: str, message: str
) -> None:
    Credential.objects.update(state=state)
    with pytest.raises(Refused, match=message):
        act(verb, admin, rows)
    assert Credential.objects.get().state == state


@pytest.mark.parametrize(
    ("permissions", "error"),
    [
        (KeyPermissions(True, True, True), "the key may withdraw"),
        (KeyPermissions(True, False, False), "the key may not trade"),
    ],
)
def test_a_key_that_may_withdraw_or_not_trade_is_refused_and_its_orders_pause(
    rows: Rows, permissions: KeyPermissions, error: str
) -> None:
    child = resting(rows)
    credential_checked(credential_pk=rows.credential.pk, permissions=permissions, now=NOW)
    credential = Credential.objects.get()
    assert (credential.state, credential.checked_at) == ("refused", NOW)
    assert credential.error.startswith(error)
    assert credential.permissions["withdraw"] is permissions.withdraw
    child.refresh_from_db()
    child.order.refresh_from_db()
    assert (child.status, child.order.status) == ("cancelling", "paused")
    assert f"the key of account alpha is refused: {error}" in child.order.reason
    assert last_audit()[:3] == ("key.refused", "desk", "alpha")


# --- checked every day ---------------------------------------------------------------------------------


def test_a_key_that_trades_is_checked_again_after_a_day(rows: Rows) -> None:
    Account.objects.create(
        label="closed", venue=rows.account.venue, environment="paper", is_active=False
    ).credentials.create(sealed=b"x", last_four="0000", state="active")
    day = timedelta(days=1)
    assert credential_checks_due(now=NOW) == 1, "it was never checked; that of the closed account waits"
    assert credential_checks_due(now=NOW) == 0, "it is wanted already"
    assert session_wanted(rows.credential.pk).check
    credential_checked(credential_pk=rows.credential.pk, permissions=GOOD, now=NOW)
    assert credential_checks_due(now=NOW + day - timedelta(seconds=1)) == 0
    assert credential_checks_due(now=NOW + day) == 1
    credential_check_failed(credential_pk=rows.credential.pk, error="the exchange is unreachable")
    assert credential_checks_due(now=NOW + day + timedelta(minutes=1)) == 1, "nobody knows yet"
    for state in ("unchecked", "suspended", "refused", "retired"):
        Credential.objects.update(state=state, check_wanted_at=None)
        assert credential_checks_due(now=NOW + 2 * day) == 0


@pytest.mark.parametrize(
    ("permissions", "words"),
    [
        (KeyPermissions(True, True, True), "withdraw was no and is yes"),
        (KeyPermissions(True, False, False), "trade was yes and is no"),
        (KeyPermissions(False, False, None), "read was yes and is no; trade was yes and is no; withdraw was"),
    ],
)
def test_a_key_whose_rights_have_changed_is_suspended_and_people_are_alerted(
    rows: Rows, admin: User, permissions: KeyPermissions, words: str
) -> None:
    child = resting(rows)
    for _ in range(2):  # nothing has changed
        credential_checked(credential_pk=rows.credential.pk, permissions=GOOD, now=NOW)
    assert not AlertSignal.objects.exists()
    credential_checked(credential_pk=rows.credential.pk, permissions=permissions, now=NOW)
    credential = Credential.objects.get()
    assert credential.state == "suspended"
    assert words in credential.error
    child.refresh_from_db()
    child.order.refresh_from_db()
    assert (child.status, child.order.status) == ("cancelling", "paused")
    assert words in child.order.reason
    assert last_audit()[:3] == ("key.suspended", "desk", "alpha")
    signal = AlertSignal.objects.get()
    assert (signal.kind, signal.scope) == ("key_changed", "account alpha")
    assert words in signal.text
    act(credential_resume, admin, rows)
    credential_checked(credential_pk=rows.credential.pk, permissions=GOOD, now=NOW)
    assert Credential.objects.get().state == "active", "put right and used again, it trades"


def test_a_right_that_is_not_told_any_more_is_alerted_to_and_stops_nothing(rows: Rows) -> None:
    order = rows.working()
    credential_checked(credential_pk=rows.credential.pk, permissions=GOOD, now=NOW)
    for _ in range(2):
        credential_checked(credential_pk=rows.credential.pk, permissions=KeyPermissions(True, True), now=NOW)
    assert Credential.objects.get().state == "active"
    order.refresh_from_db()
    assert order.status == "working"
    assert "withdraw was no and is not told" in AlertSignal.objects.get().text


def test_a_key_that_the_exchange_revokes_while_it_trades_is_alerted_to(rows: Rows) -> None:
    credential_refused(credential_pk=rows.credential.pk, error="the exchange refuses the key", now=NOW)
    assert "the key …1234 is refused: the exchange refuses the key" in AlertSignal.objects.get().text
    Credential.objects.update(state="unchecked")
    credential_refused(credential_pk=rows.credential.pk, error="the exchange refuses the key", now=NOW)
    assert AlertSignal.objects.count() == 1, "a new key that is wrong is told to who gave it"


@pytest.mark.parametrize("permissions", [GOOD, KeyPermissions(), KeyPermissions(read=True)])
def test_a_key_of_which_nothing_bad_is_known_trades(rows: Rows, permissions: KeyPermissions) -> None:
    Credential.objects.update(state="unchecked")
    credential_checked(credential_pk=rows.credential.pk, permissions=permissions, now=NOW)
    credential = Credential.objects.get()
    assert (credential.state, credential.error) == ("active", "")
    assert credential.permissions["withdraw"] is permissions.withdraw


@pytest.mark.parametrize("state", ["suspended", "retired"])
def test_an_answer_about_a_key_that_was_stopped_meanwhile_starts_nothing(rows: Rows, state: str) -> None:
    Credential.objects.update(state=state)
    credential_checked(credential_pk=rows.credential.pk, permissions=GOOD, now=NOW)
    credential_refused(credential_pk=rows.credential.pk, error="no", now=NOW)
    assert Credential.objects.get().state == state


def test_a_failed_check_changes_no_state_and_says_why(rows: Rows, admin: User) -> None:
    credential = act(credential_check, admin, rows)
    assert (credential.state, credential.check_wanted_at) == ("active", NOW)
    credential_check_failed(credential_pk=credential.pk, error="the exchange is unreachable")
    credential.refresh_from_db()
    assert (credential.state, credential.error) == ("active", "the exchange is unreachable")
    assert (credential.check_wanted_at, credential.checked_at) == (None, None)


def test_a_refused_key_may_be_checked_again(rows: Rows, admin: User) -> None:
    credential_refused(credential_pk=rows.credential.pk, error="the exchange refuses the key", now=NOW)
    credential = act(credential_check, admin, rows)
    assert (credential.state, credential.error) == ("unchecked", "")


def test_a_key_of_a_closed_account_is_not_checked(rows: Rows, admin: User) -> None:
    Account.objects.update(is_active=False)
    with pytest.raises(Refused, match="Account alpha is closed"):
        act(credential_check, admin, rows)


def test_a_replaced_key_that_turns_out_bad_leaves_one_refused_key_and_paused_orders(
    rows: Rows, admin: User
) -> None:
    order = rows.working()
    act(credential_suspend, admin, rows)
    fence = Account.objects.get().fence
    new = act(credential_replace, admin, rows, secrets=SECRETS)
    assert (new.state, new.last_four) == ("unchecked", "5678")
    assert Account.objects.get().fence == fence + 1
    credential_checked(credential_pk=new.pk, permissions=KeyPermissions(withdraw=True), now=NOW)
    states = dict(Credential.objects.values_list("last_four", "state"))
    assert states == {"1234": "retired", "5678": "refused"}
    order.refresh_from_db()
    assert order.status == "paused"
    details = account_details(rows.account.pk)
    assert details is not None
    assert details.credential_pk == new.pk


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        ({"apiKey": "key-12345678"}, "The secret is missing"),
        ({"secret": "hush"}, "The API key is missing"),
        ({"apiKey": "key 1234", "secret": "hush"}, "The API key has spaces"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_without_its_text(
    rows: Rows, admin: User, secrets: dict[str, str], message: str
) -> None:
    with pytest.raises(Refused, match=message) as refused:
        act(credential_replace, admin, rows, secrets=secrets)
    assert not {problem.value for problem in refused.value.problems} & set(secrets.values())
    assert Credential.objects.get().state == CredentialState.ACTIVE


def test_failures_are_counted_until_a_poll_succeeds(rows: Rows) -> None:
    for _ in range(2):
        account_failed(account_pk=rows.account.pk, error="timeout", now=NOW)
    account = Account.objects.get()
    assert (account.failures, account.error, account.error_at) == (2, "timeout", NOW)
    account_seen(account_pk=rows.account.pk, latency_ms=3.0)
    assert Account.objects.get().failures == 2, "an answer is no look"
    account_seen(account_pk=rows.account.pk, polled_at=NOW)
    account = Account.objects.get()
    assert (account.failures, account.error) == (0, "")
