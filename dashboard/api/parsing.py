"""From what a program sends to what the services take: strict JSON, labels of accounts, kinds of parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from django.http import HttpRequest
from ninja.parser import Parser
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from execution.core.orders.terms import ALGORITHMS, OrderRequest, parse_order_request
from execution.core.problems import Problem, Refused
from execution.core.strict_json import read_json
from execution.selectors.ticket import ticket_accounts

if TYPE_CHECKING:
    from execution.models import User

JSON = "application/json"


class BodyRefused(Exception):
    """The body is not JSON, or not text that a database keeps."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class StrictParser(Parser):
    """JSON as its standard has it, no key twice, and no text that a database refuses."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != JSON:
            raise BodyRefused(
                415, f"the body is {request.content_type or 'nothing named'}; it must be {JSON}"
            )
        try:
            return read_json(request.body)
        except ValueError as error:
            raise BodyRefused(400, f"the body cannot be read as JSON: {error}") from error


def refuse_unknown(request: HttpRequest, asked: BaseModel) -> None:
    """A filter that is misspelt must not show everything: names that the schema lacks are refused."""
    known = [info.alias or name for name, info in type(asked).model_fields.items()]
    problems = [
        Problem(
            name[:40], f"there is no filter {name[:40]!r}; there are {', '.join(known)}", "", ", ".join(known)
        )
        for name in request.GET
        if name not in known
    ]
    if problems:
        raise Refused(problems)


# --- orders --------------------------------------------------------------------------------------


def read_order(body: Mapping[str, Any], person: User) -> OrderRequest:
    """The request in a body whose form is right; raises ``Refused``. Accounts may be named by their labels."""
    ids = {account["label"]: account["id"] for account in ticket_accounts(person=person)}
    refuse_kinds(str(body.get("algorithm", "")), body.get("parameters") or {})
    return parse_order_request({**body, "accounts": [ids.get(name, name) for name in body["accounts"]]})


class ParameterSchema(GenerateJsonSchema):
    """A parameter model as JSON writes it: numbers as strings, durations in seconds."""

    def timedelta_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ARG002
        return {"anyOf": [{"type": "number"}, {"type": "string"}]}

    def decimal_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "string"}


#: What only the ticket's form needs, and what pydantic writes where JSON has no such limit.
_NOT_FOR_JSON = ("widget", "advanced", "amendable", "unit", "gt", "ge", "lt", "le")
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


@cache
def parameter_schema(algorithm: str) -> dict[str, Any]:
    """The JSON schema of an algorithm's parameters, from the model that judges them."""
    model = ALGORITHMS[algorithm].parameters
    schema = model.model_json_schema(schema_generator=ParameterSchema)
    choices = schema.pop("$defs", {})
    for shown in schema["properties"].values():
        if (
            "$ref" in shown
        ):  # what may be chosen stands where it is chosen: a fragment's references lead nowhere
            chosen = choices[shown.pop("$ref").removeprefix("#/$defs/")]
            shown.update({key: chosen[key] for key in ("type", "enum")})
    for name, shown in schema["properties"].items():
        for part in (shown, *_flat(shown), *shown.get("anyOf", ())):
            for key in _NOT_FOR_JSON:
                part.pop(key, None)
        info = model.model_fields[name]
        bounds = [
            f"{word} {_written(getattr(limit, key))}"
            for limit in info.metadata
            for key, word in _BOUNDS.items()
            if hasattr(limit, key)
        ]
        kinds = get_args(info.annotation)
        is_duration = any(timedelta in (kind, *get_args(kind)) for kind in kinds)
        unit = "seconds" if is_duration else ""
        words = ", ".join(word for word in (unit, *bounds) if word)
        shown["description"] = f"{info.description or ''}{f' ({words})' if words else ''}".strip()
    return schema


def _written(limit: Any) -> str:
    return f"{limit.total_seconds():.0f}" if isinstance(limit, timedelta) else str(limit)


_KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def refuse_kinds(algorithm: str, parameters: Mapping[str, Any]) -> None:
    """Refuse a value whose kind JSON should not have here: ``true`` is not 1, and 50.1 has lost digits."""
    if algorithm not in ALGORITHMS:
        return
    properties = parameter_schema(algorithm)["properties"]
    problems = []
    for name, value in parameters.items():
        if name not in properties or value is None:
            continue
        wanted = [part["type"] for part in _flat(properties[name]) if part["type"] != "null"]
        kind = _KINDS[type(value)]
        if kind not in wanted and not (kind == "integer" and "number" in wanted):
            text = json.dumps(value)[:40]
            kinds = " or ".join(wanted)
            message = f"{name} is {text}, of the kind {kind}; it must be of the kind {kinds}"
            problems.append(Problem(name, message, text, kinds))
    if problems:
        raise Refused(problems)


def _flat(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The alternatives of a schema, however they are nested."""
    if "anyOf" not in schema:
        return [schema]
    return [part for inner in schema["anyOf"] for part in _flat(inner)]
