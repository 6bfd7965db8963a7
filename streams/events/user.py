"""Events of the user domain: accounts, profiles and wallets. The key is the user's id.

No e-mail address, credential or reason of a moderator is in an event. These stay in the identity store.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from streams.events.base import EventData, UserId

USERNAME_CHARS_MAX = 32
ADDRESS_PATTERN = r"^0x[0-9a-f]{64}$"
CHAIN_PATTERN = r"^[A-Za-z0-9_-]{1,32}$"

Username = Annotated[str, StringConstraints(min_length=1, max_length=USERNAME_CHARS_MAX)]
RoleName = Literal["user", "moderator", "admin", "venue", "service"]
Address = Annotated[str, StringConstraints(pattern=ADDRESS_PATTERN)]
ChainId = Annotated[str, StringConstraints(pattern=CHAIN_PATTERN)]


class AccountRegistered(EventData, frozen=True, kw_only=True):
    """An account exists from now on. A sub-account names its owner in `parent_id`."""

    domain: ClassVar[str] = "user"

    user_id: UserId
    role: RoleName
    username: Username | None = None
    parent_id: UserId | None = None


class ProfileChanged(EventData, frozen=True, kw_only=True):
    """The public profile of a user, whole. A private user has no name on public boards."""

    domain: ClassVar[str] = "user"

    user_id: UserId
    private: bool
    username: Username | None = None


class RoleChanged(EventData, frozen=True, kw_only=True):
    """A user has another role."""

    domain: ClassVar[str] = "user"

    user_id: UserId
    role: RoleName
    before: RoleName


class AccountSuspended(EventData, frozen=True, kw_only=True):
    """A user may not sign in or trade until the account is reinstated."""

    domain: ClassVar[str] = "user"

    user_id: UserId


class AccountReinstated(EventData, frozen=True, kw_only=True):
    """A suspension ended."""

    domain: ClassVar[str] = "user"

    user_id: UserId


class AccountClosed(EventData, frozen=True, kw_only=True):
    """A user has left for good. The username is not given to another account."""

    domain: ClassVar[str] = "user"

    user_id: UserId


class EmailVerified(EventData, frozen=True, kw_only=True):
    """A user has shown that the e-mail address of the account is theirs."""

    domain: ClassVar[str] = "user"

    user_id: UserId


class WalletLinked(EventData, frozen=True, kw_only=True):
    """A user has shown that a wallet is theirs."""

    domain: ClassVar[str] = "user"

    user_id: UserId
    chain_id: ChainId
    address: Address


class WalletUnlinked(EventData, frozen=True, kw_only=True):
    """A wallet no longer belongs to a user."""

    domain: ClassVar[str] = "user"

    user_id: UserId
    chain_id: ChainId
    address: Address
