"""The tables of the balances page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from dashboard.present.accounts import largest_unit
from dashboard.present.limit_bars import limit_bars
from dashboard.present.numbers import DASH, amount, percent, price, signed
from execution.core.numbers import grouped
from execution.payloads.balances import AccountBalances, Balances, Holding, SymbolDay
from execution.payloads.encode import moment_of
from execution.payloads.limits import LimitRow

#: Decimal places for a currency's amounts, by its largest holding. The first pair whose minimum is reached counts.
PLACES_FROM = ((Decimal(10_000), 2), (Decimal(1), 4))
FINEST_PLACES = 8
MONEY_PLACES = 2


#: Sums of a day that have no sign.
UNSIGNED = frozenset({"notional", "fees"})


def balance_tables(found: Balances, limits: Sequence[LimitRow] = ()) -> dict[str, Any]:
    """Return the tables of the page: accounts, currencies over all accounts, symbols, and limits on sums.

    A limit on a symbol stands at the symbol's base currency, if the page has that currency.
    """
    places = _places(found["together"])
    whole = Decimal(found["value_known"])
    bars = limit_bars(limits)
    shown = {row["currency"] for row in found["together"]}
    return {
        "currency": found["currency"],
        "as_of": moment_of(found["as_of"]),
        "whose": found["whose"],
        "accounts": [_account(row, places, whole, found["as_of"]) for row in found["accounts"]],
        "stale": [_staleness(row, found["as_of"]) for row in found["accounts"] if row["is_stale"]],
        "value": _value(found["value"], found["value_known"]),
        "exposure": [
            {**row, "limits": [bar for bar in bars if bar["base"] == row["currency"]]}
            for row in _exposure(found["together"], places, whole)
        ],
        "shows_limits": any(bar["base"] in shown for bar in bars),
        "limits": [bar for bar in bars if bar["base"] not in shown],
        "symbols": [_symbol(row) for row in found["symbols"]],
        "today": {
            name: _money(value, is_signed=name not in UNSIGNED) for name, value in _items(found["today"])
        },
    }


def _items(given: Any) -> Iterable[tuple[str, str | None]]:
    row: Mapping[str, str | None] = given
    return row.items()


# --- accounts --------------------------------------------------------------------------------------


def _account(row: AccountBalances, places: Mapping[str, int], whole: Decimal, now: int) -> dict[str, Any]:
    return {
        "label": row["label"],
        "is_stale": row["is_stale"],
        "live_orders": row["live_orders"],
        "unpriced": ", ".join(row["unpriced"]),
        "value": _value(row["value"], row["value_known"]) if row["at"] is not None else DASH,
        "share": _share(row["value_known"] if row["at"] is not None else None, whole),
        "age": _age(row, now),
        "holdings": [_holding(holding, places, whole) for holding in row["holdings"]],
    }


def _staleness(row: AccountBalances, now: int) -> str:
    if row["at"] is None:
        return f"{row['label']}: the exchange has not told its balances yet."
    return f"{row['label']}: its balances are {_age(row, now)} old. The last known figures are shown."


def _age(row: AccountBalances, now: int) -> str:
    """Return the age of the balances as text. It is in seconds, because balances are read every 20 s."""
    if row["at"] is None:
        return DASH
    seconds = max(now - row["at"], 0) // 1000
    return f"{seconds} s" if seconds < 600 else largest_unit(timedelta(seconds=seconds))


def _holding(row: Holding, places: Mapping[str, int], whole: Decimal) -> dict[str, Any]:
    digits = places.get(row["currency"], FINEST_PLACES)
    amounts = {
        name: _units(row[name], digits) for name in ("free", "locked", "reserved", "available", "after")
    }
    return {
        **amounts,
        "currency": row["currency"],
        "is_short": row["after"] is not None and Decimal(row["after"]) < 0,
        "value": _money(row["value"]),
        "share": _share(row["value"], whole),
        "bar": _bar(row),
    }


def _bar(row: Holding) -> dict[str, str] | None:
    """Return the starts and widths of the parts of a bar, whose width is 100; None if one is unknown or nothing is
    held.
    """
    free, locked, available = row["free"], row["locked"], row["available"]
    if free is None or locked is None or available is None:
        return None
    total = Decimal(free) + Decimal(locked)
    if total <= 0:
        return None
    left = Decimal(available) / total * 100
    reserved = (Decimal(free) - Decimal(available)) / total * 100
    return {
        "available": f"{left:.2f}",
        "reserved": f"{reserved:.2f}",
        "locked_from": f"{left + reserved:.2f}",
        "locked": f"{Decimal(locked) / total * 100:.2f}",
    }


def _exposure(rows: Sequence[Holding], places: Mapping[str, int], whole: Decimal) -> list[dict[str, Any]]:
    values = [Decimal(row[name] or 0) for row in rows for name in ("value", "after_value")]
    most = max(values, default=Decimal(0))
    return [
        {
            **_holding(row, places, whole),
            "held": _units(_held(row), places.get(row["currency"], FINEST_PLACES)),
            "width": _along(row["value"], most) or "0",
            "mark": _along(row["after_value"], most),
            "change": _change(row),
        }
        for row in rows
    ]


def _along(value: str | None, most: Decimal) -> str | None:
    """Return the place of a value on a bar from 0 to ``most``, whose width is 100; None if the value is unknown."""
    if value is None or not most:
        return None
    return f"{min(max(Decimal(value) / most * 100, Decimal(0)), Decimal(100)):.2f}"


def _change(row: Holding) -> str:
    """Return as text how much the live orders would change the value if they were filled."""
    if row["value"] is None or row["after_value"] is None:
        return DASH
    change = Decimal(row["after_value"]) - Decimal(row["value"])
    return signed(change, MONEY_PLACES) if change else DASH


def _held(row: Holding) -> Decimal | None:
    free, locked = row["free"], row["locked"]
    return None if free is None or locked is None else Decimal(free) + Decimal(locked)


def _places(rows: Sequence[Holding]) -> dict[str, int]:
    found = {}
    for row in rows:
        held = _held(row) or Decimal(0)
        found[row["currency"]] = next(
            (places for least, places in PLACES_FROM if held >= least), FINEST_PLACES
        )
    return found


# --- numbers ---------------------------------------------------------------------------------------


def _units(value: str | Decimal | None, places: int) -> str:
    """Return an amount as text, rounded to ``places``. An amount that would round to zero keeps all its digits."""
    if value is None:
        return DASH
    number = Decimal(value)
    if number and round(number, places) == 0:
        return grouped(number)
    return amount(number, places)


def _money(value: str | None, *, is_signed: bool = False) -> dict[str, str]:
    """Return a sum as text, with its CSS class: "good" for a gain, "warn" for a loss."""
    if value is None:
        return {"text": DASH, "tone": ""}
    number = Decimal(value)
    text = signed(number, MONEY_PLACES) if is_signed else amount(number, MONEY_PLACES)
    tone = "good" if text.startswith("+") else "warn" if text.startswith("−") else ""
    return {"text": text, "tone": tone if is_signed else ""}


def _value(value: str | None, known: str) -> str:
    """Return a total as text. If a part has no rate, the text is ``>`` and ``known``, the sum of the other
    parts.
    """
    return amount(value, MONEY_PLACES) if value is not None else f"> {amount(known, MONEY_PLACES)}"


def _share(value: str | None, whole: Decimal) -> str:
    return DASH if value is None or whole <= 0 else percent(str(Decimal(value) / whole))


# --- today ------------------------------------------------------------------------------------------


def _symbol(row: SymbolDay) -> dict[str, Any]:
    net, tick = Decimal(row["net"]), row["tick"]
    return {
        "symbol": row["symbol"],
        "currency": row["currency"],
        "bought": amount(row["bought"]) if Decimal(row["bought"]) else DASH,
        "bought_average": price(row["bought_average"], tick),
        "sold": amount(row["sold"]) if Decimal(row["sold"]) else DASH,
        "sold_average": price(row["sold_average"], tick),
        "net": f"{'+' if net > 0 else ''}{amount(net)}",
        "net_tone": "buy-text" if net > 0 else "sell-text" if net < 0 else "",
        "average": price(row["average"], tick),
        "mid": price(row["mid"], tick),
        "notional": amount(row["notional"], MONEY_PLACES),
        "realised": _money(row["realised"], is_signed=True),
        "open": _money(row["open"], is_signed=True),
        "fees": _money(row["fees"]),
        "after_fees": _money(row["after_fees"], is_signed=True),
    }
