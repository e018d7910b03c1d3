"""Reads for admins: the people of the desk, and the live orders and sessions of each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from execution.core.numbers import grouped, plain
from execution.core.states import ORDER_FINAL
from execution.models import Account, AuditEntry, Login, Order, Role, SecondFactor, User

AUDIT_SHOWN = 50
#: Parts of user agents by which browsers are recognized. Special ones come first: browsers also name those they
#: resemble.
BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class PersonRow(TypedDict):
    """A person in the list of people."""

    id: str
    pk: int
    name: str
    role: str
    is_active: bool
    sees_desk: bool
    confirm_above: str
    last_login: datetime | None
    live_orders: int
    has_factor: bool
    counts_until: datetime | None


class LiveOrderRow(TypedDict):
    """A live order of a person. The order pauses if the person is made inactive."""

    id: str
    side: str
    symbol: str
    base: str
    quantity: str
    filled: str
    algorithm: str
    status: str


class PersonAccount(TypedDict):
    id: str
    label: str
    is_active: bool


class PersonFacts(PersonRow):
    """The contents of a person's page, as admins see it."""

    orders: list[LiveOrderRow]
    #: The accounts that the person may use, and the open ones that they may not.
    accounts: list[PersonAccount]
    others: list[PersonAccount]
    #: The fields of the form, as text.
    entry: dict[str, str]
    audit: list[Any]


def people_rows() -> list[PersonRow]:
    """Return all people: active ones first, then by role and name."""
    order = {role.value: number for number, role in enumerate(Role)}
    rows = [_row(person) for person in _people()]
    return sorted(rows, key=lambda row: (not row["is_active"], -order[row["role"]], row["name"]))


def person_facts(public_id: str) -> PersonFacts | None:
    """Return one person with their live orders; None when there is none."""
    person = _people().filter(public_id=public_id).first()
    if person is None:
        return None
    about = Q(kind__startswith="person.") | Q(kind__startswith="access.") | Q(kind__startswith="session.")
    about |= Q(kind="tokens_revoked") | Q(kind__startswith="login.")
    about |= Q(kind__startswith="factor.")
    audit = AuditEntry.objects.filter(about, subject=person.username[:80]).order_by("-pk")
    return PersonFacts(
        **_row(person),
        orders=[_order(order) for order in person.orders.exclude(status__in=ORDER_FINAL).order_by("pk")],
        accounts=[_account(account) for account in person.accounts.order_by("label")],
        others=[
            _account(account)
            for account in Account.objects.filter(is_active=True).exclude(traders=person).order_by("label")
        ],
        entry=_entry(person),
        audit=list(audit.values("at", "actor", "kind", "reason", "data", "data__what")[:AUDIT_SHOWN]),
    )


def person_name(public_id: str) -> str | None:
    """Return the name of a person; None when there is none."""
    return User.objects.filter(public_id=public_id).values_list("username", flat=True).first()


def _account(account: Account) -> PersonAccount:
    return PersonAccount(id=account.public_id, label=account.label, is_active=account.is_active)


def _entry(person: User) -> dict[str, str]:
    names = ("username", "role", "first_name", "last_name", "email")
    limit = person.confirm_above
    return {name: getattr(person, name) for name in names} | {
        "sees_desk": "yes" if person.sees_desk else "",
        "confirm_above": "" if limit is None else plain(limit),
    }


class LoginRow(TypedDict):
    """A session, as admins and the person who logged in see it."""

    id: str
    began_at: datetime
    seen_at: datetime
    address: str
    browser: str
    is_current: bool


def login_rows(*, person_pk: int, current: str, now: datetime) -> list[LoginRow]:
    """Return a person's sessions that have not ended, the last used one first.

    ``current`` is the key of the session in which the page is read.
    """
    idle = now - timedelta(seconds=settings.SESSION_IDLE)
    return [
        LoginRow(
            id=login.public_id,
            began_at=login.began_at,
            seen_at=login.seen_at,
            address=login.address,
            browser=browser_name(login.browser),
            is_current=login.session_key == current,
        )
        for login in Login.objects.filter(person_id=person_pk, seen_at__gte=idle).order_by("-seen_at")
    ]


def browser_name(agent: str) -> str:
    """Return the usual names of browser and system for a user agent; for an unknown one, the beginning of its text."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return " on ".join(filter(None, (browser, system))) or agent[:40]


def _people() -> QuerySet[Any]:  # annotated, so of no class of ours
    alive = Count("orders", filter=~Q(orders__status__in=ORDER_FINAL), distinct=True)
    factor = Exists(SecondFactor.objects.filter(person=OuterRef("pk")))
    return User.objects.annotate(live=alive, has_factor=factor)


def _row(person: Any) -> PersonRow:
    limit = person.confirm_above
    return PersonRow(
        id=person.public_id,
        pk=person.pk,
        name=person.username,
        role=person.role,
        is_active=person.is_active,
        sees_desk=person.sees_desk,
        confirm_above="" if limit is None else grouped(limit),
        last_login=person.last_login,
        live_orders=person.live,
        has_factor=person.has_factor,
        counts_until=person.counts_until,
    )


def _order(order: Order) -> LiveOrderRow:
    return LiveOrderRow(
        id=order.public_id,
        side=order.side,
        symbol=order.symbol,
        base=order.symbol.partition("/")[0],
        quantity=grouped(order.quantity),
        filled=grouped(order.filled),
        algorithm=order.algorithm,
        status=order.status,
    )
