"""One declaration serves pages and the API: what each of them is sent of the same values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from execution.core.problem_codes import Code
from execution.core.problems import Problem
from execution.payloads.fields import DecimalStr, EpochMs, OptionalText, PageOnly, SideText
from execution.payloads.problems import ProblemRow, problem_row


class Row(TypedDict):
    """Something with a value of each kind."""

    at: Annotated[EpochMs | None, Field(description="when it happened")]
    liquidity: OptionalText
    price: DecimalStr | None
    side: SideText
    key: PageOnly[str]


ROW = Row(at=1_700_000_000_123, liquidity="", price="64500.1", side="buy", key="7")
API = TypeAdapter(Row)


def test_pages_get_the_row_and_the_api_its_times_as_iso_and_its_unknown_as_null() -> None:
    shown = API.dump_python(API.validate_python(ROW))
    assert shown == {
        "at": datetime(2023, 11, 14, 22, 13, 20, 123000, UTC),
        "liquidity": None,
        "price": "64500.1",
        "side": "buy",
    }
    assert API.dump_python(API.validate_python(Row(**{**ROW, "at": None})))["at"] is None


def test_the_document_says_what_the_api_writes() -> None:
    schema = API.json_schema(mode="serialization")
    properties = schema["properties"]
    assert set(properties) == set(schema["required"]) == {"at", "liquidity", "price", "side"}
    assert properties["at"]["description"] == "when it happened"
    assert {"type": "string", "format": "date-time"} in properties["at"]["anyOf"]
    assert [part["type"] for part in properties["liquidity"]["anyOf"]] == ["string", "null"]
    assert schema["$defs"]["Side"]["enum"] == ["buy", "sell"]


def test_a_name_that_the_enumeration_lacks_is_a_fault() -> None:
    with pytest.raises(ValidationError):
        API.validate_python({**ROW, "side": "odd"})


def test_a_problem_is_said_with_all_its_fields_and_a_parameter_by_its_own_name() -> None:
    row = problem_row(Problem("parameters.duration", "duration is 1", "1", "2", code=Code.REQUEST_REFUSED))
    assert row["field"] == "duration"
    assert set(row) == set(ProblemRow.__annotations__)
