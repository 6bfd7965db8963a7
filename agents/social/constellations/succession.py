"""Members whose accounts were closed leave their constellation, in its partition; its ownership passes on."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from agents.dispatch import Rules
from agents.social.constellations.registry import Registry, ended, without
from streams.events import AnyEvent, Event
from streams.events.constellation_steps import MemberAccountClosed, MembershipChanged
from streams.events.constellations import ConstellationRole
from tables.social_constellations import Constellation, Roster

ORDER: Final[tuple[ConstellationRole, ...]] = ("admin", "member", "recruit")
"""Who follows an owner, first to last. Among equals, the longest member does."""


class Succession:
    """Lets closed accounts go."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def rules(self) -> Rules:
        """Return the rule of what a slot tells."""
        return {MemberAccountClosed: self._closed}

    def _closed(self, event: Event[MemberAccountClosed]) -> list[AnyEvent]:
        """Let a member go. Without any member left, the constellation is dissolved."""
        closed = event.data
        found = self._registry.standing(event.partitionkey)
        member = None if found is None else found[1].member(closed.user_id)
        if found is None or member is None or member.request_id != closed.request_id:
            return []
        row, left = found[0], without(found[1], closed.user_id)
        if not left.members:
            return self._registry.end(event, *found)
        passed = self._pass_on(event, row, left) if member.role == "owner" else []
        if not passed:
            self._registry.put(event, row, left)
        return [ended(event, member, "closed"), *passed]

    def _pass_on(self, event: AnyEvent, row: Constellation, left: Roster) -> list[AnyEvent]:
        """Make the member of the highest role the owner. The roster is in the order of joining."""
        heir = min(left.members, key=lambda one: ORDER.index(one.role))
        members = tuple(replace(one, role="owner") if one is heir else one for one in left.members)
        self._registry.put(event, replace(row, owner=heir.user_id), replace(left, members=members))
        told = MembershipChanged(
            request_id=heir.request_id, constellation_id=event.partitionkey, name=row.name, role="owner"
        )
        return [event.then(told, key=heir.user_id)]
