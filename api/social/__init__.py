"""Social in the API. Each part declares its own routes, feeds and commands."""

from __future__ import annotations

from typing import Final

from api.kit.domain import DomainApi, joined
from api.social import (
    activity,
    battle_parts,
    battles,
    constellation_commands,
    constellations,
    contents,
    interactions,
    live,
    people,
    profiles,
    rosters,
)

API: Final[DomainApi] = joined(
    "Social",
    "Profiles of people, and what people do with each other.",
    profiles.API,
    people.API,
    interactions.API,
    contents.API,
    activity.API,
    live.API,
    constellation_commands.API,
    constellations.API,
    rosters.API,
    battles.API,
    battle_parts.API,
)
