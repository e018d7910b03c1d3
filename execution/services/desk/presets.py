"""The services by which people save, rename and delete presets. Traders have their own, supervisors the desk's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from execution.core.numbers import shortened
from execution.core.orders.presets import MAX_PRESETS, PresetRequest, parse_preset_name
from execution.core.orders.terms import ALGORITHMS
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse, refuse_if
from execution.models import Preset, Role, User
from execution.selectors.halts import symbol_is_known
from execution.selectors.presets import REFUSAL, may_see_presets
from execution.selectors.ticket import account_ids
from execution.services.records.actors import person_actor
from execution.services.records.audit import audit_append


class PresetNotFound(Exception):
    """Raised for a preset that does not exist, or that the person may not change. The two cases look the same."""


@transaction.atomic
def preset_save(*, person: User, request: PresetRequest, now: datetime, replaces: bool = False) -> Preset:
    """Save a preset: a trader's for themselves, a supervisor's for the desk. Raise ``Refused``.

    If a preset of the same name, algorithm and symbol exists, it is overwritten with ``replaces``. Without
    ``replaces`` the new one is refused.
    """
    _lock(person)
    if request.symbol and not symbol_is_known(request.symbol):
        message = f"The desk does not trade {shortened(request.symbol)}."
        refuse("symbol", message, request.symbol, code=Code.SYMBOL_NOT_LISTED)
    theirs, accounts = _changeable(person), _accounts(person, request.accounts)
    named = theirs.filter(algorithm=request.algorithm, symbol=request.symbol, name=request.name).first()
    if named is not None and not replaces:
        refuse("name", _exists(request), request.name, code=Code.PRESET_EXISTS)
    if named is None and theirs.count() >= MAX_PRESETS:
        message = f"There are {MAX_PRESETS} presets already, the most that are kept. Delete one first."
        refuse("", message, MAX_PRESETS, MAX_PRESETS, code=Code.LENGTH_OUT_OF_RANGE)
    preset = named or Preset(owner=_owner(person))
    preset.name, preset.symbol, preset.algorithm = request.name, request.symbol, request.algorithm
    preset.parameters, preset.accounts = dict(request.parameters), list(accounts)
    preset.limit_mode = request.limit_mode.value
    _store(preset, person, now)
    _audit("preset_saved", preset, person, now)
    return preset


@transaction.atomic
def preset_rename(*, public_id: str, person: User, name: str, now: datetime) -> Preset:
    """Rename a preset that the person may change. Raise ``PresetNotFound`` and ``Refused``."""
    _lock(person)
    preset = _found(person, public_id)
    before, preset.name = preset.name, parse_preset_name(name)
    if preset.name != before:
        _store(preset, person, now)
        _audit("preset_renamed", preset, person, now, before=before)
    return preset


@transaction.atomic
def preset_delete(*, public_id: str, person: User, now: datetime) -> None:
    """Delete a preset that the person may change. Raise ``PresetNotFound`` and ``Refused``."""
    _lock(person)
    preset = _found(person, public_id)
    _audit("preset_deleted", preset, person, now)
    preset.delete()


def _lock(person: User) -> None:
    """Lock the person's row, so that two tabs do not save at once."""
    if not may_see_presets(person):
        refuse("", REFUSAL, person.role, code=Code.ROLE_NOT_ALLOWED)
    User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _owner(person: User) -> User | None:
    return None if person.role == Role.SUPERVISOR else person


def _changeable(person: User) -> QuerySet[Preset]:
    return Preset.objects.filter(owner=_owner(person))


def _found(person: User, public_id: str) -> Preset:
    preset = _changeable(person).filter(public_id=public_id).first()
    if preset is None:
        raise PresetNotFound(public_id)
    return preset


def _accounts(person: User, named: Sequence[str]) -> tuple[str, ...]:
    """Return the public ids of accounts that are named by id or label."""
    if named and person.role == Role.SUPERVISOR:
        message = "A preset of the desk names no accounts, because each trader has others."
        refuse("accounts", message, named[0], code=Code.ACCOUNT_UNKNOWN)
    ids = account_ids(person) if named else {}
    known = ids | {public_id: public_id for public_id in ids.values()}
    refuse_if(
        [
            Problem("accounts", f"You have no account {name!r}.", name, code=Code.ACCOUNT_UNKNOWN)
            for name in named
            if name not in known
        ]
    )
    return tuple(dict.fromkeys(known[name] for name in named))


def _store(preset: Preset, person: User, now: datetime) -> None:
    preset.changed_by, preset.changed_at = person, now
    try:
        with transaction.atomic():
            preset.save()
    except IntegrityError:
        # Another supervisor was faster with the same name.
        refuse("name", _exists(preset), preset.name, code=Code.PRESET_EXISTS)


def _exists(preset: Preset | PresetRequest) -> str:
    known = ALGORITHMS.get(preset.algorithm)
    place = f"{known.label if known else preset.algorithm} on {preset.symbol or 'any symbol'}"
    return f"There is already a preset {preset.name!r} for {place}. Choose another name, or replace it."


def _audit(kind: str, preset: Preset, person: User, now: datetime, before: str = "") -> None:
    """Record a change of the desk's presets, which everybody uses. Changes of a trader's own presets are not
    recorded.
    """
    if preset.owner_id is not None:
        return
    audit_append(
        kind=kind,
        actor=person_actor(person),
        subject=preset.public_id,
        at=now,
        data={
            "name": preset.name,
            **({"before": before} if before else {}),
            "algorithm": preset.algorithm,
            "symbol": preset.symbol,
            "parameters": preset.parameters,
            "limit_mode": preset.limit_mode,
        },
    )
