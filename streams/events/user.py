"""Commands and events of the user domain: accounts, profiles, wallets and preferences. The key is the user's id.

The relay publishes what happens to accounts; the domain itself adds what follows from commands.

No e-mail address, credential or reason of a moderator is in an event. These stay in the identity store.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, get_args

import msgspec
from pydantic import StringConstraints

from streams.events.base import Command, Count, EventData, Name, UserId
from streams.events.notifications import NotificationKind

USERNAME_CHARS_MAX = 30
ADDRESS_PATTERN = r"^0x[0-9a-f]{64}$"
CHAIN_PATTERN = r"^[A-Za-z0-9_-]{1,32}$"

Username = Annotated[str, StringConstraints(min_length=1, max_length=USERNAME_CHARS_MAX)]
Tier = Literal["unverified", "email", "phone", "identity", "premium"]
"""Verification tiers, lowest first. They are compared by this order."""
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
RoleName = Literal["user", "moderator", "admin", "venue", "service"]
Address = Annotated[str, StringConstraints(pattern=ADDRESS_PATTERN)]
Felt = Annotated[str, StringConstraints(pattern=ADDRESS_PATTERN)]
"""A number of Starknet: `0x` and 64 digits."""
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


class VerificationChanged(EventData, frozen=True, kw_only=True):
    """A user has another verification tier. The time of the event is the time of the verification."""

    domain: ClassVar[str] = "user"

    user_id: UserId
    tier: Tier
    before: Tier


class LoggedIn(EventData, frozen=True, kw_only=True):
    """A user signed in."""

    domain: ClassVar[str] = "user"

    user_id: UserId


class LoggedOut(EventData, frozen=True, kw_only=True):
    """A user ended a session."""

    domain: ClassVar[str] = "user"

    user_id: UserId


class ChangePreferences(Command, frozen=True, kw_only=True):
    """Set the caller's preferences, whole."""

    domain: ClassVar[str] = "user"

    language: Language
    muted: tuple[NotificationKind, ...] = ()


class PreferencesChanged(EventData, frozen=True, kw_only=True):
    """A user's preferences, whole."""

    domain: ClassVar[str] = "user"

    language: Language
    muted: tuple[NotificationKind, ...] = ()


class ContractCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a contract: its address, the selector of the function, and the arguments as numbers of Starknet."""

    to: Address
    selector: Felt
    calldata: tuple[Felt, ...]


SPONSOR_CALL_OPEN_S: Final = 24 * 3_600
"""Calls that were not sent for so long are given up."""


class SponsorCall(Command, frozen=True, kw_only=True):
    """Have calls sent from the caller's account, within its daily allowance of gas.

    They are an outside execution (SNIP-9, version 2) of `account`, which its owner has signed for the sponsor. Times
    are Unix seconds; the calls happen after the first and before the second.
    """

    domain: ClassVar[str] = "user"

    call_id: str
    account: Address
    nonce: Felt
    execute_after: Count
    execute_before: Count
    calls: tuple[ContractCall, ...]
    signature: tuple[Felt, ...]


class ReadNotifications(Command, frozen=True, kw_only=True):
    """Mark notifications of the caller as read: those named, or with none named all up to now."""

    domain: ClassVar[str] = "user"

    notification_ids: tuple[str, ...] = ()


class UserCommandRejected(EventData, frozen=True, kw_only=True):
    """A command of the user domain changed nothing. `subject_id` is what it named."""

    domain: ClassVar[str] = "user"

    command: Name
    reason: Name
    subject_id: str = ""
