"""The pages of the desk by role, with the words by which people look for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

TRADER, SUPERVISOR, ADMIN = "trader", "supervisor", "admin"
DESK = frozenset({TRADER, SUPERVISOR})
EVERYBODY = DESK | {ADMIN}


@dataclass(frozen=True, slots=True)
class Page:
    """A page: the name of its route, its title, the roles that may use it, and other words for it."""

    route: str
    label: str
    roles: frozenset[str]
    words: str = ""


#: In the sequence of the menu. The pages of one object, such as an order, are found by the object.
PAGES = (
    Page("home", "Home", DESK, "start watchlist live orders"),
    Page("ticket", "New order", frozenset({TRADER}), "ticket buy sell trade launch"),
    Page("wall", "Wall", frozenset({SUPERVISOR}), "desk supervise people"),
    Page("orders", "Orders", DESK, "blotter list"),
    Page("baskets", "Baskets", DESK, "many orders"),
    Page("basket_new", "New basket", frozenset({TRADER}), "csv many orders"),
    Page("balances", "Balances", DESK, "positions funds exposure today result"),
    Page("analysis", "Analysis", DESK, "tca costs reports"),
    Page("day_report", "Day report", DESK, "analysis today results print"),
    Page("presets", "Presets", DESK, "ticket parameters"),
    Page("reconciliation", "Reconciliation", DESK, "unknown children differences"),
    Page("approvals", "Approvals", DESK, "approve four eyes waiting"),
    Page("limits", "Limits", EVERYBODY, "risk"),
    Page("journal", "Journal", frozenset({SUPERVISOR}), "audit history"),
    Page("halts", "Halts", frozenset({SUPERVISOR}), "stop"),
    Page("halt_new", "New halt", frozenset({SUPERVISOR}), "stop desk"),
    Page("accounts", "Accounts", frozenset({ADMIN}), "exchanges keys"),
    Page("account_new", "New account", frozenset({ADMIN}), "exchange key add"),
    Page("people", "People", frozenset({ADMIN}), "users roles"),
    Page("person_new", "New person", frozenset({ADMIN}), "user add"),
    Page("access", "Access", frozenset({ADMIN, SUPERVISOR}), "requests four eyes confirm"),
    Page("alerts", "Alerts", EVERYBODY, "bell notifications"),
    Page("alert_channels", "Alert channels", frozenset({ADMIN}), "mail slack telegram webhook"),
    Page("alert_channel_new", "New alert channel", frozenset({ADMIN}), "mail slack telegram webhook add"),
    Page(
        "me",
        "Your account",
        EVERYBODY,
        "sessions api tokens sounds notifications shortcuts keyboard settings",
    ),
    Page("own_factor", "Second factor", EVERYBODY, "totp security code"),
    Page("own_password", "Change password", EVERYBODY, "security"),
)


def pages_of(role: str) -> list[Page]:
    """Return the pages that a role may use, in the sequence of the menu."""
    return [page for page in PAGES if role in page.roles]


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
