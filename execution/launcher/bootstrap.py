"""The preparation of a desk before its processes start: tables, the installation, people, paper accounts."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from execution.core.problems import Refused
from execution.engine.keyring import Keyring, KeyringError, keyring_ensure
from execution.launcher.files import read_people, write_private
from execution.models import Credential, Environment, Installation, User
from execution.services.accounts.accounts import IN_USE, account_add, credential_add, venue_ensure
from execution.services.desk.installation import FIRST_PEOPLE, installation_ensure, people_ensure

PAPER_BALANCES = {"BTC": "100", "USDT": "10000000", "ETH": "1000", "SOL": "50000"}
PAPER_SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
#: The paper venues, each with an account of the same name: the profiles of ``execution.paper``.
PAPER_LABELS = ("alpha", "beta", "gamma")


@dataclass(frozen=True, slots=True)
class PaperKey:
    """The key of a paper account, the same for the exchange and for the desk."""

    key: str
    secret: str


def paper_key_ensure(folder: Path) -> PaperKey:
    """Return the key in a paper venue's ``accounts.json``. At the first start, make the file with a random key."""
    path = folder / "accounts.json"
    if not path.exists():
        account = {
            "key": secrets.token_hex(16),
            "secret": secrets.token_hex(32),
            "balances": PAPER_BALANCES,
        }
        write_private(path, json.dumps([account], indent=1) + "\n")
    first = json.loads(path.read_text(encoding="utf-8"))[0]
    return PaperKey(first["key"], first["secret"])


def paper_options(port: int) -> dict[str, Any]:
    """Return options for ccxt's binance class to reach the paper exchange and nothing else."""
    http, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    return {
        "urls": {
            "api": {
                "public": f"{http}/api/v3",
                "private": f"{http}/api/v3",
                "sapi": f"{http}/sapi/v1",
                # ccxt tells binance's spot stream by the "/stream" in its address.
                "ws": {"spot": f"{ws}/stream/ws", "ws-api": {"spot": f"{ws}/ws-api/v3"}},
            }
        },
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
        },
    }


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Prepares the database for the processes. It is safe to run at every start.

    ``paper_ports`` maps the label of each paper venue to its port. It is empty if the installation is not a paper one.
    With ``keeps_alert_key``, a missing keyring of alerts is never replaced by a new one, because it may have been
    moved to the host that sends alerts.
    """

    var: Path
    keyring: Path
    alert_keyring: Path
    environment: str
    paper_ports: Mapping[str, int]
    keeps_alert_key: bool = False

    @property
    def people_file(self) -> Path:
        return self.var / "people.txt"

    def run(self) -> tuple[str, ...]:
        """Prepare the tables, the keyrings, the installation's row, the people and the paper accounts, in this order.

        Returns the names of the people whom this call created. Raises ``CommandError`` for a problem that a person
        must solve.
        """
        try:
            migrate_if_needed()
            self._refuse_lost_keys()
            public_key = keyring_ensure(self.keyring)
            alert_key = "" if self.has_moved_alert_keyring() else keyring_ensure(self.alert_keyring)
            now = datetime.now(UTC)
            installation_ensure(
                environment=self.environment, sealing_key=public_key, alert_sealing_key=alert_key, now=now
            )
            created = self._people()
            for label, port in self.paper_ports.items():
                self._paper_account(label, port)
        except (Refused, KeyringError) as error:
            raise CommandError(str(error)) from error
        finally:
            connections.close_all()  # this thread ends here
        return created

    def has_moved_alert_keyring(self) -> bool:
        """Return True if the keyring that opens the secrets of alert channels was moved to another folder or host.

        It was moved if the database names its public key, and its file is not in this desk's folder. In that case no
        new keyring may be made, because it could not open what was sealed before.
        """
        if not self.keeps_alert_key or self.alert_keyring.exists():
            return False
        return Installation.objects.exclude(alert_sealing_key="").exists()

    def _people(self) -> tuple[str, ...]:
        """Create the first people, unless there are any. Return the names of those created.

        The passwords are written to their file first, so that a crash before the database write does not lose them.
        """
        if User.objects.exists():
            return ()
        if not self.people_file.exists():
            passwords = {name: secrets.token_urlsafe(15) for name in FIRST_PEOPLE}
            write_private(self.people_file, "".join(f"{name} {word}\n" for name, word in passwords.items()))
        return people_ensure(passwords=read_people(self.people_file))

    def _paper_account(self, label: str, port: int) -> None:
        key = paper_key_ensure(self.var / "paper" / label)
        venue = venue_ensure(label=label, exchange="binance", options=paper_options(port))
        account = account_add(
            label=label,
            venue=venue,
            environment=Environment.PAPER,
            symbols=PAPER_SYMBOLS,
            traders=User.objects.filter(username="trader"),
        )
        if not account.credentials.filter(state__in=IN_USE).exists():
            parts = {"apiKey": key.key, "secret": key.secret}
            credential_add(account=account, secrets=parts, last_four=key.key[-4:])

    def _refuse_lost_keys(self) -> None:
        """Raise ``KeyringError`` if the keyring is gone, or cannot open a stored exchange key that is in use.

        Otherwise a new keyring would be made, and the stored keys would be lost without notice.
        """
        in_use = list(Credential.objects.filter(state__in=IN_USE).select_related("account"))
        restore = "restore the keyring that belongs to this database (TRANCHE_KEYRING)"
        if in_use and not self.keyring.exists():
            raise KeyringError(
                f"the keyring {self.keyring} is gone and {len(in_use)} keys need it: {restore}"
            )
        for credential in in_use:
            if not Keyring.load(self.keyring).holds(bytes(credential.sealed)):
                raise KeyringError(
                    f"the keyring {self.keyring} cannot open the key of {credential.account}: {restore}"
                )


def migrate_if_needed() -> None:
    """Migrate the tables if that is needed. The check takes a tenth of the time of the ``migrate`` command."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        if connection.vendor == "postgresql":
            # Between two statements Python makes the models, on a busy machine for longer than a transaction may idle.
            with connection.cursor() as cursor:
                cursor.execute("SET idle_in_transaction_session_timeout = 0")
        call_command("migrate", interactive=False, verbosity=0)
