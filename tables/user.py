"""The declaration of the user domain: what the log knows of accounts, and the topics it consumes and produces."""

from __future__ import annotations

from typing import Final

from streams import topics
from streams.events.user import RoleName, Tier
from streams.topology import Domain, TableSpec
from tables.row import Micros, Row


class LinkedWallet(Row, frozen=True, kw_only=True):
    """A wallet that a user has shown to be theirs."""

    chain_id: str
    address: str
    linked_at: Micros


class UserProfile(Row, frozen=True, kw_only=True):
    """What the accounts' events say of a user. The key is the user.

    Attributes:
        parent_id: For a sub-account, its owner.
        tier: The verification tier, and `tier_at` when it was reached.
        private: Whether the user has no name on public boards.
    """

    role: RoleName = "user"
    username: str | None = None
    parent_id: str | None = None
    private: bool = False
    tier: Tier = "unverified"
    tier_at: Micros = 0
    suspended: bool = False
    closed: bool = False
    wallets: tuple[LinkedWallet, ...] = ()
    registered_at: Micros = 0
    logged_in_at: Micros = 0
    logins: int = 0


_SOURCES = (topics.USER_EVENTS,)

USER_PROCESSED: Final[TableSpec[Row]] = TableSpec("user-processed", None, _SOURCES, only_at_least_once=True)
USER_PROFILES: Final = TableSpec("user-profiles", UserProfile, _SOURCES)

DOMAIN: Final = Domain(name="user", consumes=_SOURCES, tables=(USER_PROCESSED, USER_PROFILES))
