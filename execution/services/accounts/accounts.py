"""Verbs on venues, the accounts there, and the sealing of their keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from execution.core.account_options import option_problems
from execution.core.problems import Problem, Refused
from execution.models import (
    Account,
    Credential,
    CredentialState,
    Installation,
    Role,
    User,
    Venue,
)
from execution.selectors.network import network_of
from execution.services.accounts.sealing import seal
from execution.services.records.audit import audit_append
from execution.services.records.journal import DESK

MAX_LABEL_LENGTH = 40
LAST_FOUR_LENGTH = 4
SPOT_SYMBOL = re.compile(r"[A-Z0-9]+/[A-Z0-9]+")
#: What ccxt calls the parts of a key.
SECRET_NAMES = frozenset(
    {"apiKey", "secret", "uid", "accountId", "login", "password", "twofa"}
    | {"privateKey", "walletAddress", "token"}
)
IN_USE = (CredentialState.UNCHECKED, CredentialState.ACTIVE)
#: The parts that every key has, and what people call them.
KEY_PARTS = (("apiKey", "the API key"), ("secret", "the secret"))


class AccountNotFound(Exception):
    """There is no such account."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an admin asks for: an account at an existing ``venue``, or at a new one of ``exchange``.

    ``options`` None leaves an existing venue's as they are. ``secrets`` are by ccxt's names; the object's
    text does not show them.
    """

    label: str
    venue: str
    exchange: str
    environment: str
    options: Mapping[str, Any] | None
    symbols: Sequence[str]
    traders: Sequence[str]
    secrets: Mapping[str, str] = field(repr=False)


@transaction.atomic
def venue_ensure(*, label: str, exchange: str, options: Mapping[str, Any]) -> Venue:
    """The venue ``label``, made or brought to these ccxt ``options``.

    Raises ``Refused`` when the label is bad, or the venue exists with another exchange: its orders and
    fills would change their meaning.
    """
    _refuse_bad_label(label)
    venue, created = Venue.objects.select_for_update(no_key=True).get_or_create(
        label=label, defaults={"exchange": exchange, "options": dict(options)}
    )
    if venue.exchange != exchange:
        message = f"the venue {label} is at {venue.exchange}; it cannot become {exchange}"
        raise Refused([Problem("exchange", message, exchange, venue.exchange)])
    if not created and venue.options != options:
        venue.options = dict(options)
        venue.save(update_fields=["options"])
    return venue


@transaction.atomic
def account_add(
    *, label: str, venue: Venue, environment: str, symbols: Sequence[str], traders: Iterable[User]
) -> Account:
    """A named account at ``venue`` for ``traders``; an account that exists so is returned as it is.

    Raises ``Refused`` when the installation is missing or of another environment, a symbol is not
    BASE/QUOTE, or the label names an account at another venue.
    """
    _refuse_bad_label(label)
    _refuse_other_environment(environment)
    refuse_bad_symbols(symbols)
    account, created = Account.objects.select_for_update(no_key=True).get_or_create(
        label=label,
        defaults={"venue": venue, "environment": environment, "symbols": list(symbols)},
    )
    if account.venue_id != venue.pk:
        message = f"the account {label} is at the venue {account.venue}; it cannot move to {venue}"
        raise Refused([Problem("label", message, label, account.venue.label)])
    if created:
        account.traders.set(traders)
    return account


@transaction.atomic
def credential_add(*, account: Account, secrets: Mapping[str, str], last_four: str) -> Credential:
    """Seal ``secrets`` (by ccxt's names: apiKey, secret, ...) for ``account`` and retire the former key.

    Called twice it leaves one key in use, the last one. ``last_four`` are the characters that people may
    see. Raises ``Refused`` when a name is unknown, a text is empty, or there is no installation.
    """
    problems = [
        Problem(
            name, f"{name!r} is not a part of a key that ccxt knows", name, ", ".join(sorted(SECRET_NAMES))
        )
        for name in secrets
        if name not in SECRET_NAMES
    ]
    problems += [Problem(name, f"{name} is empty") for name, text in secrets.items() if not text]
    if not secrets:
        problems.append(Problem("secrets", "a key needs at least one part, such as apiKey"))
    if len(last_four) > LAST_FOUR_LENGTH:
        message = f"{len(last_four)} characters of the key to show; at most {LAST_FOUR_LENGTH}"
        problems.append(Problem("last_four", message, str(len(last_four)), str(LAST_FOUR_LENGTH)))
    if problems:
        raise Refused(problems)
    sealing_key = _installation().sealing_key
    sealed = seal(secrets, public_key_hex=sealing_key, bound_to=account.public_id)
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)  # two adding at once queue here
    # Another fence ends the session that still signs with the former key; its holder starts a new one.
    Account.objects.filter(pk=account.pk).update(fence=F("fence") + 1)
    # Whatever state they are in: one key stands beside an account, the newest.
    account.credentials.exclude(state=CredentialState.RETIRED).update(
        state=CredentialState.RETIRED, check_wanted_at=None
    )
    return Credential.objects.create(account=account, sealed=sealed, last_four=last_four)


# --- what an admin does -----------------------------------------------------------------------------


def actor_of_admin(person: User | None) -> str:
    """How the audit names who acts; None is the operator's command line. Raises ``Refused`` for others."""
    if person is None:
        return DESK
    if person.role != Role.ADMIN or not person.is_active:
        message = f"{person.username} is a {person.role}; accounts and keys are an admin's"
        raise Refused([Problem("", message, person.role, Role.ADMIN)])
    return f"{person.role}:{person.username}"


def reason_of(reason: str) -> str:
    """The reason without which nothing is stopped."""
    if not reason.strip():
        raise Refused([Problem("reason", "say why: the audit keeps it, and the orders' traders read it")])
    return reason.strip()


def account_locked(public_id: str) -> Account:
    """The account under its row's lock; raises ``AccountNotFound``."""
    account = Account.objects.select_for_update(of=("self",), no_key=True).filter(public_id=public_id).first()
    if account is None:
        raise AccountNotFound(public_id)
    return account


@transaction.atomic
def account_create(*, person: User | None, asked: NewAccount, now: datetime) -> Account:
    """A new account with its key, sealed and unchecked; raises ``Refused`` and then creates nothing."""
    actor = actor_of_admin(person)
    if problems := _problems_of(asked):
        raise Refused(problems)
    existing = Venue.objects.filter(label=asked.venue).first()
    options = dict(asked.options or {}) if existing is None or asked.options is not None else existing.options
    exchange = asked.exchange or (existing.exchange if existing else "")
    _refuse_other_venue(existing, asked.venue, exchange, options)
    venue = venue_ensure(label=asked.venue, exchange=exchange, options=options)
    account = account_add(
        label=asked.label,
        venue=venue,
        environment=asked.environment,
        symbols=tuple(dict.fromkeys(asked.symbols)),
        traders=traders_named(asked.traders),
    )
    credential = credential_add(
        account=account, secrets=asked.secrets, last_four=last_four_of(asked.secrets.get("apiKey", ""))
    )
    data = {
        "venue": venue.label,
        "exchange": venue.exchange,
        "environment": account.environment,
        "symbols": account.symbols,
        "traders": sorted(set(asked.traders)),
        "last_four": credential.last_four,
    }
    audit_append(kind="account.added", actor=actor, subject=account.label, at=now, data=data)
    return account


def last_four_of(api_key: str) -> str:
    """What people may see of a key; nothing of one so short that four characters would be half of it."""
    return api_key[-LAST_FOUR_LENGTH:] if len(api_key) >= 2 * LAST_FOUR_LENGTH else ""


def key_problems(secrets: Mapping[str, str]) -> list[Problem]:
    """Why a key that a person gave cannot be taken; never with its text."""
    problems = [Problem(name, f"{label} is missing") for name, label in KEY_PARTS if not secrets.get(name)]
    return problems + [
        Problem(name, f"{label} has spaces or line breaks: paste it again")
        for name, label in KEY_PARTS
        if any(character.isspace() for character in secrets.get(name, "").strip("\n"))
        and "PRIVATE KEY" not in secrets[name]  # a key in PEM has lines
    ]


def _problems_of(asked: NewAccount) -> list[Problem]:
    """What can be said of the request by itself."""
    problems = key_problems(asked.secrets)
    if Account.objects.filter(label=asked.label).exists():
        problems.append(Problem("label", f"there is an account {asked.label} already", asked.label))
    for check in (
        lambda: _refuse_bad_label(asked.label),
        lambda: _refuse_other_environment(asked.environment),
        lambda: refuse_bad_symbols(asked.symbols),
        lambda: traders_named(asked.traders),
    ):
        try:
            check()
        except Refused as refused:
            problems += refused.problems
    return problems


def _refuse_other_venue(
    existing: Venue | None, label: str, exchange: str, options: Mapping[str, Any]
) -> None:
    """A venue's options are those of all its accounts: adding one more does not change them."""
    if not label:
        raise Refused([Problem("venue", "the account needs a venue")])
    if not re.fullmatch(r"[a-z0-9_]{1,40}", exchange):
        message = f"{exchange!r} is not ccxt's id of an exchange, such as binance or bybit"
        raise Refused([Problem("exchange", message, exchange)])
    if existing is not None and existing.options != options:
        message = f"the venue {label} exists with other options; give the account a venue of its own"
        raise Refused([Problem("options", message)])
    if problems := option_problems(exchange, options, network_of(_installation().environment)):
        raise Refused(problems)


def traders_named(names: Sequence[str]) -> list[User]:
    """The people of these user names; raises ``Refused`` unless each is an active trader."""
    people = {person.username: person for person in User.objects.filter(username__in=names)}
    problems = []
    for name in names:
        person = people.get(name)
        if person is None:
            problems.append(Problem("traders", f"there is nobody called {name}", name))
        elif not person.may_trade or not person.is_active:
            state = person.role if person.is_active else "not active"
            problems.append(Problem("traders", f"{name} is {state}; accounts are granted to traders", name))
    if problems:
        raise Refused(problems)
    return list(people.values())


def _installation() -> Installation:
    installation = Installation.objects.first()
    if installation is None:
        raise Refused([Problem("", "the installation is not set up yet: start the desk once")])
    return installation


def _refuse_bad_label(label: str) -> None:
    if not label or len(label) > MAX_LABEL_LENGTH:
        message = f"a label has 1 to {MAX_LABEL_LENGTH} characters, this one {len(label)}"
        raise Refused([Problem("label", message, label, str(MAX_LABEL_LENGTH))])


def _refuse_other_environment(environment: str) -> None:
    ours = _installation().environment
    if environment != ours:
        message = f"this is a {ours} installation; it takes no {environment} account"
        raise Refused([Problem("environment", message, environment, ours)])


def refuse_bad_symbols(symbols: Sequence[str]) -> None:
    problems = [
        Problem("symbols", f"{symbol!r} is not a spot symbol such as BTC/USDT", symbol)
        for symbol in symbols
        if not SPOT_SYMBOL.fullmatch(symbol)
    ]
    if not symbols:
        problems.append(Problem("symbols", "an account needs at least one symbol"))
    if problems:
        raise Refused(problems)
