"""Errors of the API as RFC 9457 problems, whether an operation, Ninja or Django raised them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja.errors import AuthenticationError, HttpError, ValidationError, ValidationErrorContext

from dashboard.api.parsing import BodyRefused
from dashboard.middleware import request_id
from execution.core.numbers import shortened
from execution.core.problem_codes import Code, pydantic_code
from execution.core.problems import Problem, Refused, as_sentence, first_problems, sentences
from execution.payloads.problems import Problems, problem_row
from execution.services.orders.amend import TermsChanged
from execution.services.orders.orders import KeyReused, OrderNotFound

log = structlog.get_logger(__name__)

PREFIX = "/api/"
MEDIA_TYPE = "application/problem+json"
MAX_DETAIL = 1000

#: Messages by status, for a refusal without a message of its own.
DETAILS = {
    400: "The request cannot be read.",
    401: "Send a valid token: Authorization: Bearer TOKEN. It may be unknown, expired or revoked.",
    403: "Your role does not allow this.",
    404: "There is nothing here that you may see.",
    405: "The address does not take this method; Allow names those that it takes.",
    413: "The body is too large.",
    429: "Too many requests; Retry-After says for how many seconds to wait.",
    500: "The desk failed. What happened is in its log; the request may have been carried out.",
    503: "The desk's database cannot be reached just now. The request may have been carried out: "
    "send it again with the same key.",
}
#: Codes by status, for an answer without a problem of its own.
CODES = {
    400: Code.BODY_UNREADABLE,
    401: Code.UNAUTHENTICATED,
    403: Code.ROLE_NOT_ALLOWED,
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    413: Code.REQUEST_TOO_LARGE,
    415: Code.MEDIA_TYPE_UNSUPPORTED,
    429: Code.RATE_LIMITED,
    500: Code.INTERNAL_ERROR,
    503: Code.DATABASE_UNAVAILABLE,
}
#: Seconds after which a program may try again. A database needs about one to restart.
DATABASE_BACK_AFTER = 2


class Forbidden(HttpError):
    """Raised for an action on an object that the person may see but not change in this way."""

    def __init__(self, message: str, code: Code = Code.ROLE_NOT_ALLOWED) -> None:
        super().__init__(403, message)
        self.code = code


class NotFound(HttpError):
    """Raised for an object that does not exist, or that the person may not see. The answer is the same for both."""

    def __init__(self) -> None:
        super().__init__(404, DETAILS[404])


class Unreadable(ValidationError):
    """Raised for a request that does not fit the OpenAPI document.

    It carries the desk's own problems instead of pydantic's errors.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__([])
        self.problems = first_problems(problems)


def problem_response(
    status: int, detail: str = "", problems: Sequence[Problem] = (), code: Code | None = None
) -> HttpResponse:
    """Return the answer for an error. Its code is ``code``, else the first problem's, else the one for ``status``."""
    body: Problems = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code or next((each.code for each in problems), CODES.get(status, Code.REQUEST_REFUSED)),
        "detail": detail or DETAILS.get(status, HTTPStatus(status).phrase),
        "problems": [problem_row(problem) for problem in problems],
    }
    response = HttpResponse(json.dumps(body), status=status, content_type=MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def refused_response(status: int, refused: Refused | Unreadable) -> HttpResponse:
    detail = shortened(sentences(refused.problems), MAX_DETAIL)
    return problem_response(status, detail, refused.problems)


# --- handlers for ninja --------------------------------------------------------------------------


def _http_error(_request: HttpRequest, error: Any) -> HttpResponse:
    """Answer with the status of the error's cause, because ninja turns everything that a parser raises into a 400."""
    if isinstance(error.__cause__, BodyRefused):
        return problem_response(error.__cause__.status, str(error.__cause__))
    known = isinstance(error, Forbidden | NotFound)
    return problem_response(error.status_code, str(error) if known else "", code=getattr(error, "code", None))


def _database_away(request: HttpRequest, error: Any) -> HttpResponse:
    log.warning("the database cannot be reached", path=request.path, error=str(error))
    response = problem_response(503)
    response.headers["Retry-After"] = str(DATABASE_BACK_AFTER)
    return response


def _body_too_large(_request: HttpRequest, _error: Any) -> HttpResponse:
    """Answer for a body that is too large, if another server than ours (config/web.py) has let it through."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    message = f"The body has more than {limit:,} bytes."
    problem = Problem("body", message, limit=limit, code=Code.REQUEST_TOO_LARGE)
    return problem_response(413, message, [problem])


HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    HttpError: _http_error,
    AuthenticationError: lambda _request, _error: problem_response(401),
    Unreadable: lambda _request, error: refused_response(422, error),
    Refused: lambda _request, error: refused_response(422, error),
    KeyReused: lambda _request, error: refused_response(409, error),
    TermsChanged: lambda _request, error: refused_response(409, error),
    OrderNotFound: lambda _request, _error: problem_response(404),
    RequestDataTooBig: _body_too_large,
    OperationalError: _database_away,
    InterfaceError: _database_away,
}


def unreadable(contexts: Sequence[ValidationErrorContext[Any]]) -> Unreadable:
    """Convert pydantic's errors about a request into problems with field, value and limit."""
    problems = []
    for context in contexts:
        source = context.model.__ninja_param_source__
        for error in context.pydantic_validation_error.errors(include_url=False):
            location = [str(part) for part in error["loc"]]
            # The body's first part is our argument's name.
            name = ".".join(location[1:] if source == "body" else location[-1:])
            problems.append(_problem(name, error))
    return Unreadable(problems)


_LIMITS = ("gt", "ge", "lt", "le", "min_length", "max_length", "expected", "pattern")


def _problem(name: str, error: Any) -> Problem:
    label, code = name.replace("_", " ").capitalize() or "The body", pydantic_code(error["type"])
    if code is Code.VALUE_MISSING:
        return Problem(name, f"{label} is missing.", code=code)
    value = shortened(json.dumps(error["input"], default=str))
    if code is Code.FIELD_UNKNOWN:
        return Problem(name, f"There is no field {shortened(name)!r}.", value, code=code)
    if error["type"] == "string_type" and isinstance(error["input"], int | float):
        message = (
            f'{label} is the number {value}. Write it as a string, "{value}": a JSON number loses digits.'
        )
        return Problem(name, message, value, "string", code=code)
    context = error.get("ctx") or {}
    limit = next((str(context[key]) for key in _LIMITS if key in context), "")
    reason = as_sentence(error["msg"].removeprefix("Value error, "))
    return Problem(name, f"{label} is {value}. {reason}", value, limit, code=code)


# --- and everything around it --------------------------------------------------------------------


class ApiProblems:
    """A middleware that turns every error under ``/api/`` into a problem, including errors that occur before
    an operation runs.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(PREFIX):
            return response
        if response.status_code == 500:
            failed = problem_response(500, f"{DETAILS[500]} It is there as request {request_id()}.")
            failed._has_been_logged = True  # type: ignore[attr-defined]  # Django logs what it has not yet
            return failed
        if response.status_code >= 400 and response.headers.get("Content-Type") != MEDIA_TYPE:
            plain = problem_response(response.status_code)
            for name in ("Allow", "Retry-After"):
                if name in response.headers:
                    plain.headers[name] = response.headers[name]
            response = plain
        return response
