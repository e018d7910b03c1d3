"""Web seals secrets only to the public keys that its settings name, whatever the database says."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from config.environment import public_keys
from execution.core.problem_codes import Code
from execution.core.problems import Refused
from execution.engine.keyring import Keyring, keyring_ensure
from execution.models import AlertChannel, Credential, Installation, Role, User
from execution.services.accounts.accounts import credential_add
from execution.services.alerts.channels import channel_add
from tests.factories import Rows

SECRETS = {"apiKey": "key-12345678", "secret": "hush"}
CHANNEL = {
    "label": "night",
    "type": "signed",
    "takes": "escalations",
    "least": "warning",
    "url": "http://127.0.0.1:9/hook",
}


def test_a_secret_is_sealed_to_a_key_that_the_settings_name(
    rows: Rows, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "keyring"
    ours = keyring_ensure(path)
    Installation.objects.update(sealing_key=ours)
    settings.TRANCHE_SEALING_KEYS = frozenset({ours, "ab" * 32})
    made = credential_add(account=rows.account, secrets=SECRETS, last_four="5678")
    assert Keyring.load(path).open(bytes(made.sealed), bound_to=rows.account.public_id) == SECRETS


def test_nothing_is_sealed_to_a_key_that_was_put_into_the_database(
    rows: Rows, settings: Settings, tmp_path: Path
) -> None:
    admin = User.objects.create(username="admin", role=Role.ADMIN)
    ours, theirs = keyring_ensure(tmp_path / "ours"), keyring_ensure(tmp_path / "theirs")
    settings.TRANCHE_SEALING_KEYS = frozenset({ours})
    Installation.objects.update(sealing_key=theirs, alert_sealing_key=theirs)
    before = Credential.objects.count(), AlertChannel.objects.count()
    with pytest.raises(Refused) as exchange_key:
        credential_add(account=rows.account, secrets=SECRETS, last_four="5678")
    with pytest.raises(Refused) as channel:
        channel_add(person=admin, raw=CHANNEL, now=timezone.now())
    for refused in (exchange_key, channel):
        (problem,) = refused.value.problems
        assert (problem.code, problem.value, problem.limit) == (Code.SEALING_KEY_NOT_TRUSTED, theirs, ours)
        assert "hush" not in problem.message
    assert (Credential.objects.count(), AlertChannel.objects.count()) == before


@pytest.mark.parametrize("written", ["ab" * 31, "xy" * 32, "ab" * 33, "0x" + "ab" * 31])
def test_a_setting_that_is_no_public_key_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="it takes keys of 64 hex digits"):
        public_keys("TRANCHE_SEALING_KEYS", ["ab" * 32, written])


def test_keys_are_read_in_either_case_and_an_empty_setting_names_none() -> None:
    assert public_keys("TRANCHE_SEALING_KEYS", [" " + "AB" * 32]) == {"ab" * 32}
    assert public_keys("TRANCHE_SEALING_KEYS", [""]) == frozenset()
