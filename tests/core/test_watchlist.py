"""The symbols that a person watches: only what can be traded, none twice, and none moves by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from execution.core.watchlist import MAX_DEFAULT, MAX_WATCHED, watched_symbols

SYMBOLS = st.lists(st.sampled_from([f"C{number}/USDT" for number in range(60)]), max_size=60)


@given(own=SYMBOLS, live=SYMBOLS, listed=SYMBOLS)
def test_an_own_choice_keeps_its_order_and_shows_what_can_be_traded(
    own: list[str], live: list[str], listed: list[str]
) -> None:
    found = watched_symbols(own=own, live=live, listed=listed)
    assert len(found) == len(set(found)) <= MAX_WATCHED
    assert set(found) <= set(own) & set(listed)
    places = [own.index(symbol) for symbol in found]
    assert places == sorted(places)


@given(live=SYMBOLS, listed=SYMBOLS)
def test_the_default_begins_with_live_orders(live: list[str], listed: list[str]) -> None:
    found = watched_symbols(own=None, live=live, listed=listed)
    assert len(found) == len(set(found)) <= MAX_DEFAULT
    first = sorted(set(live))[:MAX_DEFAULT]
    assert list(found[: len(first)]) == first
    assert set(found) <= set(live) | set(listed)


@given(before=SYMBOLS, live=SYMBOLS, listed=SYMBOLS)
def test_what_is_shown_keeps_its_place_when_orders_come_and_go(
    before: list[str], live: list[str], listed: list[str]
) -> None:
    shown = watched_symbols(own=None, live=before, listed=listed)
    found = watched_symbols(own=None, live=live, listed=listed, shown=shown)
    kept = [symbol for symbol in shown if symbol in found]
    assert list(found[: len(kept)]) == kept
    assert set(found) == set(watched_symbols(own=None, live=live, listed=listed))


def test_an_emptied_list_stays_empty() -> None:
    assert watched_symbols(own=[], live=["BTC/USDT"], listed=["BTC/USDT"]) == ()
