"""The API: its routers, its errors and its OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from copy import deepcopy
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.errors import ValidationErrorContext
from ninja.openapi.docs import DocsBase
from ninja.openapi.schema import REF_TEMPLATE
from pydantic import TypeAdapter

from dashboard.api import (
    alerts,
    amend,
    analysis,
    balances,
    baskets,
    bulk,
    controls,
    desk,
    halts,
    orders,
    presets,
    reconciliation,
)
from dashboard.api.access import Bearer, PersonRate, documented
from dashboard.api.parsing import StrictParser, parameter_schema
from dashboard.api.problems import HANDLERS, MEDIA_TYPE, Unreadable, unreadable
from execution.core.orders.policies import AtEnd, InsufficientLiquidity, OutsideLimit, RiskLevel, RouteMode
from execution.core.orders.terms import ALGORITHMS
from execution.core.types import Side, Unit
from execution.payloads.problems import Problems

DESCRIPTION = """
Launch, follow and stop orders. Every request carries a bearer token, made on your page or by
manage.py api_token USER. Its scopes (read, trade, halt) say what it may do. Sessions and cookies
open nothing here, so there is no CSRF token either.
Numbers are strings, what is unknown is null, times are ISO 8601 in UTC, durations are seconds.
Errors are problems after RFC 9457 that name the field, the value and the limit.
""".strip()


#: Enumerations that the OpenAPI document defines once, by their names.
NAMED: tuple[type[StrEnum], ...] = (
    Side,
    Unit,
    AtEnd,
    OutsideLimit,
    RouteMode,
    InsufficientLiquidity,
    RiskLevel,
)
_REFERENCE = re.compile(REF_TEMPLATE.format(model=r"(\w+)"))


class DocsPage(DocsBase):
    """The API's document as a page of the desk, without outside resources and inline scripts."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        return render(request, "dashboard/api.html", {"document": self.get_openapi_url(api, kwargs)})


class DeskApi(NinjaAPI):
    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext[Any]]
    ) -> Unreadable:
        return unreadable(error_contexts)

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        document = super().get_openapi_schema(**kwargs)
        known = document["components"]["schemas"]
        known |= {
            algorithm.parameters.__name__: deepcopy(parameter_schema(name))
            for name, algorithm in ALGORITHMS.items()
        }
        known |= _bodies_by_algorithm(known["OrderBody"], known)
        problems = TypeAdapter(Problems).json_schema(ref_template=REF_TEMPLATE)
        known |= problems.pop("$defs") | {"Problems": problems}
        known |= {kind.__name__: {"type": "string", "enum": list(kind)} for kind in NAMED}
        for schema in known.values():
            for field in schema.get("properties", {}).values():
                _simplify(field)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                for status in _errors(path, method, operation):
                    operation["responses"][status] = _error(status)
                for parameter in operation["parameters"]:
                    _simplify(parameter["schema"])
        # The router of single orders comes after that of many at once, which readers seldom need first.
        document["paths"] = dict(
            sorted(document["paths"].items(), key=lambda each: "/orders/bulk/" in each[0])
        )
        used = set(_REFERENCE.findall(json.dumps(document, default=str)))
        document["components"]["schemas"] = {name: known[name] for name in known if name in used}
        return document


def _simplify(field: dict[str, Any]) -> None:
    """Simplify a field for generators of client code. Generators take a title for the name of a type, and make a new
    type of each enumeration without a name. They accept no object as a default.
    """
    field.pop("title", None)
    if field.get("default") in ({}, None):
        field.pop("default", None)
    for kind in NAMED:
        if field.get("enum") == list(kind):
            del field["enum"], field["type"]
            field["$ref"] = _ref(kind.__name__)


def _bodies_by_algorithm(body: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    forms, by_name = {}, {}
    for name, algorithm in ALGORITHMS.items():
        parameters = algorithm.parameters.__name__
        title = parameters.replace("Parameters", "Order")
        form = deepcopy(body) | {"title": title}
        about = body["properties"]["parameters"]["description"]
        form["properties"]["algorithm"] = {"type": "string", "const": name}
        form["properties"]["parameters"] = {"$ref": _ref(parameters), "description": about}
        if known[parameters].get("required"):
            form["required"] = [*form["required"], "parameters"]
        forms[title], by_name[name] = form, _ref(title)
    union = {
        "title": "OrderBody",
        "oneOf": [{"$ref": ref} for ref in by_name.values()],
        "discriminator": {"propertyName": "algorithm", "mapping": by_name},
    }
    return forms | {"OrderBody": union}


def _ref(name: str) -> str:
    return REF_TEMPLATE.format(model=name)


def _errors(path: str, method: str, operation: dict[str, Any]) -> Sequence[int]:
    statuses = [400, 401, 403, 405, 422, 429, 500, 503]
    if "{" in path:
        statuses.append(404)
    if "requestBody" in operation:
        statuses += [413, 415]
    if method == "post":
        statuses.append(409)
    return sorted(statuses)


def _error(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problems"}}}
    return {"description": HTTPStatus(status).phrase, "content": content}


api = DeskApi(
    title="Tranche",
    version=settings.TRANCHE_VERSION,
    description=DESCRIPTION,
    docs=DocsPage(),
    docs_decorator=documented,
    auth=Bearer(),
    throttle=[PersonRate()],
    parser=StrictParser(),
    urls_namespace="api",
)
for error, handler in HANDLERS.items():
    api.add_exception_handler(error, handler)
for router in (
    bulk.router,  # before the router of single orders, which would take "bulk" for an id
    orders.router,
    amend.router,
    analysis.router,
    balances.router,
    baskets.router,
    controls.router,
    desk.router,
    halts.router,
    presets.router,
    reconciliation.router,
    alerts.router,
):
    api.add_router("", router)
