"""The OpenAPI description: problems by status, and the models of bodies that command routes read themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.kit.problems import (
    KINDS,
    MALFORMED_JSON,
    MEDIA_TYPE,
    TOO_MANY_REQUESTS,
    UNAUTHENTICATED,
    UNAVAILABLE,
    VALIDATION,
    Problem,
    ProblemDocument,
)
from api.limits.policies import FREE
from api.permissions import Permissions

REF = "#/components/schemas/{model}"
DESCRIPTION = """\
Send commands with `POST`: the answer is 202 with a `position`. Read tables with `GET`, by query or as live feeds.
Amounts are decimal strings, never JSON numbers. XP and counts are integers. Times are RFC 3339 in UTC.

**Read your writes.** Give a command's `position` to a query as `?after=`. The query answers when the effect shows, or
with 504 when that takes longer than `wait_ms`. The agents still process the command.

**Repeat safely.** Send an `Idempotency-Key`: the same key and body give the same answer and one effect.

**Feeds** are server-sent events. A feed begins with `snapshot` events (rows in chunks, the last one with `last: true`);
`delta` events follow. A `progress` event comes at least every 5 seconds, and says with `stalled` whether the feed waits
for the broker. Send an `id` back unchanged as `Last-Event-ID`: the feed continues there without gap or duplicate. At
`resync`, drop all rows: a new snapshot follows, or the feed ends and the client connects again.

**Limits.** Each request costs units of its caller. `RateLimit-Policy` says how many a caller has, and `RateLimit` how
many are left. Without enough, the answer is 429 with `Retry-After`.

**Errors** are problem documents (RFC 9457). Each `type` is a page here.
"""
COMMON_TAGS: Final = (
    {"name": "Sign-in", "description": "Register, sign in, refresh and sign out; the keys that verify access tokens."},
    {
        "name": "Account",
        "description": "The caller's own password, sessions, wallets, API keys, sub-accounts and privacy.",
    },
    {"name": "Live feeds", "description": "Tickets for feeds, and the socket that carries feeds of all domains."},
    {"name": "Stats", "description": "The pipeline and the live processes at a glance."},
    {"name": "Operation", "description": "Health and readiness."},
)
"""Groups of routes that belong to no domain. Each domain declares a group of its own."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can answer with these problem statuses."""
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    examples = {
        kind.name: {"summary": kind.title, "value": Problem(kind, kind.remedy).document("/v1/trades")} for kind in kinds
    }
    schema = {"$ref": REF.format(model=ProblemDocument.__name__)}
    content = {MEDIA_TYPE: {"schema": schema, "examples": examples}}
    return {"description": "; ".join(kind.title for kind in kinds), "content": content}


def install(
    app: FastAPI,
    bodies: Sequence[type[BaseModel]],
    domain_tags: Sequence[Mapping[str, str]],
    permissions: Permissions,
) -> None:
    """Describe `app`, with body models that FastAPI does not see, and the groups of the domains first."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            tags = [dict(tag) for tag in (*domain_tags, *COMMON_TAGS)]
            schema = get_openapi(
                title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, tags=tags
            )
            app.openapi_schema = _complete(schema, bodies, permissions)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign] # FastAPI's documented way


def _complete(schema: dict[str, Any], bodies: Sequence[type[BaseModel]], permissions: Permissions) -> dict[str, Any]:
    described: list[type[BaseModel]] = [*bodies, ProblemDocument]
    _, models = models_json_schema([(model, "validation") for model in described], ref_template=REF)
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(models["$defs"])
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    limited, refused = _problem(TOO_MANY_REQUESTS.status), _problem(UNAUTHENTICATED.status)
    unavailable = _problem(UNAVAILABLE.status)  # of the store, for an API key that the process does not know
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            if "requestBody" in operation:
                responses.setdefault("400", _problem(MALFORMED_JSON.status))
            if "HTTPValidationError" in str(responses.get("422")):  # FastAPI's own form, which no answer has
                responses["422"] = _problem(VALIDATION.status)
            if not permissions.of(method.upper(), path).open:
                responses.setdefault(str(UNAUTHENTICATED.status), refused)
                responses.setdefault(str(UNAVAILABLE.status), unavailable)
            if path not in FREE:
                responses.setdefault(str(TOO_MANY_REQUESTS.status), limited)
    return schema
