"""Social in the API: public profiles."""

from __future__ import annotations

from typing import Final

from api.auth import Role
from api.kit.commands.admission import WhenDelayed
from api.kit.domain import AcceptedCommand, DomainApi
from api.permissions import PUBLIC, Scope, only
from api.social import profiles
from streams.events.social import CreateProfile

API: Final = DomainApi(
    title="Social",
    description="Public profiles of users.",
    routers=(profiles.commands, profiles.queries, profiles.feeds),
    feeds=(profiles.PROFILES_FEED,),
    commands={CreateProfile: AcceptedCommand(profiles.Profile, WhenDelayed.ACCEPT)},
    permissions={
        ("PUT", "/v1/profile"): only(Role.USER, Scope.ACCOUNT),
        ("GET", "/v1/users/{user_id}/profile"): PUBLIC,
        ("GET", "/v1/feed/profiles"): PUBLIC,
    },
)
