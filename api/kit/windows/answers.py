"""Answers that are windows of a range, and their schema."""

from __future__ import annotations

from types import GenericAlias
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model
from starlette.responses import Response

from api.kit.answers import json_answer
from api.kit.context import Api
from api.kit.projection import PositionText
from api.kit.windows.ranges import Asked
from api.kit.windows.table import AnyWindows, Series
from streams.times import Instant

Begin = Annotated[Instant, Field(description="the beginning of the first window of the range")]
End = Annotated[Instant, Field(description="the end of its last window; for older ones ask again with `end` = `begin`")]


def windows_answer(name: str, doc: str, items: str, window: type[BaseModel]) -> type[BaseModel]:
    """Return the schema of an answer: position, range, and the windows that are not empty, oldest first."""
    fields: dict[str, Any] = {
        "position": (PositionText, ...),
        "begin": (Begin, ...),
        "end": (End, ...),
        items: (GenericAlias(list, (window,)), ...),
    }
    return create_model(name, __doc__=doc, **fields)


async def windows_of(api: Api, windows: AnyWindows, series: Series, asked: Asked, items: str) -> Response:
    """Answer with the windows of a range that are not empty."""
    newest = await windows.newest(api.tables, series) if asked.end is None else 0
    begins = asked.begins(series.interval, newest)
    found = await windows.read(api.tables, [series.key(begin) for begin in begins])
    return json_answer({**range_of(begins), "position": str(found.position), items: [*found.rows.values()]})


def range_of(begins: range) -> dict[str, str]:
    """Return the range that windows cover, as clients see it. An empty range ends where it begins."""
    end = max(begins.start, begins.stop - 1 + begins.step)
    return {"begin": Instant(begins.start).text(), "end": Instant(end).text()}
