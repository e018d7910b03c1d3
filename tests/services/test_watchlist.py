"""A person's watchlist: any symbol of their accounts, each once, and nothing else."""

from __future__ import annotations

import pytest

from execution.core.problems import Refused
from execution.core.watchlist import MAX_WATCHED
from execution.models import Role, User, Watchlist
from execution.selectors.home.watchlist import symbols_watched
from execution.services.desk.watchlist import symbol_unwatch, symbol_watch
from tests.factories import SYMBOL, Rows


def listed(rows: Rows, *symbols: str) -> None:
    rows.account.symbols = list(symbols)
    rows.account.save()


def test_the_first_change_keeps_the_default_as_an_own_choice(rows: Rows) -> None:
    listed(rows, SYMBOL, *(f"C{number:02}/USDT" for number in range(20)))
    default = symbols_watched(rows.trader)
    assert not Watchlist.objects.exists()
    symbol_watch(person=rows.trader, symbol=" c19/usdt ")
    assert symbols_watched(rows.trader) == (*default, "C19/USDT")
    symbol_watch(person=rows.trader, symbol="C19/USDT")
    symbol_unwatch(person=rows.trader, symbol=default[0])
    symbol_unwatch(person=rows.trader, symbol=default[0])
    assert symbols_watched(rows.trader) == (*default[1:], "C19/USDT")
    assert symbols_watched(rows.supervisor) == default, "everybody has their own"


def test_only_symbols_of_own_accounts_can_be_added(rows: Rows) -> None:
    for symbol in ("DOGE/USDT", ""):
        with pytest.raises(Refused, match="None of your accounts trades"):
            symbol_watch(person=rows.trader, symbol=symbol)
    stranger = User.objects.create(username="stranger", role=Role.TRADER)
    with pytest.raises(Refused):
        symbol_watch(person=stranger, symbol=SYMBOL)
    assert not Watchlist.objects.exists()


def test_a_full_list_takes_no_more(rows: Rows) -> None:
    symbols = [f"C{number:02}/USDT" for number in range(MAX_WATCHED + 1)]
    listed(rows, *symbols)
    Watchlist.objects.create(person=rows.trader, symbols=symbols[:-1])
    with pytest.raises(Refused, match="At most 40"):
        symbol_watch(person=rows.trader, symbol=symbols[-1])
    symbol_unwatch(person=rows.trader, symbol=symbols[0])
    symbol_watch(person=rows.trader, symbol=symbols[-1])
    assert symbols_watched(rows.trader) == tuple(symbols[1:])


def test_an_admin_has_no_watchlist(rows: Rows) -> None:
    admin = User.objects.create(username="admin", role=Role.ADMIN)
    for act in (symbol_watch, symbol_unwatch):
        with pytest.raises(Refused, match="for traders and supervisors"):
            act(person=admin, symbol=SYMBOL)
