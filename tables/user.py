"""The declaration of the user domain: accounts as the log knows them, preferences, and the inbox of notifications."""

from __future__ import annotations

from typing import Final, Literal

from streams import topics
from streams.events.notifications import NotificationKind
from streams.events.user import ChangePreferences, ReadNotifications, RoleName, SponsorCall, Tier
from streams.topology import Domain, TableSpec
from tables.keys import SEPARATOR
from tables.row import Micros, Row

INBOX_NOTIFICATIONS_MAX: Final = 200
"""Notifications of a user that are kept. A newer one takes the place of the oldest."""
SPONSORED_CALLS_MAX: Final = 20
"""Sponsored calls of a user that are kept."""
LANGUAGE_DEFAULT: Final = "en"


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
    tier_at: Micros | None = None
    suspended: bool = False
    closed: bool = False
    wallets: tuple[LinkedWallet, ...] = ()
    registered_at: Micros = 0
    logged_in_at: Micros | None = None
    logins: int = 0


class Preferences(Row, frozen=True, kw_only=True):
    """What a user prefers. The key is the user. Notifications of a muted kind are not kept."""

    language: str = LANGUAGE_DEFAULT
    muted: tuple[NotificationKind, ...] = ()
    changed_at: Micros = 0


class Inbox(Row, frozen=True, kw_only=True):
    """How many notifications a user has received, and how many of the kept ones are unread. The key is the user."""

    received: int = 0
    unread: int = 0


class Notification(Row, frozen=True, kw_only=True):
    """A notification of a user. Its key names the user and its slot.

    Attributes:
        number: Its number among all that the user received, from 1. Its slot follows from it.
        notification_id: The id of the event that brought it.
        text: The key of a text, whose gaps `arguments` fill.
        cause_id: The id of the event that it is about.
    """

    number: int
    notification_id: str
    kind: NotificationKind
    text: str
    arguments: dict[str, str]
    cause_id: str
    at: Micros
    read: bool = False


class SponsoredCall(Row, frozen=True, kw_only=True):
    """Calls of a user that a sponsor sends.

    Attributes:
        reason: Why they were refused.
        tx_hash: The transaction that executed them.
        gas: What they took of the user's allowance, in Cairo steps.
        at: When this was the state first.
    """

    call_id: str
    status: Literal["pending", "executed", "refused"] = "pending"
    reason: str = ""
    tx_hash: str = ""
    gas: int = 0
    at: Micros


class SponsoredCalls(Row, frozen=True, kw_only=True):
    """A user's latest sponsored calls, the newest last. The key is the user."""

    calls: tuple[SponsoredCall, ...] = ()


def notification_key(user_id: str, number: int) -> str:
    """Return the key of a user's notification, which is also that of the one 200 before it."""
    return f"{user_id}{SEPARATOR}{number % INBOX_NOTIFICATIONS_MAX:03d}"


def notification_keys(user_id: str) -> list[str]:
    """Return all keys that a user's notifications can have."""
    return [notification_key(user_id, slot) for slot in range(INBOX_NOTIFICATIONS_MAX)]


_USER: Final = (topics.USER_EVENTS,)
_ALL: Final = (topics.USER_EVENTS, topics.USER_COMMANDS, topics.NOTIFICATIONS)
_CONSUMED: Final = (*_ALL, topics.CHAIN_EVENTS)

USER_PROCESSED: Final[TableSpec[Row]] = TableSpec("user-processed", None, _CONSUMED, only_at_least_once=True)
USER_PROFILES: Final = TableSpec("user-profiles", UserProfile, _USER)
USER_PREFERENCES: Final = TableSpec("user-preferences", Preferences, (topics.USER_COMMANDS, topics.USER_EVENTS))
USER_INBOX: Final = TableSpec("user-inbox", Inbox, _ALL)
USER_NOTIFICATIONS: Final = TableSpec("user-notifications", Notification, _ALL)
USER_SPONSORED: Final = TableSpec(
    "user-sponsored-calls", SponsoredCalls, (topics.USER_COMMANDS, topics.CHAIN_EVENTS, topics.USER_EVENTS)
)

DOMAIN: Final = Domain(
    name="user",
    consumes=_CONSUMED,
    produces={topics.USER_EVENTS: (topics.USER_COMMANDS,)},
    commands=(ChangePreferences, ReadNotifications, SponsorCall),
    tables=(USER_PROCESSED, USER_PROFILES, USER_PREFERENCES, USER_INBOX, USER_NOTIFICATIONS, USER_SPONSORED),
)
