"""The user domain: fold what happens to accounts into one row a user, and keep inboxes. Imports no Faust."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from agents.dispatch import Dispatch, Rule
from agents.facts import Facts
from agents.rulebook import Rulebook
from agents.user.inbox import Inboxes, refused
from agents.user.sponsored import Sponsored
from streams.events import AnyEvent, Event, EventData
from streams.events.chain import SponsoredCallReported
from streams.events.notifications import Notified
from streams.events.user import (
    AccountClosed,
    AccountRegistered,
    AccountReinstated,
    AccountSuspended,
    ChangePreferences,
    EmailVerified,
    LoggedIn,
    ProfileChanged,
    ReadNotifications,
    RoleChanged,
    SponsorCall,
    VerificationChanged,
    WalletLinked,
    WalletUnlinked,
)
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork
from tables.user import USER_PROCESSED, USER_PROFILES, LinkedWallet, UserProfile

Change = Callable[[UserProfile, Any, int], UserProfile]
"""Returns a profile after an event's data at a time in microseconds."""


def _registered(profile: UserProfile, data: AccountRegistered, time: int) -> UserProfile:
    named = replace(profile, role=data.role, username=data.username, parent_id=data.parent_id)
    return replace(named, registered_at=time)


def _renamed(profile: UserProfile, data: ProfileChanged, _time: int) -> UserProfile:
    return replace(profile, private=data.private, username=data.username)


def _email_verified(profile: UserProfile, _data: EmailVerified, time: int) -> UserProfile:
    """Raise the lowest tier only: tiers are ordered."""
    return replace(profile, tier="email", tier_at=time) if profile.tier == "unverified" else profile


def _logged_in(profile: UserProfile, _data: LoggedIn, time: int) -> UserProfile:
    return replace(profile, logged_in_at=max(profile.logged_in_at or 0, time), logins=profile.logins + 1)


def _linked(profile: UserProfile, data: WalletLinked, time: int) -> UserProfile:
    wallet = LinkedWallet(chain_id=data.chain_id, address=data.address, linked_at=time)
    return replace(profile, wallets=(*_without(profile, data), wallet))


def _without(profile: UserProfile, data: WalletLinked | WalletUnlinked) -> tuple[LinkedWallet, ...]:
    gone = data.chain_id, data.address
    return tuple(one for one in profile.wallets if (one.chain_id, one.address) != gone)


CHANGES: Final[Mapping[type[EventData], Change]] = {
    AccountRegistered: _registered,
    ProfileChanged: _renamed,
    RoleChanged: lambda profile, data, _: replace(profile, role=data.role),
    VerificationChanged: lambda profile, data, time: replace(profile, tier=data.tier, tier_at=time),
    EmailVerified: _email_verified,
    AccountSuspended: lambda profile, _, __: replace(profile, suspended=True),
    AccountReinstated: lambda profile, _, __: replace(profile, suspended=False),
    AccountClosed: lambda profile, _, __: replace(profile, closed=True, username=None, wallets=()),
    LoggedIn: _logged_in,
    WalletLinked: _linked,
    WalletUnlinked: lambda profile, data, _: replace(profile, wallets=_without(profile, data)),
}
"""What each event of an account changes in its profile."""


class User:
    """The handlers of the user agents, over the domain's tables."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool = False) -> None:
        self.tables = UnitOfWork(open_table)
        facts = Facts(self.tables, USER_PROCESSED, rulebook.repeats_days, at_least_once=at_least_once)
        self.profiles = self.tables.rows(USER_PROFILES)
        self.inboxes = Inboxes(self.tables)
        self.sponsored = Sponsored(self.tables)
        rules: dict[type[EventData], Rule] = dict.fromkeys(CHANGES, self._fold)
        rules[ChangePreferences] = self._unless_closed(self.inboxes.prefer)
        rules[ReadNotifications] = self._unless_closed(self.inboxes.read)
        rules[Notified] = self._notified
        rules[SponsorCall] = self._unless_closed(self.sponsored.ask)
        rules[SponsoredCallReported] = self._reported
        self.handle = Dispatch(rules, facts, rulebook.version)

    def _fold(self, event: Event[Any]) -> list[AnyEvent]:
        user_id, change = event.partitionkey, CHANGES[type(event.data)]
        self.profiles.put(user_id, change(self.profiles.get(user_id) or UserProfile(), event.data, int(event.time)))
        if isinstance(event.data, AccountClosed):
            self.inboxes.remove(user_id)
            self.sponsored.remove(user_id)
        return []

    def _notified(self, event: Event[Notified]) -> list[AnyEvent]:
        if not self._closed(event.partitionkey):
            self.inboxes.keep(event)
        return []

    def _reported(self, event: Event[SponsoredCallReported]) -> list[AnyEvent]:
        return [] if self._closed(event.partitionkey) else self.sponsored.report(event)

    def _unless_closed(self, rule: Rule) -> Rule:
        """Return the rule of a command, which rejects the commands of a closed account."""

        def apply(event: AnyEvent) -> list[AnyEvent]:
            if self._closed(event.partitionkey):
                return [event.then(refused(event, "account_closed"))]
            return rule(event)

        return apply

    def _closed(self, user_id: str) -> bool:
        profile = self.profiles.get(user_id)
        return profile is not None and profile.closed
