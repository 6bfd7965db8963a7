"""Reads a command's body: one JSON document, validated in one go, every fault named."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import TypeAdapter, ValidationError

from api.clock import now
from api.context import ApiDep
from api.faults import faults_of
from api.problems import MALFORMED_JSON, UNSUPPORTED_MEDIA, VALIDATION, Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Body(Generic[T]):
    """A validated body; the digest of its bytes tells a repeated request from another one."""

    value: T
    digest: str


def body(model: type[T]) -> Callable[[Request, ApiDep], Awaitable[Body[T]]]:
    """A dependency that reads a body of this form, straight from its bytes: batches are large."""
    adapter: TypeAdapter[T] = TypeAdapter(model)

    async def read(request: Request, api: ApiDep) -> Body[T]:
        media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise Problem(UNSUPPORTED_MEDIA, f"expected application/json, got {media_type[:80]!r}")
        raw = await request.body()
        try:
            value = adapter.validate_json(raw, context={"markets": api.config.markets, "now": now()})
        except ValidationError as exc:
            raise _problem(exc) from exc
        return Body(value, hashlib.sha256(raw).hexdigest())

    return read


def _problem(exc: ValidationError) -> Problem:
    found = exc.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return Problem(MALFORMED_JSON, found[0]["msg"].removeprefix("Invalid JSON: "))
    indices = sorted({error["loc"][1] for error in found if len(error["loc"]) > 1 and isinstance(error["loc"][1], int)})
    extra: Mapping[str, Any] = {"indices": indices} if indices else {}
    many = f"{len(indices)} items of the batch are not valid" if indices else "the body is not valid"
    return Problem(VALIDATION, f"{many}; nothing was accepted", errors=faults_of(found), **extra)


def documented(model: type[Any], examples: Mapping[str, Any]) -> dict[str, Any]:
    """`openapi_extra` of a route that reads its body with `body(model)`; `api.openapi` adds the model's schema."""
    content = {
        "schema": {"$ref": f"#/components/schemas/{model.__name__}"},
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}
