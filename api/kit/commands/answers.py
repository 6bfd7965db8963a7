"""Answers to commands, with their places in the log."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.kit.bodies import JSON
from api.kit.commands.writer import Written
from api.kit.context import Api
from streams.events import EventData


class Delayed(BaseModel):
    """The domain processes the command late."""

    domain: Annotated[str, Field(examples=["trading"])]
    why: Annotated[Literal["down", "behind"], Field(description="no worker is alive, or records wait for too long")]
    behind_s: Annotated[float, Field(description="how long the oldest unprocessed record has waited at least")]


DelayedField = Annotated[
    Delayed | None, Field(description="present when the domain is down or too far behind: the effect will show late")
]


class AcceptedEvent(BaseModel):
    """An event and its place in the log."""

    event_id: str
    partition: int
    offset: int


class Accepted(BaseModel):
    """The command is in the log and will be carried out. Read with `?after=<position>` to see its effect."""

    topic: str
    position: Annotated[str, Field(examples=["astra.trading.commands.v1@5f0c:2-18"])]
    event_id: str
    partition: int
    offset: int
    delayed: DelayedField = None


class AcceptedBatch(BaseModel):
    """The whole batch is in the log, in the order sent."""

    topic: str
    position: Annotated[str, Field(examples=["astra.trading.commands.v1@5f0c:0-7.2-18"])]
    events: list[AcceptedEvent]
    delayed: DelayedField = None


def accepted(api: Api, written: Written, command: type[EventData], **more: str) -> Response:
    """Answer with an `Accepted`, with members added to it."""
    _count(api, written, command)
    return _answer(api, command, {**_where(written), **written.places[0]._asdict(), **more})


def accepted_batch(api: Api, written: Written, command: type[EventData]) -> Response:
    """Answer with an `AcceptedBatch`."""
    _count(api, written, command)
    events = [
        {"event_id": event_id, "partition": partition, "offset": offset}
        for event_id, partition, offset in written.places
    ]
    return _answer(api, command, {**_where(written), "events": events})


def _where(written: Written) -> dict[str, str]:
    return {"topic": written.position.topic, "position": str(written.position)}


def _answer(api: Api, command: type[EventData], content: dict[str, Any]) -> Response:
    if (delayed := api.admission.delay_of(command)) is not None:
        content["delayed"] = delayed
    return Response(orjson.dumps(content), HTTPStatus.ACCEPTED, media_type=JSON)


def _count(api: Api, written: Written, command: type[EventData]) -> None:
    if written.again:
        api.metrics.replays.inc()
    else:
        api.metrics.commands.labels(command.__name__).inc(len(written.places))
        api.effects.expect(written)
