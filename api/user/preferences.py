"""Preferences of users: the language, and the kinds of notifications that are muted."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import CommandRoute, Reader
from api.kit.openapi import problems
from api.kit.own_rows import OwnRows
from api.kit.projection import Projection
from streams.events.notifications import KINDS, NotificationKind
from streams.events.user import ChangePreferences, Language
from tables.user import LANGUAGE_DEFAULT, USER_PREFERENCES, Preferences

PREFERENCE: Final = Projection(Preferences, "Preferences", "What a user prefers.", key={"user_id": str})
PREFERENCES: Final = OwnRows(
    "preferences", USER_PREFERENCES, PREFERENCE, title="Preferences", doc="The language, and the muted notifications."
)


class PreferencesBody(BaseModel):
    """The caller's preferences, whole."""

    model_config = ConfigDict(extra="forbid")

    language: Language = LANGUAGE_DEFAULT
    muted: Annotated[
        list[NotificationKind],
        Field(max_length=len(KINDS), description="notifications of these kinds are not kept"),
    ] = []


read_preferences = Reader(PreferencesBody)
router = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 413, 415, 422, 503), route_class=CommandRoute)


@router.put(
    "/preferences",
    status_code=202,
    summary="Set your preferences",
    response_model=Accepted,
    openapi_extra=read_preferences.described({"fewer notifications": {"language": "en", "muted": ["overtaken"]}}),
)
async def set_preferences(request: Request) -> Response:
    """Replace the caller's preferences."""
    wanted = await read_preferences(request)
    submission = await wanted.begin(ChangePreferences, "preferences")
    data = ChangePreferences(language=wanted.value.language, muted=tuple(wanted.value.muted))
    command = submission.entry(data, submission.event_id())
    written = await wanted.api.writer.write(ChangePreferences, [command], submission)
    return accepted(wanted.api, written, ChangePreferences)
