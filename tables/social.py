"""The declaration of the social domain: its rows and tables, and the topics it consumes and produces."""

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

SOCIAL_PROCESSED: Final[TableSpec[Row]] = TableSpec("social-processed", None, _COMMANDS, only_at_least_once=True)
SOCIAL_PROFILES: Final = TableSpec("social-profiles", SocialProfile, _COMMANDS)

DOMAIN: Final = Domain(
    name="social",
    consumes=_COMMANDS,
    produces={topics.SOCIAL_EVENTS: _COMMANDS},
    commands=(CreateProfile,),
    tables=(SOCIAL_PROCESSED, SOCIAL_PROFILES),
)
