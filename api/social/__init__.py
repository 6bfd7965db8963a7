"""Social in the API. Each part declares its own routes, feeds and commands."""

from __future__ import annotations

from typing import Final

from api.kit.domain import DomainApi, joined
from api.social import battles, constellation_commands, constellations, profiles

API: Final[DomainApi] = joined(
    "Social",
    "Profiles of people, and what people do with each other.",
    profiles.API,
    constellation_commands.API,
    constellations.API,
    battles.API,
)
