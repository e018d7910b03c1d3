"""The API: its routers, its errors and its OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from ninja import NinjaAPI
from ninja.errors import ValidationErrorContext
from ninja.openapi.docs import DocsBase

from dashboard.api import amend, analysis, desk, halts, orders, reconciliation, schemas
from dashboard.api.access import Bearer, PersonRate
from dashboard.api.parsing import StrictParser, parameter_schema
from dashboard.api.problems import HANDLERS, MEDIA_TYPE, Unreadable, unreadable
from execution.core.orders.terms import ALGORITHMS

DESCRIPTION = """
Launch, follow and stop orders. Every request carries a bearer token, made on your page or by
manage.py api_token USER; sessions and cookies open nothing here, so there is no CSRF token either.
Numbers are strings, what is unknown is null, times are ISO 8601 in UTC, durations are seconds.
Errors are problems after RFC 9457 that name the field, the value and the limit.
""".strip()


class DocsPage(DocsBase):
    """The document as a page of the desk: nothing from elsewhere, no inline script."""

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
        models = {algorithm.parameters.__name__: name for name, algorithm in ALGORITHMS.items()}
        known |= {title: deepcopy(parameter_schema(name)) for title, name in models.items()}
        parameters = known["OrderBody"]["properties"]["parameters"]
        parameters.pop("additionalProperties", None)
        parameters["anyOf"] = [{"$ref": f"#/components/schemas/{title}"} for title in models]
        known["Problem"] = schemas.Problem.model_json_schema()
        problems = schemas.Problems.model_json_schema(ref_template="#/components/schemas/{model}")
        known["Problems"] = {name: part for name, part in problems.items() if name != "$defs"}
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                for status in _errors(path, method, operation):
                    operation["responses"][status] = _error(status)
        return document


def _errors(path: str, method: str, operation: dict[str, Any]) -> Sequence[int]:
    """The statuses of an operation's errors."""
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
    version="1",
    description=DESCRIPTION,
    docs=DocsPage(),
    docs_decorator=require_GET,
    auth=Bearer(),
    throttle=[PersonRate()],
    parser=StrictParser(),
    urls_namespace="api",
)
for error, handler in HANDLERS.items():
    api.add_exception_handler(error, handler)
for router in (
    orders.router,
    amend.router,
    analysis.router,
    desk.router,
    halts.router,
    reconciliation.router,
):
    api.add_router("", router)
