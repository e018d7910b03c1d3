"""The pages of the desk by role: the menu, the tabs of a phone, and the words by which people search for a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from execution.core.types import Role

if TYPE_CHECKING:
    from execution.models import User

TRADER, SUPERVISOR, ADMIN = (frozenset({role}) for role in (Role.TRADER, Role.SUPERVISOR, Role.ADMIN))
DESK = TRADER | SUPERVISOR
EVERYBODY = DESK | ADMIN
NOBODY: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """A page, with the roles that may use it.

    ``route`` is the name of its route. ``words`` are other words for it. ``menu`` are the roles whose menu has it.
    ``more`` are the roles that find it under "More" where the menu has no room. ``parts`` are the routes of the pages
    below it: on them, its item of the menu is the current one.
    """

    route: str
    label: str
    roles: frozenset[Role]
    words: str = ""
    menu: frozenset[Role] = NOBODY
    more: frozenset[Role] = NOBODY
    parts: tuple[str, ...] = ()
    detail: str = ""

    @property
    def url(self) -> str:
        return reverse(self.route)


#: In the sequence of the menu. The pages of one object, such as an order, are found by the object.
PAGES = (
    Page("home", "Home", DESK, "start watchlist live orders", menu=DESK),
    Page("ticket", "New order", TRADER, "ticket buy sell trade launch", menu=TRADER),
    Page("wall", "Wall", SUPERVISOR, "desk supervise people", menu=SUPERVISOR),
    Page("orders", "Orders", DESK, "blotter list", menu=DESK, parts=("order",)),
    Page("baskets", "Baskets", DESK, "many orders", menu=DESK, parts=("basket", "basket_new")),
    Page("basket_new", "New basket", TRADER, "csv many orders"),
    Page("balances", "Balances", DESK, "positions funds exposure today result", menu=DESK),
    Page("reconciliation", "Reconciliation", DESK, "unknown children differences", menu=SUPERVISOR),
    Page("approvals", "Approvals", DESK, "approve four eyes waiting", menu=DESK, parts=("approval",)),
    Page("halts", "Halts", SUPERVISOR, "stop", menu=SUPERVISOR, parts=("halt", "halt_new")),
    Page("halt_new", "New halt", SUPERVISOR, "stop desk"),
    Page(
        "analysis",
        "Analysis",
        DESK,
        "tca costs reports",
        menu=TRADER,
        more=SUPERVISOR,
        parts=("day_report", "order_report"),
    ),
    Page("day_report", "Day report", DESK, "analysis today results print"),
    Page("presets", "Presets", DESK, "ticket parameters"),
    Page("limits", "Limits", EVERYBODY, "risk", menu=TRADER | ADMIN, more=SUPERVISOR),
    Page("journal", "Journal", SUPERVISOR, "audit history", more=SUPERVISOR),
    Page("accounts", "Accounts", ADMIN, "exchanges keys", menu=ADMIN, parts=("account", "account_new")),
    Page("account_new", "New account", ADMIN, "exchange key add"),
    Page("people", "People", ADMIN, "users roles", menu=ADMIN, parts=("person", "person_new")),
    Page("person_new", "New person", ADMIN, "user add"),
    Page(
        "access",
        "Access",
        ADMIN | SUPERVISOR,
        "requests four eyes confirm",
        menu=ADMIN,
        more=SUPERVISOR,
    ),
    Page(
        "alerts",
        "Alerts",
        EVERYBODY,
        "bell notifications",
        parts=("alert", "alert_channels", "alert_channel_new"),
    ),
    Page("alert_channels", "Alert channels", ADMIN, "mail slack telegram webhook"),
    Page("alert_channel_new", "New alert channel", ADMIN, "mail slack telegram webhook add"),
    Page(
        "me",
        "Your account",
        EVERYBODY,
        "sessions api tokens sounds notifications shortcuts keyboard settings",
    ),
    Page("own_factor", "Second factor", EVERYBODY, "totp security code"),
    Page("own_password", "Change password", EVERYBODY, "security"),
)
#: Django's own pages. They are for people with ``is_staff``, whatever their role.
DJANGO_ADMIN = Page(
    "admin:index", "Admin", EVERYBODY, menu=TRADER | ADMIN, more=SUPERVISOR, detail="Django's"
)
#: The tabs of a phone: the pages that each role uses most. The menu is the last tab of all.
TABS: Mapping[Role, tuple[str, ...]] = {
    Role.TRADER: ("home", "orders", "ticket", "alerts"),
    Role.SUPERVISOR: ("wall", "orders", "approvals", "alerts"),
    Role.ADMIN: ("accounts", "people", "access", "alerts"),
}
#: The drawing of each tab, as a path of 16 by 16.
ICONS: Mapping[str, str] = {
    "home": "M2.5 8 8 3l5.5 5M4 7v6.5h8V7",
    "wall": "M2.5 2.5H7V7H2.5zM9 2.5h4.5V7H9zM2.5 9H7v4.5H2.5zM9 9h4.5v4.5H9z",
    "orders": "M2 4h12M2 8h12M2 12h8",
    "ticket": "M8 3v10M3 8h10",
    "approvals": "M2.5 8.5 6 12l7.5-8",
    "alerts": "M4 11V7a4 4 0 0 1 8 0v4l1 1H3zM6.5 14.2h3",
    "accounts": "M2 8a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0M7 8h7v2.5M11.5 8v2",
    "people": "M5.5 5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0M3 13.5a5 5 0 0 1 10 0",
    "access": "M8 2l5 2v4c0 3-2 5-5 6c-3-1-5-3-5-6V4z",
}


@dataclass(frozen=True, slots=True)
class Menu:
    """The pages of a person's menu, and the tabs of a phone. ``current`` is the one that the person sees, or a page
    above it.
    """

    pages: tuple[Page, ...]
    more: tuple[Page, ...]
    tabs: tuple[tuple[Page, str], ...]
    current: Page | None


def pages_of(person: User) -> list[Page]:
    """Return the pages that a person may use, in the sequence of the menu."""
    own = [page for page in PAGES if person.role in page.roles]
    return [*own, DJANGO_ADMIN] if person.is_staff else own


def menu_of(person: User, route: str) -> Menu:
    """Return the person's menu on the page with this route."""
    own = pages_of(person)
    by_route = {page.route: page for page in own}
    pages = tuple(page for page in own if person.role in page.menu)
    more = tuple(page for page in own if person.role in page.more)
    tabs = tuple((by_route[name], ICONS[name]) for name in TABS[Role(person.role)])
    shown = (*pages, *more, *(page for page, _ in tabs))
    current = next((page for page in shown if route in (page.route, *page.parts)), None)
    return Menu(pages, more, tabs, current)


def pages_matching(pages: Iterable[Page], text: str) -> list[Page]:
    """Return the pages that match a search.

    Each word of ``text`` must be the beginning of a word of the page. Pages that match by their title come first.
    """
    wanted = text.casefold().split()
    found = [page for page in pages if _begins(f"{page.label} {page.words}", wanted)]
    return sorted(found, key=lambda page: not _begins(page.label, wanted))


def _begins(text: str, wanted: Iterable[str]) -> bool:
    words = text.casefold().split()
    return all(any(word.startswith(each) for word in words) for each in wanted)
