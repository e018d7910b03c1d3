"""The presets that a person sees, and the order that the person last sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db.models import Q

from execution.core.orders.presets import preset_problems
from execution.models import Account, Order, Preset, Role, User
from execution.payloads.encode import epoch_ms
from execution.payloads.presets import PresetRow
from execution.payloads.problems import problem_row
from execution.selectors.ticket import OrderAsked, asked_of

REFUSAL = "Presets are for traders and supervisors."


def may_see_presets(person: User) -> bool:
    """Return True for traders, who use presets, and for supervisors, who make those of the desk."""
    return person.role in {Role.TRADER, Role.SUPERVISOR}


def preset_rows(person: User) -> list[PresetRow]:
    """Return the person's own presets, then the desk's, by algorithm, symbol and name."""
    if not may_see_presets(person):
        return []
    found = list(Preset.objects.filter(Q(owner=person) | Q(owner=None)).select_related("changed_by"))
    rows = _rows(found)
    return sorted(rows, key=lambda row: (row["is_desk"], row["algorithm"], row["symbol"], row["name"]))


def preset_row(preset: Preset) -> PresetRow:
    return _rows([preset])[0]


def _rows(presets: Sequence[Preset]) -> list[PresetRow]:
    named = {public_id for preset in presets for public_id in preset.accounts}
    found = Account.objects.filter(public_id__in=named) if named else Account.objects.none()
    labels = dict(found.values_list("public_id", "label"))
    return [_row(preset, labels) for preset in presets]


def _row(preset: Preset, labels: Mapping[str, str]) -> PresetRow:
    return {
        "id": preset.public_id,
        "name": preset.name,
        "is_desk": preset.owner_id is None,
        "symbol": preset.symbol,
        "algorithm": preset.algorithm,
        "parameters": preset.parameters,
        "accounts": [{"id": name, "label": labels.get(name, name)} for name in preset.accounts],
        "limit_mode": cast("Any", preset.limit_mode),
        "changed_by": preset.changed_by.username,
        "changed_at": epoch_ms(preset.changed_at),
        "problems": [
            problem_row(problem) for problem in preset_problems(preset.algorithm, preset.parameters)
        ],
    }


def presets_fitting(rows: Sequence[PresetRow], *, algorithm: str, symbol: str) -> list[PresetRow]:
    """Return the presets for an algorithm and a symbol.

    The person's own presets come before the desk's. In each of the two groups, presets for this symbol come before
    presets for any symbol.
    """
    fitting = [row for row in rows if row["algorithm"] == algorithm and row["symbol"] in ("", symbol)]
    return sorted(fitting, key=lambda row: (row["is_desk"], not row["symbol"]))


@dataclass(frozen=True, slots=True)
class LastUsed:
    """The newest order that a person sent from a ticket or by the API.

    A new ticket begins with the values of this order.
    """

    order: OrderAsked
    at: datetime


def last_used(*, person: User, symbol: str, algorithm: str = "") -> LastUsed | None:
    """Return the person's newest order in the symbol, and of the algorithm if one is given.

    If there is none in this symbol, return the newest in any symbol. Orders of baskets are left out, because they come
    from a file. Return None if there is no order.
    """
    theirs = Order.objects.filter(trader=person, basket=None, terms__isnull=False)
    if algorithm:
        theirs = theirs.filter(algorithm=algorithm)
    newest = theirs.order_by("-created_at", "-pk").select_related("terms").prefetch_related("accounts")
    order = newest.filter(symbol=symbol).first() or newest.first()
    return None if order is None else LastUsed(asked_of(order), order.created_at)
