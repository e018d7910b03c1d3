"""The free and locked amounts of an account, read from ccxt's balance structure or from the exchange's raw answer.

An amount that is ``None`` in the answer stays ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from execution.core.types import ZERO, BalanceAmounts
from execution.venues.spec import ExchangeSpec, RawBalances
from execution.venues.values import AnswerError, decimal_or_none


def read_balances(client: Any, answer: Any, spec: ExchangeSpec) -> dict[str, BalanceAmounts]:
    """Return the free and locked amounts by currency. A figure that the exchange does not give is None.

    1. Read the fields that the exchange's spec names. Without such fields, take ccxt's reading of the answer.
    2. Add up holdings of one currency that the exchange lists under several names.
    3. If the exchange reports a free amount below zero, return 0 for it.
    """
    if not isinstance(answer, Mapping):
        raise AnswerError(f"a mapping was expected, not {type(answer).__name__}")
    raw = answer.get("info")
    if spec.balance_field is not None and not (isinstance(raw, Mapping) and spec.balance_field in raw):
        raise AnswerError(f"a balance answer without {spec.balance_field!r}")
    read = _of_ccxt(answer) if spec.balances is None else _of_raw(client, raw, spec.balances)
    return {
        code: BalanceAmounts(None if free is None else max(free, ZERO), locked)
        for code, (free, locked) in _together(client, read, spec).items()
    }


Amounts = tuple[Decimal | None, Decimal | None]


def _of_ccxt(answer: Mapping[str, Any]) -> dict[str, Amounts]:
    free, used = answer.get("free"), answer.get("used")
    if not isinstance(free, Mapping) or not isinstance(used, Mapping):
        raise AnswerError("a balance answer without free and used amounts")
    return {code: (decimal_or_none(free[code]), decimal_or_none(used.get(code))) for code in free}


def _of_raw(client: Any, raw: Any, fields: RawBalances) -> dict[str, Amounts]:
    tree = raw
    for key in fields.at:
        try:
            tree = tree[key]
        except (KeyError, IndexError, TypeError):
            raise AnswerError(f"a balance answer without {key!r}") from None
    return {
        str(client.safe_currency_code(name)): (
            _sum(entry, fields.free, fields.held_back, fields.optional),
            _sum(entry, fields.locked, (), fields.optional),
        )
        for name, entry in _entries(tree, fields.currency)
    }


def _entries(tree: Any, currency: str | None) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yield the name of each currency with its entry. In a list, the field ``currency`` holds the name; in a mapping,
    the key is the name.
    """
    named: Iterable[tuple[Any, Any]]
    if isinstance(tree, list) and (currency is not None or not tree):
        named = [(entry.get(currency) if isinstance(entry, Mapping) else None, entry) for entry in tree]
    elif isinstance(tree, Mapping) and currency is None:
        named = tree.items()
    else:
        raise AnswerError(f"balances as a {type(tree).__name__}")
    for name, entry in named:
        if not isinstance(entry, Mapping) or not name:
            raise AnswerError(f"{entry!r} is no currency's balance")
        yield str(name), entry


def _sum(
    entry: Mapping[str, Any], added: Iterable[str], taken_off: Iterable[str], optional: Iterable[str]
) -> Decimal | None:
    total = ZERO
    for sign, names in ((1, added), (-1, taken_off)):
        for name in names:
            amount = decimal_or_none(entry.get(name))
            if amount is None and name not in optional:
                return None
            total += sign * (amount or ZERO)
    return total


def _together(client: Any, read: Mapping[str, Amounts], spec: ExchangeSpec) -> dict[str, Amounts]:
    """Return the amounts by traded currency. Add up the parts that an exchange lists under a suffix, such as
    ``DOT28.S``.
    """
    total: dict[str, Amounts] = {}
    for code, (free, locked) in read.items():
        base, _, suffix = code.partition(".")
        kind = spec.balance_suffixes.get(suffix)
        if kind is None:
            name, part = code, (free, locked)
        else:
            name = _base(client, base)
            part = (free, locked) if kind == "free" else (ZERO, _plus(free, locked))
        before = total.get(name, (ZERO, ZERO))
        total[name] = (_plus(before[0], part[0]), _plus(before[1], part[1]))
    return total


def _base(client: Any, code: str) -> str:
    """Return ``code`` without the number of lock-up days that kraken appends.

    For example, kraken lists DOT that is locked for 28 days as ``DOT28.S``. For ``DOT28`` the result is ``DOT``.
    """
    return code if code in client.currencies else re.sub(r"(?<=\D)\d+$", "", code)


def _plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other
