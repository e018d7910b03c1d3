"""Searches for the palette: what a person may see of orders, baskets, symbols and accounts, by a few letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from execution.core.orders.order_words import NamedAccount, NamedMarket
from execution.models import Account, Order, Role, User
from execution.selectors.orders.baskets import baskets_visible
from execution.selectors.orders.blotter import orders_searched
from execution.selectors.orders.sorting import orders_sorted
from execution.selectors.orders.visibility import orders_visible
from execution.selectors.ticket import ticket_accounts

#: The shortest text that is searched for. One letter would find nearly everything.
MIN_SEARCH = 2
#: The most rows of each kind.
MAX_ORDERS, MAX_BASKETS, MAX_ACCOUNTS = 8, 4, 6


@dataclass(frozen=True, slots=True)
class FoundBasket:
    public_id: str
    name: str
    size: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FoundAccount:
    public_id: str
    label: str
    venue: str


def orders_found(*, person: User, text: str) -> Sequence[Order]:
    """Return orders whose id begins with ``text``, or whose reference, tag or symbol contains it.

    Orders that need attention come first, then live ones, then the newest.
    """
    if len(text) < MIN_SEARCH:
        return []
    found = orders_searched(orders_visible(person), text, with_symbol=True)
    return list(orders_sorted(found, "").select_related("trader")[:MAX_ORDERS])


def baskets_found(*, person: User, text: str) -> list[FoundBasket]:
    """Return the newest baskets whose id begins with ``text``, or whose name contains it."""
    if len(text) < MIN_SEARCH:
        return []
    matches = Q(public_id__istartswith=text) | Q(name__icontains=text)
    found = baskets_visible(person).filter(matches).order_by("-created_at", "-pk")
    return [
        FoundBasket(*row)
        for row in found.values_list("public_id", "name", "size", "created_at")[:MAX_BASKETS]
    ]


def accounts_found(*, person: User, text: str) -> list[FoundAccount]:
    """Return the accounts whose label contains ``text``, for an admin.

    The list is empty for other people, because they have no page of an account.
    """
    if person.role != Role.ADMIN or len(text) < MIN_SEARCH:
        return []
    found = Account.objects.filter(label__icontains=text).order_by("label")
    return [
        FoundAccount(*row) for row in found.values_list("public_id", "label", "venue__label")[:MAX_ACCOUNTS]
    ]


def accounts_named(person: User) -> tuple[NamedAccount, ...]:
    """Return the accounts and markets that a trader may name in an order; empty for anybody else."""
    if not person.may_trade:
        return ()
    return tuple(
        NamedAccount(
            account["id"],
            account["label"],
            tuple(NamedMarket(row["symbol"], row["base"], row["quote"]) for row in account["markets"]),
        )
        for account in ticket_accounts(person=person)
    )
