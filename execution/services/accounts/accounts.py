"""The services that create venues and accounts, and seal exchange keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from execution.core.account_options import option_problems
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, attempt, length_problem, refuse, refuse_if
from execution.models import Account, Credential, CredentialState, Installation, Role, User, Venue
from execution.selectors.network import network_of
from execution.services.accounts.sealing import key_id_of, seal, sealed_key_id
from execution.services.records.actors import person_actor
from execution.services.records.audit import audit_append
from execution.services.records.journal import DESK
from execution.services.records.reasons import kept_reason

log = structlog.get_logger(__name__)

MAX_LABEL_LENGTH = 40
LAST_FOUR_LENGTH = 4
SPOT_SYMBOL = re.compile(r"[A-Z0-9]+/[A-Z0-9]+")
#: What ccxt calls the parts of a key.
SECRET_NAMES = frozenset(
    {"apiKey", "secret", "uid", "accountId", "login", "password", "twofa"}
    | {"privateKey", "walletAddress", "token"}
)
IN_USE = (CredentialState.UNCHECKED, CredentialState.ACTIVE)
#: The parts that every key has, and the names that people use for them.
KEY_PARTS = (("apiKey", "The API key"), ("secret", "The secret"))


class AccountNotFound(Exception):
    """There is no such account."""


@dataclass(frozen=True, slots=True)
class SealedKey:
    """An exchange key, sealed for the account with the id ``account_id``. The account may be created later."""

    account_id: str
    sealed: bytes = field(repr=False)
    last_four: str


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A new account, at an existing ``venue`` or at a new venue of ``exchange``.

    If ``options`` is None, the options of an existing venue do not change. ``secrets`` are the parts of the exchange
    key by ccxt's names; ``repr`` does not show them. For a key that is already sealed, give ``key`` and leave
    ``secrets`` empty.
    """

    label: str
    venue: str
    exchange: str
    environment: str
    options: Mapping[str, Any] | None
    symbols: Sequence[str]
    traders: Sequence[str]
    secrets: Mapping[str, str] = field(repr=False)
    key: SealedKey | None = None


@transaction.atomic
def venue_ensure(*, label: str, exchange: str, options: Mapping[str, Any]) -> Venue:
    """Create the venue ``label`` with these ccxt ``options``. An existing venue gets the new options.

    Raises ``Refused`` for a bad label, and if the venue exists with another ``exchange``. A venue never changes its
    exchange, because its earlier orders and fills would then seem to come from the new one.
    """
    _refuse_bad_label(label)
    venue, created = Venue.objects.select_for_update(no_key=True).get_or_create(
        label=label, defaults={"exchange": exchange, "options": dict(options)}
    )
    if venue.exchange != exchange:
        message = f"The venue {label} is at {venue.exchange}. It cannot become {exchange}."
        refuse("exchange", message, exchange, venue.exchange, code=Code.VENUE_FIXED)
    if not created and venue.options != options:
        venue.options = dict(options)
        venue.save(update_fields=["options"])
    return venue


@transaction.atomic
def account_add(
    *,
    label: str,
    venue: Venue,
    environment: str,
    symbols: Sequence[str],
    traders: Iterable[User],
    public_id: str = "",
) -> Account:
    """Add a named account at ``venue`` for ``traders``. An existing account of that name is returned unchanged.

    Raises ``Refused`` when the installation is missing or of another environment, a symbol is not BASE/QUOTE, or the
    label names an account at another venue.
    """
    _refuse_bad_label(label)
    _refuse_other_environment(environment)
    refuse_bad_symbols(symbols)
    fields = {"venue": venue, "environment": environment, "symbols": list(symbols)}
    account, created = Account.objects.select_for_update(no_key=True).get_or_create(
        label=label, defaults=fields | ({"public_id": public_id} if public_id else {})
    )
    if account.venue_id != venue.pk:
        message = f"The account {label} is at the venue {account.venue}. It cannot move to {venue}."
        refuse("label", message, label, account.venue.label, code=Code.VENUE_FIXED)
    if created:
        account.traders.set(traders)
    return account


@transaction.atomic
def credential_add(*, account: Account, secrets: Mapping[str, str], last_four: str) -> Credential:
    """Seal ``secrets`` (by ccxt's names: apiKey, secret, ...) for ``account`` and retire the former key.

    If it is called twice, only the second key stays in use. ``last_four`` are the characters of the key that people
    may see. Raises ``Refused`` when a name is unknown, a text is empty, or there is no installation.
    """
    return credential_keep(
        account=account, key=key_seal(secrets, account_id=account.public_id, last_four=last_four)
    )


def key_seal(secrets: Mapping[str, str], *, account_id: str, last_four: str) -> SealedKey:
    """Seal a key for the account with this public id. Raises ``Refused`` as ``credential_add`` does."""
    known = ", ".join(sorted(SECRET_NAMES))
    problems = [
        Problem(name, f"ccxt knows no part of a key called {name!r}.", name, known, code=Code.FIELD_UNKNOWN)
        for name in secrets
        if name not in SECRET_NAMES
    ]
    problems += [
        Problem(name, f"{name} is empty.", code=Code.VALUE_MISSING)
        for name, text in secrets.items()
        if not text
    ]
    if not secrets:
        message = "A key needs at least one part, such as apiKey."
        problems.append(Problem("secrets", message, code=Code.VALUE_MISSING))
    if len(last_four) > LAST_FOUR_LENGTH:
        problems.append(length_problem("last_four", "The shown part of the key", last_four, LAST_FOUR_LENGTH))
    refuse_if(problems)
    sealed = seal(secrets, public_key_hex=sealing_key_now(), bound_to=account_id)
    return SealedKey(account_id, sealed, last_four)


def sealing_key_now() -> str:
    """Return the workers' public key (hex).

    Raises ``Refused`` without an installation, and when ``trusted_key`` does.
    """
    return trusted_key(_installation().sealing_key)


def trusted_key(public_key_hex: str) -> str:
    """Return ``public_key_hex``, the public key in the database, if secrets may be sealed to it.

    Raises ``Refused`` if ``TRANCHE_SEALING_KEYS`` names only other keys. The key in the database may then be an
    attacker's, who wants to read the next secret that is sealed.
    """
    trusted: frozenset[str] = settings.TRANCHE_SEALING_KEYS
    if trusted and public_key_hex not in trusted:
        log.error("the database names a sealing key that is not in TRANCHE_SEALING_KEYS", key=public_key_hex)
        message = (
            "The database names a sealing key that TRANCHE_SEALING_KEYS does not have, so nothing was sealed. "
            "Tell the person who runs the desk."
        )
        refuse("", message, public_key_hex, ", ".join(sorted(trusted)), code=Code.SEALING_KEY_NOT_TRUSTED)
    return public_key_hex


@transaction.atomic
def credential_keep(*, account: Account, key: SealedKey) -> Credential:
    """Store a sealed key as the account's newest, unchecked, and retire the former key.

    Raises ``Refused`` if the key is sealed to another public key than the installation's present one. After a rotation
    of the keyring the workers may not be able to open it.
    """
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)  # two adding at once queue here
    current = Installation.objects.select_for_update(no_key=True).get().sealing_key
    if sealed_key_id(key.sealed) != key_id_of(bytes.fromhex(current)):
        message = "The keyring has changed since the key was given. Give the key again."
        refuse("", message, code=Code.ACCESS_OUTDATED)
    # Another fence ends the session that still signs with the former key; its holder starts a new one.
    Account.objects.filter(pk=account.pk).update(fence=F("fence") + 1)
    # Whatever state they are in: one key stands beside an account, the newest.
    account.credentials.exclude(state=CredentialState.RETIRED).update(
        state=CredentialState.RETIRED, check_wanted_at=None
    )
    return Credential.objects.create(account=account, sealed=key.sealed, last_four=key.last_four)


# --- what an admin does -----------------------------------------------------------------------------


def actor_of_admin(person: User | None) -> str:
    """Return the name of ``person`` for the audit. None stands for the operator's command line. Raises ``Refused`` for
    anybody but an admin.
    """
    if person is None:
        return DESK
    if person.role != Role.ADMIN or not person.is_active:
        message = f"Only an active admin changes accounts and keys. {person.username} is a {person.role}."
        refuse("", message, person.role, Role.ADMIN, code=Code.ROLE_NOT_ALLOWED)
    return person_actor(person)


def reason_of(reason: str) -> str:
    """Return ``reason`` without spaces around it. Raises ``Refused`` if it is empty or too long."""
    if not reason.strip():
        message = "A reason is required. It goes into the audit log and is shown to the affected traders."
        refuse("reason", message, code=Code.VALUE_MISSING)
    return kept_reason(reason)


def account_locked(public_id: str) -> Account:
    """Lock the account's row and return it. Raises ``AccountNotFound``."""
    account = Account.objects.select_for_update(of=("self",), no_key=True).filter(public_id=public_id).first()
    if account is None:
        raise AccountNotFound(public_id)
    return account


@transaction.atomic
def account_create(*, person: User | None, new_account: NewAccount, now: datetime) -> Account:
    """Create an account with its key, which is sealed and unchecked. If it raises ``Refused``, nothing is created."""
    actor = actor_of_admin(person)
    refuse_if(new_account_problems(new_account))
    existing = Venue.objects.filter(label=new_account.venue).first()
    options = (
        dict(new_account.options or {})
        if existing is None or new_account.options is not None
        else existing.options
    )
    exchange = new_account.exchange or (existing.exchange if existing else "")
    _refuse_other_venue(existing, new_account.venue, exchange, options)
    venue = venue_ensure(label=new_account.venue, exchange=exchange, options=options)
    account = account_add(
        label=new_account.label,
        venue=venue,
        environment=new_account.environment,
        symbols=tuple(dict.fromkeys(new_account.symbols)),
        traders=traders_named(new_account.traders),
        public_id=new_account.key.account_id if new_account.key else "",
    )
    key = new_account.key or key_of_secrets(new_account.secrets, account_id=account.public_id)
    credential = credential_keep(account=account, key=key)
    data = {
        "venue": venue.label,
        "exchange": venue.exchange,
        "environment": account.environment,
        "symbols": account.symbols,
        "traders": sorted(set(new_account.traders)),
        "last_four": credential.last_four,
    }
    audit_append(kind="account.added", actor=actor, subject=account.label, at=now, data=data)
    return account


def key_of_secrets(secrets: Mapping[str, str], *, account_id: str) -> SealedKey:
    """Seal a key that a person typed in, and add its last characters, which people may see."""
    return key_seal(secrets, account_id=account_id, last_four=last_four_of(secrets.get("apiKey", "")))


def last_four_of(api_key: str) -> str:
    """Return the last four characters of a key, for display. Return an empty text for a key of at most eight
    characters.
    """
    return api_key[-LAST_FOUR_LENGTH:] if len(api_key) >= 2 * LAST_FOUR_LENGTH else ""


def key_problems(secrets: Mapping[str, str]) -> list[Problem]:
    """Return the problems with a key that a person typed in. Their messages never contain the key."""
    problems = [
        Problem(name, f"{label} is missing.", code=Code.VALUE_MISSING)
        for name, label in KEY_PARTS
        if not secrets.get(name)
    ]
    return problems + [
        Problem(name, f"{label} has spaces or line breaks. Paste it again.", code=Code.VALUE_MALFORMED)
        for name, label in KEY_PARTS
        if any(character.isspace() for character in secrets.get(name, "").strip("\n"))
        and "PRIVATE KEY" not in secrets[name]  # a key in PEM has lines
    ]


def new_account_problems(new_account: NewAccount) -> list[Problem]:
    """Return the problems with a new account. Its venue is checked when it is created."""
    problems = [] if new_account.key else key_problems(new_account.secrets)
    if Account.objects.filter(label=new_account.label).exists():
        message = f"There is an account {new_account.label} already."
        problems.append(Problem("label", message, new_account.label, code=Code.LABEL_TAKEN))
    for check in (
        lambda: _refuse_bad_label(new_account.label),
        lambda: _refuse_other_environment(new_account.environment),
        lambda: refuse_bad_symbols(new_account.symbols),
        lambda: traders_named(new_account.traders),
    ):
        attempt(problems, check)
    return problems


def _refuse_other_venue(
    existing: Venue | None, label: str, exchange: str, options: Mapping[str, Any]
) -> None:
    """Refuse a missing venue, a bad exchange, and options that differ from an existing venue's.

    All accounts at a venue share its options, so adding one account must not change them.
    """
    if not label:
        refuse("venue", "The account needs a venue.", code=Code.VALUE_MISSING)
    if not re.fullmatch(r"[a-z0-9_]{1,40}", exchange):
        message = f"{exchange!r} is not ccxt's id of an exchange, such as binance or bybit."
        refuse("exchange", message, exchange, code=Code.EXCHANGE_UNSUPPORTED)
    if existing is not None and existing.options != options:
        message = f"The venue {label} exists with other options. Give the account a venue of its own."
        refuse("options", message, code=Code.VENUE_FIXED)
    refuse_if(option_problems(exchange, options, network_of(_installation().environment)))


def traders_named(names: Sequence[str]) -> list[User]:
    """Return the users with these names. Raises ``Refused`` unless each is an active trader."""
    people = {person.username: person for person in User.objects.filter(username__in=names)}
    problems, code = [], Code.NOT_A_TRADER
    for name in names:
        person = people.get(name)
        if person is None:
            problems.append(Problem("traders", f"There is nobody called {name}.", name, code=code))
        elif not person.may_trade or not person.is_active:
            state = person.role if person.is_active else "not active"
            message = f"{name} is {state}. Accounts are granted to active traders only."
            problems.append(Problem("traders", message, name, code=code))
    refuse_if(problems)
    return list(people.values())


def _installation() -> Installation:
    installation = Installation.objects.first()
    if installation is None:
        message = "The installation is not set up yet. Start the desk once."
        refuse("", message, code=Code.INSTALLATION_MISSING)
    return installation


def _refuse_bad_label(label: str) -> None:
    if not label or len(label) > MAX_LABEL_LENGTH:
        raise Refused([length_problem("label", "The label", label, MAX_LABEL_LENGTH, 1)])


def _refuse_other_environment(environment: str) -> None:
    ours = _installation().environment
    if environment != ours:
        message = f"This {ours} installation takes no {environment} account."
        refuse("environment", message, environment, ours, code=Code.ENVIRONMENT_MISMATCH)


def refuse_bad_symbols(symbols: Sequence[str]) -> None:
    problems = [
        Problem(
            "symbols",
            f"{symbol!r} is not a spot symbol such as BTC/USDT.",
            symbol,
            code=Code.VALUE_MALFORMED,
        )
        for symbol in symbols
        if not SPOT_SYMBOL.fullmatch(symbol)
    ]
    if not symbols:
        problems.append(Problem("symbols", "An account needs at least one symbol.", code=Code.VALUE_MISSING))
    refuse_if(problems)
