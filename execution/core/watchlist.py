"""The symbols of a person's watchlist: their own choice, or a default."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

MAX_WATCHED = 40
#: The default is shorter: it is there to begin with.
MAX_DEFAULT = 16


def watched_symbols(
    *, own: Sequence[str] | None, live: Iterable[str], listed: Collection[str], shown: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the symbols to show: those of ``own`` that are ``listed`` at the person's accounts, in their order.

    Without an own choice (None) the symbols of live orders come first, then the listed ones. Symbols that are
    ``shown`` already keep their places.
    """
    if own is not None:
        return tuple(symbol for symbol in dict.fromkeys(own) if symbol in listed)[:MAX_WATCHED]
    wanted = list(dict.fromkeys([*sorted(live), *sorted(listed)]))[:MAX_DEFAULT]
    kept = [symbol for symbol in shown if symbol in wanted]
    return tuple(dict.fromkeys([*kept, *wanted]))
