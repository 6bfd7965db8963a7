"""People in the social domain: their rows and tables, and the topics that these come from."""

from __future__ import annotations

from typing import Final

from streams import topics
from streams.events.social import CreateProfile
from streams.topology import Domain, TableSpec
from tables.row import Micros, Row


class SocialProfile(Row, frozen=True, kw_only=True):
    """The public profile of a user. The key is the user."""

    display_name: str
    bio: str = ""
    updated_at: Micros


_COMMANDS = (topics.SOCIAL_COMMANDS,)

SOCIAL_PROFILES: Final = TableSpec("social-profiles", SocialProfile, _COMMANDS)

PEOPLE: Final = Domain(
    name="social",
    consumes=_COMMANDS,
    produces={topics.SOCIAL_EVENTS: _COMMANDS},
    commands=(CreateProfile,),
    tables=(SOCIAL_PROFILES,),
)
