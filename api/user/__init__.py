"""User in the API: what the log knows of accounts."""

from __future__ import annotations

from typing import Final

from api.kit.domain import DomainApi
from api.kit.own_rows import OwnRows
from api.kit.projection import Projection
from tables.user import USER_PROFILES, LinkedWallet, UserProfile

WALLET: Final = Projection(LinkedWallet, "LinkedWallet", "A wallet that belongs to a user.")
PROFILE: Final = Projection(
    UserProfile, "UserProfile", "An account as the log knows it.", key={"user_id": str}, nested=(WALLET,)
)
PROFILES: Final = OwnRows(
    "account", USER_PROFILES, PROFILE, title="Account", doc="An account: role, verification tier, wallets, suspension."
)

API: Final = DomainApi(
    title="User",
    description="What the log knows of accounts.",
    routers=PROFILES.routers,
    feeds=(PROFILES.feed,),
    permissions=PROFILES.permissions,
)
