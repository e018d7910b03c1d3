"""The fee of one of our own trades. It may have several parts, each in any currency. If one part is unknown, the whole
fee is unknown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from execution.core.types import TradeFee
from execution.venues.spec import ExchangeSpec, RawFees
from execution.venues.values import AnswerError, decimal_or_none, text_or_none


def trade_fees(trade: Mapping[str, Any], spec: ExchangeSpec) -> tuple[TradeFee, ...]:
    """Return the parts of the fee, one for each currency. A rebate is below zero.

    The result is empty if a part is unknown or unreadable, because the other parts alone would be a wrong fee. The
    trade itself is recorded all the same. Parts in one currency are added up. A part of zero is left out if there are
    other parts.
    """
    raw = trade.get("info")
    raw = raw if isinstance(raw, Mapping) else {}
    try:
        told, rebate = _told(trade, raw, spec), _rebate(raw, spec)
    except AnswerError:
        return ()
    total: dict[str, Decimal] = {}
    for cost, currency in [*told, *rebate] if told else []:
        if cost is None or (currency is None and cost != 0):
            return ()
        if currency is not None:
            total[currency] = total.get(currency, Decimal(0)) + cost
    parts = [TradeFee(cost, currency) for currency, cost in total.items()]
    return tuple(part for part in parts if part.amount != 0) or tuple(parts[:1])


Entry = tuple[Decimal | None, str | None]


def _told(trade: Mapping[str, Any], raw: Mapping[str, Any], spec: ExchangeSpec) -> list[Entry]:
    """Return the trade's fees without its rebate: ccxt's, the exchange's own list, or both, as the spec says."""
    entries = _of_ccxt(trade)
    if spec.fee_currency_field is not None:
        named = text_or_none(raw.get(spec.fee_currency_field))
        entries = [(cost, named) for cost, _ in entries]
    if spec.raw_fees is None or raw.get(spec.raw_fees.at) in (None, ""):
        return entries
    listed = list(_listed(raw[spec.raw_fees.at], spec.raw_fees))
    if spec.raw_fees.beside:
        return [*entries, *listed] if entries else []
    return listed or entries


def _of_ccxt(trade: Mapping[str, Any]) -> list[Entry]:
    listed: Iterable[Any] = trade.get("fees") or [trade.get("fee")]
    entries = [
        (decimal_or_none(fee.get("cost")), text_or_none(fee.get("currency")))
        for fee in listed
        if isinstance(fee, Mapping)
    ]
    return [entry for entry in entries if entry != (None, None)]  # ccxt's empty form stands for no fee told


def _listed(listed: Any, fields: RawFees) -> Iterable[Entry]:
    """Return the exchange's own list of fees. Raise ``AnswerError`` for a list that cannot be read."""
    if isinstance(listed, str):
        try:
            listed = json.loads(listed)
        except ValueError:
            raise AnswerError(f"fees that cannot be read: {listed!r}") from None
    if isinstance(listed, Mapping):
        listed = [listed]
    if not isinstance(listed, list):
        raise AnswerError(f"{listed!r} is no list of fees")
    for entry in listed:
        if not isinstance(entry, Mapping):
            raise AnswerError(f"{entry!r} is no fee")
        told: Sequence[Any] = [entry[name] for name in fields.amounts if entry.get(name) not in (None, "")]
        cost = decimal_or_none(told[0]) if told else None
        yield -cost if cost is not None and fields.negated else cost, text_or_none(entry.get(fields.currency))


def _rebate(raw: Mapping[str, Any], spec: ExchangeSpec) -> list[Entry]:
    """Return the rebate of a trade from the fields that the exchange's spec names; empty if there is none.

    If the answer is about a whole order, its rebate is that of all the order's trades. In that case the amount for
    this trade is None, because it is unknown.
    """
    if spec.rebate_fields is None:
        return []
    amount, currency = (raw.get(name) for name in spec.rebate_fields)
    paid = decimal_or_none(amount)
    if not paid:
        return []
    is_of_order = any(name in raw for name in spec.filled_fields)
    return [(None if is_of_order else -paid, text_or_none(currency))]
