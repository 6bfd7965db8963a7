"""JSON bodies: read and validated against a model, with problem documents that point to each fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.kit.duplicate_keys import Duplicate, find_duplicate_key
from api.kit.faults import faults_of
from api.kit.problems import MALFORMED_JSON, UNSUPPORTED_MEDIA, VALIDATION, Fault, Problem

T = TypeVar("T", bound=BaseModel)

JSON = "application/json"


class BodyReader(Generic[T]):
    """Reads bodies of one model."""

    def __init__(self, model: type[T]) -> None:
        self.model = model
        self._adapter: TypeAdapter[T] = TypeAdapter(model)

    async def read(self, request: Request) -> T:
        """Return the validated body of a request.

        Raises:
            Problem: 415, 400 or 422, in this order.
        """
        require_json(request)
        return self.parse(await request.body())

    def parse(self, raw: bytes, context: Any = None) -> T:
        """Return the validated value of a body.

        Raises:
            Problem: 400 or 422.
        """
        try:
            value = self._adapter.validate_json(raw, context=context)
        except ValidationError as exc:
            raise _problem(exc) from exc
        if duplicate := find_duplicate_key(raw, value):
            raise _duplicate(duplicate)
        return value

    def described(self, examples: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the `requestBody` of OpenAPI; `api.kit.openapi` adds the model's schema."""
        content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{self.model.__name__}"}}
        if examples:
            content["examples"] = {name: {"value": value} for name, value in examples.items()}
        return {"required": True, "content": {JSON: content}}


def require_json(request: Request) -> None:
    """Refuse a body of another media type.

    Raises:
        Problem: 415.
    """
    media_type = request.headers.get("content-type", JSON)
    if media_type != JSON and media_type.partition(";")[0].strip().lower() != JSON:
        raise Problem(UNSUPPORTED_MEDIA, f"expected {JSON}, got {media_type.partition(';')[0].strip()[:80]!r}")


def _duplicate(duplicate: Duplicate) -> Problem:
    detail = f"the key {duplicate.key!r} occurs twice in one object"
    fault = Fault(pointer=duplicate.pointer, detail=detail)
    return Problem(VALIDATION, f"{duplicate.pointer}: {detail}; nothing was accepted", errors=[fault])


def _problem(exc: ValidationError) -> Problem:
    found = exc.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return Problem(MALFORMED_JSON, found[0]["msg"].removeprefix("Invalid JSON: "))
    indices = sorted({error["loc"][1] for error in found if len(error["loc"]) > 1 and isinstance(error["loc"][1], int)})
    extra: Mapping[str, Any] = {"indices": indices} if indices else {}
    many = f"{len(indices)} items of the batch are not valid" if indices else "the body is not valid"
    return Problem(VALIDATION, f"{many}; nothing was accepted", errors=faults_of(found), **extra)
