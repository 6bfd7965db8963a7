"""Turn every error into a problem document. Only this module knows what an error of the log means to a client."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from faust_redis.log import (
    BrokerUnsuitableError,
    DamagedPartitionError,
    IdempotencyConflictError,
    IncarnationError,
    LogError,
    LogUnavailableError,
    PermissionDeniedError,
    ResizedError,
    ResizingError,
    UnknownTopicError,
)
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import compile_path

from api.identity.store.errors import StoreUnavailableError
from api.kit.faults import faults_of
from api.kit.problems import (
    BAD_REQUEST,
    IDEMPOTENCY_CONFLICT,
    INTERNAL,
    MALFORMED_JSON,
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    UNAVAILABLE,
    VALIDATION,
    Problem,
)
from api.kit.request_identity import route_of

RETRY_AFTER_S = 1
NOT_UTF_8 = "There was an error parsing the body"
"""FastAPI's text for a body that is not UTF-8."""
UNAVAILABLE_ERRORS: Mapping[type[LogError], str] = {
    ResizingError: "the number of partitions changes just now; try again",
    ResizedError: "the number of partitions has changed just now; try again",
    LogUnavailableError: "the log cannot be reached just now; try again",
    UnknownTopicError: "",
    IncarnationError: "a topic was re-created just now; try again",
    BrokerUnsuitableError: "the broker could lose records, so that nothing is written; see /readyz",
    PermissionDeniedError: "the broker refuses this to the API; the log of this process has the reason",
    DamagedPartitionError: "a partition of this topic was changed from outside and has to be repaired; try again later",
}
"""Errors of the log that a client can only wait out, with the text of the answer. Empty means the error's own text."""

logger = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Answer every error of this application with a problem document."""
    app.exception_handler(Problem)(_problem)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_validation)
    app.exception_handler(LogError)(_log)
    app.exception_handler(StoreUnavailableError)(_store)
    app.exception_handler(ClientDisconnect)(_gone)
    app.exception_handler(Exception)(_internal)


def answer(request: Request, problem: Problem) -> JSONResponse:
    """Return the problem document of a problem."""
    return JSONResponse(
        problem.document(request.url.path), problem.kind.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


async def _problem(request: Request, exc: Problem) -> JSONResponse:
    return answer(request, exc)


async def _http(request: Request, exc: HTTPException) -> JSONResponse:
    headers: Mapping[str, str] = exc.headers or {}
    if exc.status_code == HTTPStatus.NOT_FOUND:
        return answer(request, Problem(NOT_FOUND, f"there is no {request.url.path}", headers=headers))
    if exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {**headers, "Allow": ", ".join(_methods_of(request))}
        detail = f"{request.method} is not possible here; possible: {headers['Allow']}"
        return answer(request, Problem(METHOD_NOT_ALLOWED, detail, headers=headers))
    if exc.detail == NOT_UTF_8:
        return answer(request, Problem(MALFORMED_JSON, "the body is not JSON in UTF-8", headers=headers))
    kind = BAD_REQUEST if exc.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else INTERNAL
    return answer(request, Problem(kind, str(exc.detail), headers=headers))


def _methods_of(request: Request) -> list[str]:
    """Return the methods of all routes of the request's path; the router names those of the first route alone."""
    found: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        if context.path and compile_path(context.path)[0].match(request.url.path):
            found |= set(context.methods or ())
    return sorted(found)


async def _validation(request: Request, exc: RequestValidationError) -> JSONResponse:
    errors = faults_of(exc.errors())
    return answer(request, Problem(VALIDATION, "; ".join(_sentence(fault) for fault in errors[:3]), errors=errors))


def _sentence(fault: Any) -> str:
    return f"{fault.parameter or fault.pointer}: {fault.detail}"


async def _log(request: Request, exc: Exception) -> JSONResponse:
    if isinstance(exc, IdempotencyConflictError):
        return answer(request, Problem(IDEMPOTENCY_CONFLICT, str(exc)))
    for kind, detail in UNAVAILABLE_ERRORS.items():
        if isinstance(exc, kind):
            logger.warning("%s %s: %s", request.method, route_of(request.scope), exc)
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            return answer(request, Problem(UNAVAILABLE, detail or str(exc), headers=headers))
    return await _internal(request, exc)


async def _store(request: Request, exc: Exception) -> JSONResponse:
    """Answer that the database of accounts is away or busy. The log has the reason."""
    logger.warning("%s %s: %s", request.method, route_of(request.scope), exc)
    detail = "the database of accounts is not available just now; try again"
    return answer(request, Problem(UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_AFTER_S)}))


async def _gone(request: Request, exc: Exception) -> JSONResponse:
    """Log in one line that a client went away before its body was complete. No client receives the answer."""
    del exc
    logger.info("%s %s: the client went away before its body was complete", request.method, route_of(request.scope))
    return answer(request, Problem(BAD_REQUEST, "the body is not complete"))


async def _internal(request: Request, exc: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, route_of(request.scope), exc_info=exc)
    return answer(request, Problem(INTERNAL, "something failed on our side; nothing is known to be accepted"))
