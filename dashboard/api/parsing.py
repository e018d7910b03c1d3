"""The translation of an API request into the services' types: strict JSON, labels of accounts, types of parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any, get_args

from django.http import HttpRequest
from ninja.parser import Parser
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from dashboard.forms.filters import Filter, read_filter
from execution.core.orders.basket import BasketRow
from execution.core.orders.parameters import BOUND_WORDS, bounds_of
from execution.core.orders.terms import ALGORITHMS, OrderRequest, parse_order_request
from execution.core.problem_codes import Code
from execution.core.problems import Problem, attempt, refuse_if
from execution.core.strict_json import read_json
from execution.selectors.orders.order_filter import Query, unknown_filter
from execution.selectors.ticket import account_ids
from execution.services.orders.preview import with_listing_problems

if TYPE_CHECKING:
    from execution.models import User

JSON = "application/json"


class BodyRefused(Exception):
    """Raised if the body is not JSON, or contains text that a database cannot store."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class StrictParser(Parser):
    """Parses JSON strictly. It refuses a repeated key in an object, and text that a database cannot store."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != JSON:
            named = request.content_type or "of no named type"
            raise BodyRefused(415, f"The body is {named}. It must be {JSON}.")
        try:
            return read_json(request.body)
        except ValueError as error:
            raise BodyRefused(400, f"The body cannot be read as JSON: {error}.") from error


def refuse_unknown(request: HttpRequest, model: BaseModel) -> None:
    """Refuse query parameters that ``model`` does not have. Otherwise a misspelt filter would show everything."""
    known = [info.alias or name for name, info in type(model).model_fields.items()]
    refuse_if([unknown_filter(name, known) for name in request.GET if name not in known])


def query_filter(request: HttpRequest, person: User, model: type[Filter]) -> Filter:
    """Return the filter in a request's query string. Raises ``Refused``, also for unknown parameters."""
    read = read_filter(person, model, request.GET.dict())
    refuse_if(read.problems)
    return read.filter


def query_parameters(model: type[Query]) -> dict[str, Any]:
    """Return a filter's query parameters for the OpenAPI document. Ninja does not know them, because
    ``query_filter`` reads the query string itself, as for the pages.
    """
    parameters = []
    for name, schema in model.model_json_schema()["properties"].items():
        if "anyOf" in schema:
            schema |= schema.pop("anyOf")[0]
        if not schema.get("default"):
            schema.pop("default", None)
        about = {"description": schema["description"]} if "description" in schema else {}
        parameters.append({"in": "query", "name": name, "required": False, "schema": schema, **about})
    return {"parameters": parameters}


# --- orders --------------------------------------------------------------------------------------


def read_order(body: Mapping[str, Any], person: User) -> OrderRequest:
    """Return the order request in a body that fits the schema. Accounts may be given by their labels. Raises
    ``Refused``.
    """
    return _read(body, account_ids(person))


def read_orders(written: Sequence[Mapping[str, Any]], person: User) -> list[BasketRow]:
    """Return the rows of a basket, each read as ``read_order`` does.

    If an order cannot be read, its row has the problems, and nothing is raised.
    """
    ids = account_ids(person)
    rows = []
    for number, body in enumerate(written, start=1):
        problems: list[Problem] = []
        request = attempt(problems, partial(_read, body, ids))
        if request is None:
            problems = with_listing_problems(
                problems, person=person, accounts=body["accounts"], symbol=body["symbol"]
            )
        rows.append(BasketRow(number, request, tuple(problems)))
    return rows


def _read(body: Mapping[str, Any], ids: Mapping[str, str]) -> OrderRequest:
    refuse_kinds(str(body.get("algorithm", "")), body.get("parameters") or {})
    return parse_order_request({**body, "accounts": [ids.get(name, name) for name in body["accounts"]]})


class ParameterSchema(GenerateJsonSchema):
    """The JSON schema of a parameter model, with numbers as strings and durations in seconds."""

    def timedelta_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ARG002
        return {"anyOf": [{"type": "number"}, {"type": "string"}]}

    def decimal_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "string"}


#: Schema keys that the JSON schema omits: those for the ticket's form, and pydantic's numeric bounds.
_NOT_FOR_JSON = ("advanced", "amendable", "gt", "ge", "lt", "le")


@cache
def parameter_schema(algorithm: str) -> dict[str, Any]:
    """Return the JSON schema of an algorithm's parameters, from the model that validates them."""
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
        bounds = [f"{BOUND_WORDS[key]} {_written(limit)}" for key, limit in bounds_of(info)]
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
    """Refuse a parameter of a wrong JSON type.

    For example, ``true`` is not 1, and decimals must be texts because a JSON number such as 50.1 may have lost digits.
    """
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
            message = f"{name} is {text}, of the type {kind}. It must be of the type {kinds}."
            problems.append(Problem(name, message, text, kinds, code=Code.VALUE_WRONG_TYPE))
    refuse_if(problems)


def _flat(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "anyOf" not in schema:
        return [schema]
    return [part for inner in schema["anyOf"] for part in _flat(inner)]
