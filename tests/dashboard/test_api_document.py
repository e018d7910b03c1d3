"""The OpenAPI document as generators of clients read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.api.document import api
from execution.core.orders.terms import ALGORITHMS

REF = "#/components/schemas/"


@pytest.fixture
def document() -> Any:
    return api.get_openapi_schema()


def schemas_in(part: Any) -> Iterator[dict[str, Any]]:
    """Yield everything that may be a schema, at any depth."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from schemas_in(inner)


def test_each_operation_has_a_name_of_its_own(document: Any) -> None:
    names = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert len(names) == len(set(names))


def test_each_form_is_used_and_each_reference_leads_somewhere(document: Any) -> None:
    references = {part["$ref"] for part in schemas_in(document) if "$ref" in part}
    assert references == {REF + name for name in document["components"]["schemas"]}


def test_no_field_has_an_object_or_null_for_a_default(document: Any) -> None:
    for part in schemas_in(document["components"]["schemas"]):
        assert part.get("default", "none") not in ({}, None)


def test_the_body_of_an_order_is_one_form_for_each_algorithm_with_its_parameters(document: Any) -> None:
    forms = document["components"]["schemas"]
    mapping = forms["OrderBody"]["discriminator"]["mapping"]
    assert list(mapping) == list(ALGORITHMS)
    assert [part["$ref"] for part in forms["OrderBody"]["oneOf"]] == list(mapping.values())
    for name, reference in mapping.items():
        properties = forms[reference.removeprefix(REF)]["properties"]
        assert properties["algorithm"]["const"] == name
        parameters = ALGORITHMS[name].parameters
        assert properties["parameters"]["$ref"] == REF + parameters.__name__
        assert set(forms[parameters.__name__]["properties"]) == set(parameters.model_fields)
    assert "parameters" in forms["IcebergOrder"]["required"]
    assert "parameters" not in forms["TwapOrder"]["required"]


def test_decimals_are_strings_with_a_pattern_and_enumerations_have_names(document: Any) -> None:
    forms = document["components"]["schemas"]
    assert forms["FillRow"]["properties"]["price"] == {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
    assert forms["TwapOrder"]["properties"]["side"]["$ref"] == f"{REF}Side"
    assert "title" not in json.dumps(forms["FillRow"]["properties"])


def test_the_document_begins_with_the_launch_of_an_order(document: Any) -> None:
    paths = list(document["paths"])
    assert paths[:3] == ["/api/v1/orders", "/api/v1/orders/preview", "/api/v1/orders/{public_id}"]
    assert all("/bulk/" in path for path in paths[-10:]), "many orders at once come last"
