"""The events that the store of accounts would emit, for runs without that store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.community.behaviour.acts import AccountAct

HAPPENS = {
    "login": "LoggedIn",
    "logout": "LoggedOut",
    "suspend": "AccountSuspended",
    "reinstate": "AccountReinstated",
    "close": "AccountClosed",
}
"""The event of what an account goes through, where it has no more fields than the account's id."""


class AccountEvents:
    """Turns what accounts go through into events.

    Attributes:
        suspended: The users whose commands the gateway would refuse.
    """

    def __init__(self, new_id: Callable[[int], str]) -> None:
        """Create it.

        Args:
            new_id: Returns a new id for a time in microseconds.
        """
        self.suspended: set[str] = set()
        self._new_id = new_id
        self._names: dict[str, str] = {}
        self._tiers: dict[str, str] = {}

    def of(self, act: AccountAct) -> list[tuple[str, dict[str, Any]]]:
        """Return name and data of the events of an act."""
        user: dict[str, Any] = {"user_id": act.user}
        if act.kind == "register":
            user = {"user_id": self._new_id(0)}
            self._names[user["user_id"]] = act.user
            return [("AccountRegistered", user | {"role": "user", "username": act.user}), ("LoggedIn", user)]
        if act.kind == "privacy":
            return [("ProfileChanged", user | {"private": act.more["private"], "username": self._names[act.user]})]
        if act.kind == "verify":
            before = self._tiers.get(act.user, "unverified")
            tier = self._tiers[act.user] = act.more["tier"]
            return [("VerificationChanged", user | {"tier": tier, "before": before})]
        if act.kind in {"suspend", "close"}:
            self.suspended.add(act.user)
        elif act.kind == "reinstate":
            self.suspended.discard(act.user)
        return [(HAPPENS[act.kind], user)]
