"""``manage.py account``: manage accounts and keys from the operator's shell. Secrets are never arguments."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from getpass import getpass
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import transaction

from execution.core.account_options import parse_options
from execution.core.numbers import float_number
from execution.core.problem_codes import Code
from execution.core.problems import Refused, as_sentence, refuse
from execution.models import Account, Environment
from execution.selectors.accounts import (
    AccountFacts,
    AccountRow,
    a_worker_runs,
    account_facts,
    account_id_of,
    account_rows,
)
from execution.selectors.network import network_of
from execution.services.accounts.accounts import NewAccount, account_create
from execution.services.accounts.changes import account_assumptions_accept, account_exclusive
from execution.services.accounts.credentials import credential_check
from execution.services.engine.workers import database_now
from execution.venues.ccxt_packages import EXCHANGES, EXCHANGES_WITHOUT_WEBSOCKETS, VERSION
from execution.venues.client import client_class
from execution.venues.gateway import open_gateway

#: For each part of a key: ccxt's name, the environment variable, and the text of the prompt.
PARTS = (
    ("apiKey", "TRANCHE_API_KEY", "API key"),
    ("secret", "TRANCHE_API_SECRET", "Secret"),
    ("password", "TRANCHE_API_PASSPHRASE", "Passphrase (empty for none)"),
)
#: Exit codes other than 0: refused or failed, and no worker that could be asked.
FAILED, NO_WORKER = 1, 3
POLL_EVERY = 0.2  # seconds
COLUMNS = (
    "label",
    "venue",
    "exchange",
    "environment",
    "key",
    "state",
    "read",
    "trade",
    "withdraw",
    "checked",
)


class Command(BaseCommand):
    help = (
        "Accounts at exchanges and their keys. Secrets come from TRANCHE_API_KEY, TRANCHE_API_SECRET and "
        "TRANCHE_API_PASSPHRASE in the environment, or are asked for; never from arguments."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, title="what to do")
        add = verbs.add_parser("add", help="add an account with its key, sealed and to be checked")
        add.add_argument("--label", required=True, help="the account's name")
        add.add_argument("--exchange", required=True, help="ccxt's id, such as binance or bybit")
        add.add_argument("--environment", required=True, choices=Environment.values)
        add.add_argument(
            "--options",
            default=None,
            metavar="JSON",
            help="where the exchange is (docs/reference/exchanges.md)",
        )
        add.add_argument("--venue", default="", help="label of the venue (default: the account's)")
        add.add_argument("--symbols", default="BTC/USDT", metavar="A/B,C/D", help="default BTC/USDT")
        add.add_argument("--grant", default="", metavar="USER,...", help="traders who may use it")
        check = verbs.add_parser("check", help="have a worker ask the exchange what the key may do")
        check.add_argument("label")
        check.add_argument("--within", type=float_number, default=30.0, help="seconds to wait (default 30)")
        alone = verbs.add_parser(
            "exclusive", help="mark an account as the desk's alone, for the exchange's dead-man's switch"
        )
        alone.add_argument("label")
        alone.add_argument("--reason", required=True, help="goes into the audit log")
        alone.add_argument("--off", action="store_true", help="others use the account too")
        assumed = verbs.add_parser(
            "assumptions", help="accept what is only assumed about a live account's exchange"
        )
        assumed.add_argument("label")
        assumed.add_argument("--reason", required=True, help="goes into the audit log")
        verbs.add_parser("list", help="all accounts, with what their keys may do")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        try:
            verbs = {
                "add": self._add,
                "check": self._check,
                "exclusive": self._mark,
                "assumptions": self._accept,
                "list": self._list,
            }
            verbs[options["verb"]](options)
        except Refused as refused:
            lines = [f"{problem.field}: {problem.message}".lstrip(": ") for problem in refused.problems]
            raise CommandError("\n".join(lines), returncode=FAILED) from None

    # --- add -----------------------------------------------------------------------------------

    def _add(self, options: dict[str, Any]) -> None:
        given = None if options["options"] is None else parse_options(options["options"])
        refuse_unknown_exchange(options["exchange"])
        asked = NewAccount(
            label=options["label"],
            venue=options["venue"] or options["label"],
            exchange=options["exchange"],
            environment=options["environment"],
            options=given,
            symbols=separated(options["symbols"]),
            traders=separated(options["grant"]),
            secrets=read_secrets(os.environ),
        )
        client_class(asked.exchange)  # loading it takes a second, which no transaction should
        with transaction.atomic():
            account = account_create(person=None, new_account=asked, now=datetime.now(UTC))
            refuse_unusable(account)
        facts = account_facts(account.public_id)
        if facts is None or facts["key"] is None:
            raise CommandError("the account is gone again")
        self.stdout.write(f"account {facts['label']} ({facts['id']}), {facts['environment']}")
        self.stdout.write(f"  venue    {facts['venue']} ({facts['exchange']})")
        self.stdout.write(f"  symbols  {', '.join(facts['symbols'])}")
        self.stdout.write(f"  traders  {', '.join(facts['traders']) or 'nobody yet'}")
        self.stdout.write(f"  key      …{facts['key']['last_four']}, sealed, unchecked")
        self.stdout.write(f"A worker checks it next: manage.py account check {facts['label']}")

    # --- check ---------------------------------------------------------------------------------

    def _check(self, options: dict[str, Any]) -> None:
        label, within = options["label"], options["within"]
        account_id = account_id_of(label)
        if account_id is None:
            raise CommandError(f"there is no account {label}", returncode=FAILED)
        credential_check(person=None, account_id=account_id, now=datetime.now(UTC))
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            facts = account_facts(account_id)
            if facts is not None and facts["key"] is not None and facts["key"]["check_wanted_at"] is None:
                return self._say_checked(facts)
            time.sleep(POLL_EVERY)
        if not a_worker_runs(at=database_now()):
            message = f"no worker runs, so nobody could ask the exchange within {within:g} s: start the desk"
            raise CommandError(f"{message}; the check is made then", returncode=NO_WORKER)
        message = f"no worker has checked the key of {label} within {within:g} s; see account list"
        raise CommandError(message, returncode=NO_WORKER)

    def _say_checked(self, facts: AccountFacts) -> None:
        key = facts["key"]
        if key is None:
            raise CommandError(f"the account {facts['label']} has no key", returncode=FAILED)
        may = ", ".join(f"{name} {word(key[name])}" for name in ("read", "trade", "withdraw"))
        self.stdout.write(f"{facts['label']}: key …{key['last_four']} is {key['state']}; it may: {may}")
        if key["state"] != "active" or key["error"]:
            raise CommandError(key["error"] or f"the key is {key['state']}", returncode=FAILED)

    # --- exclusive -----------------------------------------------------------------------------

    def _mark(self, options: dict[str, Any]) -> None:
        label, account_id = options["label"], self._account_id(options)
        account = account_exclusive(
            person=None,
            account_id=account_id,
            is_exclusive=not options["off"],
            reason=options["reason"],
            now=datetime.now(UTC),
        )
        self.stdout.write(f"{label}: the desk's alone: {word(account.is_exclusive)}")
        facts = account_facts(account_id)
        if account.is_exclusive and facts is not None and not facts["has_switch"]:
            self.stdout.write(f"{facts['exchange']} has no dead-man's switch, so nothing is armed")

    def _account_id(self, options: dict[str, Any]) -> str:
        account_id = account_id_of(options["label"])
        if account_id is None:
            raise CommandError(f"there is no account {options['label']}", returncode=FAILED)
        return account_id

    # --- assumptions ---------------------------------------------------------------------------

    def _accept(self, options: dict[str, Any]) -> None:
        label, account_id = options["label"], self._account_id(options)
        facts = account_facts(account_id)
        waiting = [] if facts is None else facts["open_assumptions"]
        account_assumptions_accept(
            person=None, account_id=account_id, reason=options["reason"], now=datetime.now(UTC)
        )
        self.stdout.write(f"{label}: accepted: {', '.join(waiting) or 'nothing was open'}")

    # --- list ----------------------------------------------------------------------------------

    def _list(self, _options: dict[str, Any]) -> None:
        rows = account_rows()
        if not rows:
            self.stdout.write("no accounts")
            return
        table = [(*COLUMNS, "symbols", "traders"), *(line_of(row) for row in rows)]
        widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
        for line in table:
            cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
            self.stdout.write("  ".join(cells).rstrip())


def refuse_unusable(account: Account) -> None:
    """Build the exchange client that a worker would build, and discard it. So unusable options are refused at once."""
    try:
        open_gateway(
            exchange_id=account.venue.exchange,
            options=account.venue.options,
            api_key="-",
            secret="-",  # noqa: S106  # nothing is signed
            clock=lambda: datetime.now(UTC),
            network=network_of(account.environment),
        )
    except ValueError as error:
        refuse("options", as_sentence(str(error)), code=Code.OPTIONS_UNUSABLE)


def refuse_unknown_exchange(exchange: str) -> None:
    """Refuse an exchange that ccxt does not have, because it would fail only in its first session."""
    if exchange in EXCHANGES:
        return
    if exchange in EXCHANGES_WITHOUT_WEBSOCKETS:
        message = f"ccxt has no websockets for {exchange}. The desk needs its private stream."
    else:
        message = f"ccxt {VERSION} knows no exchange {exchange!r}."
    refuse("exchange", message, exchange, code=Code.EXCHANGE_UNSUPPORTED)


def read_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of the key, from the environment if it has any of them; otherwise ask at a terminal."""
    if any(environment.get(variable) for _, variable, _ in PARTS):
        found = {name: environment.get(variable, "") for name, variable, _ in PARTS}
    elif sys.stdin.isatty():
        found = {name: getpass(f"{prompt}: ") for name, _, prompt in PARTS}
    else:
        variables = ", ".join(variable for _, variable, _ in PARTS[:2])
        raise CommandError(f"no terminal to ask for the key: set {variables}", returncode=FAILED)
    return {name: text.strip() for name, text in found.items() if text.strip()}


def separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def word(allowed: bool | None) -> str:
    return "unknown" if allowed is None else "yes" if allowed else "no"


def line_of(row: AccountRow) -> tuple[str, ...]:
    key = row["key"]
    known: tuple[str, ...] = ("–", "no key", "–", "–", "–", "–")
    if key is not None:
        checked = "never" if key["checked_at"] is None else f"{key['checked_at']:%Y-%m-%d %H:%M:%S}Z"
        state = key["state"] if row["is_active"] else f"closed, {key['state']}"
        known = (
            f"…{key['last_four']}",
            state,
            word(key["read"]),
            word(key["trade"]),
            word(key["withdraw"]),
            checked,
        )
    return (
        *(row["label"], row["venue"], row["exchange"], row["environment"]),
        *known,
        ",".join(row["symbols"]),
        ",".join(row["traders"]) or "nobody",
    )
