"""The services that add a symbol to a person's watchlist, and remove it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.watchlist import MAX_WATCHED
from execution.models import User, Watchlist
from execution.selectors.balances import REFUSAL, may_see_balances
from execution.selectors.home.watchlist import symbols_listed, symbols_watched


@transaction.atomic
def symbol_watch(*, person: User, symbol: str) -> None:
    """Add a symbol at the end of the person's watchlist. A symbol that is on the list already keeps its place.

    Raises ``Refused`` for a person without accounts to trade on, a symbol that none of the accounts trades, and a full
    list.
    """
    own, symbol = _own(person), symbol.strip().upper()
    if symbol in own:
        return
    if symbol not in symbols_listed(person):
        message = f"None of your accounts trades {symbol or 'an empty symbol'}."
        refuse("symbol", message, symbol, code=Code.SYMBOL_NOT_LISTED)
    if len(own) >= MAX_WATCHED:
        message = f"You watch {len(own)} symbols. At most {MAX_WATCHED} are shown. Remove one first."
        refuse("symbol", message, len(own), MAX_WATCHED, code=Code.LENGTH_OUT_OF_RANGE)
    _keep(person, [*own, symbol])


@transaction.atomic
def symbol_unwatch(*, person: User, symbol: str) -> None:
    """Remove a symbol from the person's watchlist. If it is not on the list, nothing changes. Raises ``Refused`` as
    ``symbol_watch`` does.
    """
    own = _own(person)
    _keep(person, [each for each in own if each != symbol.strip().upper()])


def _own(person: User) -> Sequence[str]:
    """Lock the person's row, and return the symbols of the person's watchlist.

    Without a list of their own, a person has the default list. The first change then stores it as their own
    list.
    """
    if not may_see_balances(person):
        refuse("", REFUSAL.replace("Balances", "Watchlists"), person.role, code=Code.ROLE_NOT_ALLOWED)
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    return symbols_watched(person)


def _keep(person: User, symbols: Sequence[str]) -> None:
    Watchlist.objects.update_or_create(person=person, defaults={"symbols": list(symbols)})
