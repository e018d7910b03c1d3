"""The symbols of a person's watchlist: their own choice, or a default."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

MAX_WATCHED = 40
#: The most symbols of the default list. It is shorter, because a person only begins with it.
MAX_DEFAULT = 16


def watched_symbols(
    *, own: Sequence[str] | None, live: Iterable[str], listed: Collection[str], shown: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the symbols to show: the person's choice, or a default without one.

    The choice, ``own``, keeps its order. Symbols that are not ``listed`` at the person's accounts are left out. If
    ``own`` is None, the symbols of ``live`` orders come first, then the listed ones. If the page shows some of these
    symbols already (``shown``), they stay first and in the page's sequence.
    """
    if own is not None:
        return tuple(symbol for symbol in dict.fromkeys(own) if symbol in listed)[:MAX_WATCHED]
    wanted = list(dict.fromkeys([*sorted(live), *sorted(listed)]))[:MAX_DEFAULT]
    kept = [symbol for symbol in shown if symbol in wanted]
    return tuple(dict.fromkeys([*kept, *wanted]))
