"""Verbs on venues, the accounts there, and their sealed keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F

from execution.core.problems import Problem, Refused
from execution.models import Account, Credential, CredentialState, Installation, User, Venue
from execution.services.sealing import seal

MAX_LABEL_LENGTH = 40
LAST_FOUR_LENGTH = 4
SPOT_SYMBOL = re.compile(r"[A-Z0-9]+/[A-Z0-9]+")
#: What ccxt calls the parts of a key.
SECRET_NAMES = frozenset(
    {"apiKey", "secret", "uid", "accountId", "login", "password", "twofa"}
    | {"privateKey", "walletAddress", "token"}
)
IN_USE = (CredentialState.UNCHECKED, CredentialState.ACTIVE)


@transaction.atomic
def venue_ensure(*, label: str, exchange: str, options: Mapping[str, Any]) -> Venue:
    """The venue ``label``, made or brought to these ccxt ``options``.

    Raises ``Refused`` when the label is bad, or the venue exists with another exchange: its orders and
    fills would change their meaning.
    """
    _refuse_bad_label(label)
    venue, created = Venue.objects.select_for_update().get_or_create(
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
    _refuse_bad_symbols(symbols)
    account, created = Account.objects.select_for_update().get_or_create(
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
    Account.objects.select_for_update().get(pk=account.pk)  # two adding at once queue here
    # Another fence ends the session that still signs with the former key; its holder starts a new one.
    Account.objects.filter(pk=account.pk).update(fence=F("fence") + 1)
    account.credentials.filter(state__in=IN_USE).update(state=CredentialState.RETIRED)
    return Credential.objects.create(account=account, sealed=sealed, last_four=last_four)


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


def _refuse_bad_symbols(symbols: Sequence[str]) -> None:
    problems = [
        Problem("symbols", f"{symbol!r} is not a spot symbol such as BTC/USDT", symbol)
        for symbol in symbols
        if not SPOT_SYMBOL.fullmatch(symbol)
    ]
    if not symbols:
        problems.append(Problem("symbols", "an account needs at least one symbol"))
    if problems:
        raise Refused(problems)
