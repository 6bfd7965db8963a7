"""JSON answers of queries. Their values are shown by projections, so FastAPI need not validate them again."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from pydantic import JsonValue
from starlette.responses import Response


def json_answer(content: Mapping[str, JsonValue]) -> Response:
    """Return a JSON object as an answer."""
    return Response(orjson.dumps(content), media_type="application/json")
