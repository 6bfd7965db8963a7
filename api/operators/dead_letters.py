"""`/v1/dead-letters`: messages that a domain could not process. List them, look at one, replay or drop it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from faust_redis.dead_letters import DeadLetter, DeadLetters
from faust_redis.log import IdempotencyConflictError, RowGoneError
from pydantic import BaseModel, Field

from api.kit.audited import ASKED, record
from api.kit.callers import Caller
from api.kit.context import Api, ApiDep
from api.kit.openapi import problems
from api.kit.parameters import AuditReason
from api.kit.problems import NOT_FOUND, Problem
from api.operators.decisions import DECISION_BODY, described
from streams.times import MILLISECOND_US, Instant
from streams.topics import DEAD_LETTERS

EXAMPLE: Final = "astratrade-trading:astra.trading.commands.v1:2:1841"
LETTERS_MAX: Final = 100
TEXT_CHARS_MAX: Final = 20_000

router = APIRouter(prefix="/v1/dead-letters", tags=["Stats"], responses=problems(401, 403, 503))

LetterPath = Annotated[str, Path(pattern=ASKED["letter_id"], description="the letter's id", examples=[EXAMPLE])]


class Letter(BaseModel):
    """A message that a domain could not process, and why."""

    id: Annotated[str, Field(examples=[EXAMPLE], description="group, topic, partition and offset of the message")]
    group: str
    topic: str
    partition: int
    offset: int
    time: Annotated[Instant, Field(description="event time of the message")]
    agent: Annotated[str, Field(description="what gave up on it")]
    attempts: int
    cause: Annotated[str, Field(examples=["ValueError: no such market"], description="the last line of the error")]


class Letters(BaseModel):
    """A page of the open dead letters, by group, topic, partition and offset."""

    total: int
    letters: list[Letter]
    next_after: Annotated[str | None, Field(description="`after` of the next page; null at the last")]


class Bytes(BaseModel):
    """Bytes as text where they are text, else in base64. Long ones are cut."""

    text: str
    encoding: Literal["utf-8", "base64"]
    size: Annotated[int, Field(description="of all bytes")]


class WholeLetter(Letter):
    """A dead letter with its message and the whole error."""

    error: str
    key: Bytes | None
    value: Bytes | None
    headers: Annotated[list[tuple[str, Bytes]], Field(description="names and values")]


class Replayed(BaseModel):
    """Where the copy of a message is."""

    topic: str
    partition: int
    offset: int


class Dropped(BaseModel):
    """The letter that is gone."""

    id: str


@router.get("", summary="Dead letters", responses=problems(422))
async def get_letters(
    api: ApiDep,
    _: Caller,
    limit: Annotated[int, Query(ge=1, le=LETTERS_MAX)] = LETTERS_MAX,
    after: Annotated[
        str | None, Query(pattern=ASKED["letter_id"], description="`next_after` of the page before")
    ] = None,
) -> Letters:
    """Return the messages that became dead letters and were neither replayed nor dropped. For the staff."""
    page = await _box(api).page(limit, after or "")
    shown = [Letter.model_validate(_about(letter)) for letter in page.letters]
    return Letters(total=page.total, letters=shown, next_after=page.next_after)


@router.get("/{letter_id}", summary="A dead letter", responses=problems(404, 422))
async def get_letter(api: ApiDep, _: Caller, letter_id: LetterPath, _reason: AuditReason = None) -> WholeLetter:
    """Return a letter with its message and the whole error. The audit log keeps who read it and why."""
    letter = await _found(api, letter_id)
    message = {
        "error": letter.error,
        "key": None if letter.key is None else _bytes(letter.key),
        "value": None if letter.value is None else _bytes(letter.value),
        "headers": [(name, _bytes(value)) for name, value in letter.headers],
    }
    return WholeLetter.model_validate(_about(letter) | message)


@router.post(
    "/{letter_id}/replay",
    summary="Replay a dead letter",
    responses=problems(400, 404, 413, 415, 422),
    openapi_extra=described("mended", "the market is in the rule book now"),
)
async def replay(api: ApiDep, caller: Caller, letter_id: LetterPath, request: Request) -> Replayed:
    """Append the message to its topic again, for its group alone, and remove the letter, in one write.

    A repeat within a week appends nothing and answers the same. The audit log keeps the reason.
    """
    body, box = await DECISION_BODY.read(request), _box(api)
    _, topic, partition, _ = letter_id.rsplit(":", 3)
    offset = await box.replayed(letter_id)
    if offset is None:
        letter = await _found(api, letter_id)
        await record(api, caller, "dead-letter.replay", letter_id, {"reason": body.reason})
        with _still_there(letter_id):
            offset = await box.replay(letter)
    return Replayed(topic=topic, partition=int(partition), offset=offset)


@router.post(
    "/{letter_id}/drop",
    summary="Drop a dead letter",
    responses=problems(400, 404, 413, 415, 422),
    openapi_extra=described("unwanted", "a test of the venue, which it sent twice"),
)
async def drop(api: ApiDep, caller: Caller, letter_id: LetterPath, request: Request) -> Dropped:
    """Remove a letter for good, without processing its message. The audit log keeps the reason."""
    body = await DECISION_BODY.read(request)
    letter = await _found(api, letter_id)
    await record(api, caller, "dead-letter.drop", letter_id, {"reason": body.reason})
    with _still_there(letter_id):
        await _box(api).drop(letter)
    return Dropped(id=letter_id)


def _box(api: Api) -> DeadLetters:
    return DeadLetters(api.log, DEAD_LETTERS)


async def _found(api: Api, letter_id: str) -> DeadLetter:
    letter = await _box(api).get(letter_id)
    if letter is None:
        raise _gone(letter_id)
    return letter


@contextmanager
def _still_there(letter_id: str) -> Iterator[None]:
    """Answer 404 when another decision about the letter came first."""
    try:
        yield
    except (IdempotencyConflictError, RowGoneError) as exc:
        raise _gone(letter_id) from exc


def _gone(letter_id: str) -> Problem:
    return Problem(NOT_FOUND, f"there is no dead letter {letter_id!r}; it may have been replayed or dropped")


def _about(letter: DeadLetter) -> dict[str, object]:
    return {
        "id": letter.id,
        "group": letter.group,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "time": Instant(letter.timestamp_ms * MILLISECOND_US),
        "agent": letter.agent,
        "attempts": letter.attempts,
        "cause": letter.cause,
    }


def _bytes(value: bytes) -> Bytes:
    try:
        return Bytes(text=value.decode()[:TEXT_CHARS_MAX], encoding="utf-8", size=len(value))
    except UnicodeDecodeError:
        return Bytes(text=base64.b64encode(value).decode()[:TEXT_CHARS_MAX], encoding="base64", size=len(value))
