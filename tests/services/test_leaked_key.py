"""The page "A leaked key" of docs/how-to/keys.md, followed step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from execution.core.types import KeyPermissions, VenueStatus
from execution.engine.key_rotation import forget, rotate
from execution.engine.keyring import Keyring, KeyringError, keyring_ensure
from execution.models import AccessRequest, AlertSignal, AuditEntry, ChildOrder, Credential, Role, User
from execution.models import Installation as InstallationRow
from execution.selectors.decisions.sessions import account_details
from execution.selectors.reconciliation import account_differences
from execution.services.accounts.credentials import (
    credential_checked,
    credential_refused,
    credential_suspend,
)
from execution.services.accounts.resealing import ACCOUNT_KEYS
from execution.services.accounts.sealing import seal
from execution.services.children.children import child_report
from execution.services.children.reconciliation import Found, differences_record
from execution.services.desk.doors import key_replace_ask
from execution.services.desk.four_eyes import access_confirm
from execution.services.orders.orders import order_resume
from tests.factories import NOW, SYMBOL, Rows, report_of
from tests.invariants import check_order

LEAKED = {"apiKey": "leaked-key-0001", "secret": "everybody-knows-it"}
FRESH = {"apiKey": "another-key-0002", "secret": "nobody-knows-it"}
GOOD = KeyPermissions(read=True, trade=True, withdraw=False)


@pytest.fixture
def keyring(rows: Rows, tmp_path: Path, settings: Settings) -> Path:
    path = tmp_path / "keyring"
    settings.TRANCHE_KEYRING = str(path)
    InstallationRow.objects.update(sealing_key=keyring_ensure(path))
    key = Keyring.load(path).public_key_hex
    sealed = seal(LEAKED, public_key_hex=key, bound_to=rows.account.public_id)
    Credential.objects.update(sealed=sealed, last_four="0001")
    credential_checked(credential_pk=rows.credential.pk, permissions=GOOD, now=NOW)
    return path


@pytest.mark.parametrize("is_noticed", [False, True], ids=["suspended at once", "the session noticed first"])
def test_the_steps_of_a_leaked_key(rows: Rows, keyring: Path, is_noticed: bool) -> None:
    admin = User.objects.create(username="admin", role=Role.ADMIN)
    who: dict[str, Any] = {"person": admin, "account_id": rows.account.public_id, "now": NOW}
    child = rows.resting()
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    leaked = Credential.objects.get(last_four="0001")

    # 1. It is revoked at the exchange; the session may notice before a person has done step 2.
    if is_noticed:
        credential_refused(credential_pk=leaked.pk, error="the exchange refuses the key", now=NOW)
        assert AlertSignal.objects.get(kind="key_changed").scope == "account alpha"
    else:
        # 2. Suspended: orders pause, what rests is to be cancelled.
        credential_suspend(**who, reason="leaked")
    child.refresh_from_db()
    order = child.order
    assert (child.status, order.status, order.needs_person) == ("cancelling", "paused", True)

    # 3. What others did with it is shown as foreign.
    foreign = Found("foreign", SYMBOL, "77", {"side": "sell", "quantity": "1"})
    differences_record(account_pk=rows.account.pk, differences=[foreign], symbols=[SYMBOL], now=NOW)
    (shown,) = account_differences(rows.account.public_id, NOW)
    assert (shown["kind"], shown["key"]) == ("foreign", "77")

    # 4. Another key. It waits for a second person, and is checked before it trades.
    request = key_replace_ask(**who, secrets=FRESH, reason="the former one leaked")
    assert request is not None
    assert Credential.objects.latest("pk") == leaked
    access_confirm(
        public_id=request.public_id, person=rows.supervisor, seen_hash=request.content_hash, now=NOW
    )
    fresh = Credential.objects.latest("pk")
    leaked.refresh_from_db()
    assert (leaked.state, fresh.state, fresh.last_four) == ("retired", "unchecked", "0002")
    credential_checked(credential_pk=fresh.pk, permissions=GOOD, now=NOW)
    order.refresh_from_db()
    assert order.status == "paused", "another key resumes nothing"

    # 5. The keyring may have leaked too: rotate, forget. What was copied opens nothing of the database any more.
    copied = Keyring.load(keyring)
    rotate(keyring, ACCOUNT_KEYS, now=NOW)
    assert forget(keyring, ACCOUNT_KEYS, now=NOW) == 1
    details = account_details(rows.account.pk)
    assert details is not None
    assert Keyring.load(keyring).open(details.sealed, bound_to=details.public_id) == FRESH
    for one in Credential.objects.all():
        with pytest.raises(KeyringError, match="which this keyring does not hold"):
            copied.open(bytes(one.sealed), bound_to=rows.account.public_id)

    # 6. The cancel has arrived; the order goes on when a person says so, and nothing of it was sent twice.
    cancelled = report_of(child, VenueStatus.CANCELLED, "0")
    child_report(account_pk=rows.account.pk, report=cancelled, now=NOW)
    order_resume(
        public_id=order.public_id, person=rows.supervisor, reason="a new key", mode="catch_up", now=NOW
    )
    order.refresh_from_db()
    assert order.status == "working"
    assert ChildOrder.objects.count() == 1
    check_order(order)
    assert AccessRequest.objects.get().secret is None
    kinds = set(AuditEntry.objects.values_list("kind", flat=True))
    stopped = "key.refused" if is_noticed else "key.suspended"
    assert {stopped, "key.replaced", "access.confirmed", "keyring.rotated", "keyring.forgotten"} <= kinds
