"""The palette's search: pages, orders and other things that the person may see, and an order in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from dashboard.access import person_of
from dashboard.present import palette as present
from dashboard.present.pages import pages_matching, pages_of
from dashboard.rates import MinuteCounter, seconds_left
from execution.core.orders.order_words import MAX_CHARACTERS, is_order, read_order_words
from execution.core.problems import Problem, attempt, length_problem
from execution.core.types import Role
from execution.payloads.palette import PaletteAnswer, PaletteGroup, PaletteItem
from execution.selectors import palette as found
from execution.selectors.home.watchlist import symbols_listed
from execution.selectors.orders.order_filter import MAX_SEARCH
from execution.selectors.orders.visibility import sees_several

if TYPE_CHECKING:
    from execution.models import User

#: The most searches of a person in a minute. Somebody who types without a pause sends about half as many.
MOST_SEARCHES = 600
MAX_SYMBOLS = 6
MAX_WORDED = 6

_searches = MinuteCounter()


@require_GET
@login_required
def palette(request: HttpRequest) -> HttpResponse:
    """Answer a search as JSON. Without a text, list the person's pages."""
    person, text = person_of(request), request.GET.get("q", "").strip()
    if len(text) > MAX_CHARACTERS:
        problem = length_problem("q", "The search", text, MAX_CHARACTERS)
        return HttpResponse(problem.message, status=422, content_type="text/plain")
    if _searches.count(f"palette:{person.pk}") > MOST_SEARCHES:
        seconds = int(seconds_left()) + 1
        words = f"You sent more than {MOST_SEARCHES} searches in a minute. Wait for {seconds} s."
        response = HttpResponse(words, status=429, content_type="text/plain")
        response.headers["Retry-After"] = str(seconds)
        return response
    return JsonResponse(_answer(person, text))


def _answer(person: User, text: str) -> PaletteAnswer:
    problems: list[Problem] = []
    groups: dict[str, list[PaletteItem]] = {}
    if person.may_trade and is_order(text):
        accounts = found.accounts_named(person)
        orders = attempt(problems, lambda: read_order_words(text, accounts)) or ()
        groups["New order"] = [present.worded_item(order) for order in orders[:MAX_WORDED]]
    groups["Pages"] = _pages(person, text)
    if len(text) <= MAX_SEARCH and "\x00" not in text:
        groups |= _searched(person, text)
    return PaletteAnswer(
        groups=[PaletteGroup(name=name, items=items) for name, items in groups.items() if items],
        problems=[problem.message for problem in problems],
    )


def _pages(person: User, text: str) -> list[PaletteItem]:
    return [present.page_item(page) for page in pages_matching(pages_of(person), text)]


def _searched(person: User, text: str) -> dict[str, list[PaletteItem]]:
    with_trader = sees_several(person)
    symbols = (
        sorted(symbols_listed(person)) if len(text) >= found.MIN_SEARCH and person.role != Role.ADMIN else []
    )
    matching = [symbol for symbol in symbols if text.upper() in symbol][:MAX_SYMBOLS]
    return {
        "Symbols": present.symbol_items(matching, may_trade=person.may_trade),
        "Orders": [
            present.order_item(order, with_trader=with_trader)
            for order in found.orders_found(person=person, text=text)
        ],
        "Baskets": [present.basket_item(each) for each in found.baskets_found(person=person, text=text)],
        "Accounts": [present.account_item(each) for each in found.accounts_found(person=person, text=text)],
    }
