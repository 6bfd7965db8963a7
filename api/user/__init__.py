"""User in the API: what the log knows of accounts, preferences, and the inbox of notifications."""

from __future__ import annotations

from typing import Final

from api.kit.commands.admission import WhenDelayed
from api.kit.domain import AcceptedCommand, DomainApi
from api.kit.own_rows import OwnRows
from api.kit.projection import Projection
from api.permissions import EVERY_ROLE, OWN, PUBLIC, Permission, Scope
from api.user import events, notifications, preferences, sponsored
from streams.events.user import ChangePreferences, ReadNotifications, SponsorCall
from tables.user import USER_INBOX, USER_PROFILES, Inbox, LinkedWallet, UserProfile

WALLET: Final = Projection(LinkedWallet, "LinkedWallet", "A wallet that belongs to a user.")
PROFILE: Final = Projection(
    UserProfile, "UserProfile", "An account as the log knows it.", key={"user_id": str}, nested=(WALLET,)
)
PROFILES: Final = OwnRows(
    "account", USER_PROFILES, PROFILE, title="Account", doc="An account: role, verification tier, wallets, suspension."
)
INBOX: Final = Projection(
    Inbox,
    "Inbox",
    "The counts of a user's notifications.",
    key={"user_id": str},
    describe={"received": "since the account exists", "unread": "among those that are kept"},
)
INBOXES: Final = OwnRows("inbox", USER_INBOX, INBOX, title="Inbox", doc="How many notifications a user has.")
CHANGE: Final = Permission(EVERY_ROLE, Scope.ACCOUNT)

API: Final = DomainApi(
    title="User",
    description="What the log knows of accounts; preferences, notifications and sponsored calls.",
    routers=(
        *PROFILES.routers,
        preferences.router,
        *preferences.PREFERENCES.routers,
        *INBOXES.routers,
        notifications.commands,
        notifications.queries,
        notifications.feeds,
        sponsored.commands,
        sponsored.queries,
        *sponsored.SPONSORED_CALLS.routers,
        events.MY_ACCOUNT.router,
    ),
    feeds=(
        PROFILES.feed,
        preferences.PREFERENCES.feed,
        INBOXES.feed,
        notifications.NOTIFICATIONS_FEED,
        sponsored.SPONSORED_CALLS.feed,
        events.MY_ACCOUNT.feed,
    ),
    commands={
        ChangePreferences: AcceptedCommand(preferences.PreferencesBody, WhenDelayed.ACCEPT),
        ReadNotifications: AcceptedCommand(notifications.ReadBody, WhenDelayed.ACCEPT),
        SponsorCall: AcceptedCommand(sponsored.SponsorCallBody, WhenDelayed.ACCEPT),
    },
    permissions={
        **PROFILES.permissions,
        **preferences.PREFERENCES.permissions,
        **INBOXES.permissions,
        ("PUT", "/v1/preferences"): CHANGE,
        ("POST", "/v1/notifications/read"): CHANGE,
        **sponsored.SPONSORED_CALLS.permissions,
        ("POST", "/v1/sponsored-calls"): CHANGE,
        ("GET", "/v1/sponsor"): PUBLIC,
        ("GET", "/v1/notifications"): OWN,
        ("GET", "/v1/feed/notifications"): OWN,
        **events.MY_ACCOUNT.permissions,
    },
)
