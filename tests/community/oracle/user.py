"""The user domain of the oracle: accounts, preferences and inboxes (domain.md sections 9 and 13).

Not computed: the number of a notification and the ids that it shows. The number depends on the order in which
several domains tell a user of something in one round. A notification is compared by what the user sees: its kind,
text, arguments, time and read state. `ReadNotifications` names ids; so its entry has, beside `notification_ids`, the
list `shown` with `kind`, `text`, `arguments` and `at` (microseconds) of each named notification that the user saw.

One round: a user reads notifications in no round in which another notification of that user can come.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from tests.community.journal import Entry
from tests.community.oracle import crossing
from tests.community.oracle.crossing import Causes, Domains, Rows
from tests.community.oracle.inbox import Inbox, Notification, notification_key


@dataclass(slots=True)
class Profile:
    """An account."""

    role: str = "user"
    username: str | None = None
    parent_id: str | None = None
    private: bool = False
    tier: str = "unverified"
    tier_at: int | None = None
    suspended: bool = False
    closed: bool = False
    wallets: dict[tuple[str, str], int] = field(default_factory=dict)
    registered_at: int = 0
    logged_in_at: int | None = None
    logins: int = 0

    def row(self) -> dict[str, Any]:
        """Return the account as a row shows it."""
        row = {name: getattr(self, name) for name in self.__slots__ if name != "wallets"}
        linked = [
            {"chain_id": chain, "address": address, "linked_at": at} for (chain, address), at in self.wallets.items()
        ]
        return {**row, "wallets": linked}


@dataclass(slots=True)
class Preferences:
    """What a user prefers, once set."""

    language: str
    muted: list[str]
    changed_at: int

    def row(self) -> dict[str, Any]:
        """Return the preferences as a row shows them."""
        return {"language": self.language, "muted": self.muted, "changed_at": self.changed_at}


LANGUAGE: Final = "en"
CALLS_KEPT: Final = 20


class User(crossing.User):
    """Applies what concerns the user domain."""

    def __init__(self, community: Domains) -> None:
        self.community = community
        self.profiles: dict[str, Profile] = {}
        self.preferences: dict[str, Preferences] = {}
        self.inboxes: dict[str, Inbox] = defaultdict(Inbox)
        self.calls: dict[str, dict[str, dict[str, Any]]] = {}
        """Of each user the latest sponsored calls by their ids, the newest last."""
        self._causes: dict[tuple[str, str], set[str]] = defaultdict(set)

    def apply(self, entry: Entry) -> None:
        """Apply an event of an account, or a command of the domain."""
        match entry.name:
            case "ChangePreferences" if not self._closed(entry.user):
                self._prefer(entry)
            case "ReadNotifications" if not self._closed(entry.user):
                self._read(entry)
            case "SponsorCall" if not self._closed(entry.user):
                self._call(entry, entry.user, "pending")
            case "SponsoredCallReported" if not self._closed(entry.data["user_id"]):
                self._call(entry, entry.data["user_id"], entry.data["outcome"])
            case _:
                change = getattr(self, f"_on_{entry.name}", None)
                if change is not None:
                    before = self.profiles[entry.user].row() if entry.user in self.profiles else None
                    profile = self.profiles.setdefault(entry.user, Profile())
                    change(profile, entry)
                    if profile.row() != before:
                        self._causes["user-profiles", entry.user].add(entry.id)

    def notify(
        self,
        user: str,
        kind: str,
        at: int,
        causes: Causes,
        *,
        text: str,
        arguments: dict[str, str],
        cause_id: str = "",
        event_id: str = "",
    ) -> None:
        """Keep a notification, unless its kind is muted or the account is closed."""
        muted = self.preferences[user].muted if user in self.preferences else []
        if kind not in muted and not self._closed(user):
            self.inboxes[user].keep(Notification(kind, text, arguments, at, set(causes)))

    # --- rows ---------------------------------------------------------------------------------------------------------

    def rows(self) -> Rows:
        """Return every row of the domain."""
        return {
            "user-profiles": {user: profile.row() for user, profile in self.profiles.items()},
            "user-preferences": {user: preferences.row() for user, preferences in self.preferences.items()},
            "user-sponsored-calls": {user: {"calls": [*calls.values()]} for user, calls in self.calls.items()},
            "user-inbox": {user: inbox.row() for user, inbox in self.inboxes.items()},
            "user-notifications": {
                notification_key(user, one.kind, one.text, one.arguments, one.at): {"read": one.read}
                for user, inbox in self.inboxes.items()
                for one in inbox.kept
            },
        }

    def folded(self, table: str, key: str) -> set[str]:
        """Return the entries behind a row. The key of a notification is the oracle's."""
        if table == "user-inbox":
            return set(self.inboxes[key].causes)
        if table == "user-notifications":
            user, at, kind, text, arguments = key.split("|", 4)
            shown = (kind, text, arguments, int(at))
            return next(set(one.causes) for one in self.inboxes[user].kept if one.shown == shown)
        return set(self._causes[table, key])

    # --- accounts -----------------------------------------------------------------------------------------------------

    def _on_AccountRegistered(self, profile: Profile, entry: Entry) -> None:
        profile.role = entry.data["role"]
        profile.username = entry.data.get("username")
        profile.parent_id = entry.data.get("parent_id")
        profile.registered_at = entry.at

    def _on_ProfileChanged(self, profile: Profile, entry: Entry) -> None:
        profile.private, profile.username = entry.data["private"], entry.data.get("username")

    def _on_RoleChanged(self, profile: Profile, entry: Entry) -> None:
        profile.role = entry.data["role"]

    def _on_VerificationChanged(self, profile: Profile, entry: Entry) -> None:
        profile.tier, profile.tier_at = entry.data["tier"], entry.at

    def _on_EmailVerified(self, profile: Profile, entry: Entry) -> None:
        if profile.tier == "unverified":
            profile.tier, profile.tier_at = "email", entry.at

    def _on_AccountSuspended(self, profile: Profile, entry: Entry) -> None:
        profile.suspended = True

    def _on_AccountReinstated(self, profile: Profile, entry: Entry) -> None:
        profile.suspended = False

    def _on_AccountClosed(self, profile: Profile, entry: Entry) -> None:
        """Forget the name, the wallets, and the inbox with its preferences."""
        profile.closed, profile.username, profile.wallets = True, None, {}
        self.inboxes.pop(entry.user, None)
        self.preferences.pop(entry.user, None)
        self.calls.pop(entry.user, None)

    def _on_LoggedIn(self, profile: Profile, entry: Entry) -> None:
        profile.logged_in_at = max(profile.logged_in_at or 0, entry.at)
        profile.logins += 1
        self.community.gamification.logged_in(entry.user, entry.at, (entry.id,))

    def _on_WalletLinked(self, profile: Profile, entry: Entry) -> None:
        wallet = entry.data["chain_id"], entry.data["address"]
        profile.wallets.pop(wallet, None)
        profile.wallets[wallet] = entry.at

    def _on_WalletUnlinked(self, profile: Profile, entry: Entry) -> None:
        profile.wallets.pop((entry.data["chain_id"], entry.data["address"]), None)

    # --- commands -----------------------------------------------------------------------------------------------------

    def _prefer(self, entry: Entry) -> None:
        muted = sorted(set(entry.data.get("muted", ())))
        self.preferences[entry.user] = Preferences(entry.data.get("language", LANGUAGE), muted, entry.at)
        self._causes["user-preferences", entry.user].add(entry.id)

    def _read(self, entry: Entry) -> None:
        if entry.user not in self.inboxes:
            return
        shown = None
        if entry.data.get("notification_ids"):
            shown = [
                (one["kind"], one["text"], json.dumps(one["arguments"], sort_keys=True), one["at"])
                for one in entry.data["shown"]
            ]
        self.inboxes[entry.user].read(shown, (entry.id,))

    def _call(self, entry: Entry, user: str, status: str) -> None:
        """Keep a call of a user. What was reported of it stays when its command comes later."""
        calls, data = self.calls.setdefault(user, {}), entry.data
        if status != "pending" or data["call_id"] not in calls:
            said = {"reason": data.get("reason", ""), "tx_hash": data.get("tx_hash", ""), "gas": data.get("gas", 0)}
            calls[data["call_id"]] = {"call_id": data["call_id"], "status": status, **said, "at": entry.at}
            self.calls[user] = dict(list(calls.items())[-CALLS_KEPT:])
            self._causes["user-sponsored-calls", user].add(entry.id)

    def _closed(self, user: str) -> bool:
        return user in self.profiles and self.profiles[user].closed
