"""Presets over the API: the same services as the pages call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from ninja.responses import Status

from dashboard.api import bodies
from dashboard.api.access import api_person
from dashboard.api.parsing import refuse_kinds
from dashboard.api.problems import Forbidden, NotFound
from execution.core.orders.presets import parse_preset
from execution.payloads.presets import PresetRow, Presets
from execution.selectors.presets import REFUSAL, may_see_presets, preset_row, preset_rows
from execution.services.desk import presets as services

if TYPE_CHECKING:
    from execution.models import User

router = Router(tags=["presets"])


def _person(request: HttpRequest) -> User:
    person = api_person(request)
    if not may_see_presets(person):
        raise Forbidden(REFUSAL)
    return person


@router.get("/presets", response=Presets, summary="List presets", operation_id="preset_list")
def preset_list(request: HttpRequest) -> Presets:
    """Return your own presets, then those of the desk. To use one, send its parameters with an order."""
    return {"presets": preset_rows(_person(request))}


@router.post("/presets", response={201: PresetRow}, summary="Save a preset", operation_id="preset_save")
def preset_save(request: HttpRequest, body: bodies.PresetBody) -> Any:
    """Save a preset for yourself. A supervisor saves it for the whole desk."""
    person = _person(request)
    refuse_kinds(body.algorithm, body.parameters)
    preset = services.preset_save(
        person=person, request=parse_preset(body.dict()), replaces=body.replaces, now=timezone.now()
    )
    return Status(201, preset_row(preset))


@router.post(
    "/presets/{slug:public_id}/delete",
    response={204: None},
    summary="Delete a preset",
    operation_id="preset_delete",
)
def preset_delete(request: HttpRequest, public_id: str) -> Any:
    """Delete a preset of your own. A supervisor deletes one of the desk."""
    try:
        services.preset_delete(public_id=public_id, person=_person(request), now=timezone.now())
    except services.PresetNotFound:
        raise NotFound from None
    return Status(204, None)
