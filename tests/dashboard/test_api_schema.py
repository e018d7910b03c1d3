"""Schemathesis asks the API, in this process, whatever its OpenAPI document allows and much that it does not.

No example may make a fault of the desk, and every answer has a status, a media type and a form of the document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from pytest_django.fixtures import Settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from execution.services.halts import HaltRequest, halt_set
from tests.dashboard.api import token_of
from tests.dashboard.desk_fixture import Desk

#: For each operation, kind of data and role.
EXAMPLES = 6
#: Not "what the schema allows is accepted": a schema cannot say what the market's lot or the balance is.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.mark.django_db(
    transaction=True
)  # the application closes its connection after each request, as when served
@pytest.mark.parametrize("role", ["trader", "supervisor"])
@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value
)
def test_no_request_breaks_the_desk_and_every_answer_is_as_documented(
    make_desk: Callable[[], Desk], role: str, mode: GenerationMode, settings: Settings
) -> None:
    settings.API_RATE = 1_000_000
    office = make_desk()
    order = office.order()
    office.fill(order, 1)
    asked = HaltRequest("no_new_orders", "symbol", "ETH/USDT")
    phrase = "HALT ETH/USDT"
    halt = halt_set(
        person=office.supervisor, request=asked, phrase=phrase, reason="a drill", now=timezone.now()
    )
    headers = {"Authorization": f"Bearer {token_of(getattr(office, role))}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application(), headers=headers)
    results: list[Any] = list(schema.get_all_operations())
    operations = [result.ok() for result in results]
    assert len(operations) > 15
    for operation in operations:
        _ask(operation, mode, headers, halt.public_id if "/halts/" in operation.path else order.public_id)


def _ask(operation: Any, mode: GenerationMode, headers: dict[str, str], public_id: str) -> None:
    """Ask one operation; where an id is wanted, and what is sent is right, it is a real one."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,  # the same requests each time: a build that fails fails again
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and case.path_parameters:
            case.path_parameters["public_id"] = public_id
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()
