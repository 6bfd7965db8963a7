"""Constellations: slots, names, roles, members, contributions, levels, dissolution.

Rules: domain.md sections 6 and 10; readings: decision 0040. Each command decides at once here, while the product
reserves, asks and confirms.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tests.community.journal import Entry
from tests.community.oracle.behind import Behind
from tests.community.oracle.crossing import Causes, Domains, Rows
from tests.community.oracle.feed import Feed
from tests.community.oracle.social_numbers import ConstellationNumbers

LEADERS: Final = ("owner", "admin")
HEIRS: Final = ("admin", "member", "recruit")
"""Who follows an owner, first to last; among equals, the longest member."""
BATTLES_LISTED: Final = 50


@dataclass(slots=True, kw_only=True)
class Member:
    """A member. `request_id` is the command that made the user a member."""

    user_id: str
    role: str
    request_id: str
    contributed: int = 0
    joined_at: int


@dataclass(slots=True, kw_only=True)
class Constellation:
    """A constellation. `rated_at` is when its rating became what it is."""

    id: str
    name: str
    owner: str
    members_max: int
    created_at: int
    rating: int
    rated_at: int
    level: int = 1
    contributed: int = 0
    won: int = 0
    lost: int = 0
    tied: int = 0
    dissolved_at: int = 0
    engagement: dict[str, Any] | None = None
    battles: list[str] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    banned: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Slot:
    """The one membership of a user."""

    constellation_id: str
    request_id: str
    name: str
    purpose: str
    since: int


def normalised(name: str) -> str:
    """Return the form of a name that is unique: NFKC, casefold, single spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())


class Constellations:
    """All constellations, the slots of users, and the names that are taken."""

    def __init__(
        self, community: Domains, numbers: ConstellationNumbers, rating_first: int, feed: Feed, behind: Behind
    ) -> None:
        self.community = community
        self.numbers = numbers
        self.rating_first = rating_first
        self.feed = feed
        self.behind = behind
        self.all: dict[str, Constellation] = {}
        self.slots: dict[str, Slot] = {}
        self.names: dict[str, dict[str, Any]] = {}
        self.commands: dict[str, Callable[[Entry], None]] = {
            "CreateConstellation": self._create,
            "JoinConstellation": self._join,
            "LeaveConstellation": self._leave,
            "DissolveConstellation": self._dissolve,
            "ChangeMemberRole": self._change_role,
            "RemoveMember": self._remove,
            "LiftBan": self._lift_ban,
            "ContributeShards": self._contribute,
        }

    def of(self, user: str) -> tuple[Constellation, Member] | None:
        """Return the constellation of a user, and its member."""
        slot = self.slots.get(user)
        if slot is None:
            return None
        constellation = self.all[slot.constellation_id]
        return constellation, constellation.members[user]

    def standing(self, constellation_id: str) -> Constellation | None:
        """Return a constellation that exists."""
        found = self.all.get(constellation_id)
        return None if found is None or found.dissolved_at else found

    # --- founding and joining -----------------------------------------------------------------------------------------

    def _create(self, entry: Entry) -> None:
        user, name = entry.user, entry.data["name"]
        if user in self.slots:
            return
        self.behind.note("social-memberships", user, (entry.id,))
        if normalised(name) in self.names:
            return
        constellation = Constellation(
            id=entry.data["constellation_id"],
            name=name,
            owner=user,
            members_max=entry.data.get("members_max") or self.numbers.members_default,
            created_at=entry.at,
            rating=self.rating_first,
            rated_at=entry.at,
        )
        self.all[constellation.id] = constellation
        self.names[normalised(name)] = {
            "constellation_id": constellation.id,
            "user_id": user,
            "since": entry.at,
        }
        self.behind.note("social-names", normalised(name), (entry.id,))
        self.behind.note("social-ratings", constellation.id, (entry.id,))
        self._admit(constellation, "owner", entry)
        self.community.gamification.battle_rated(constellation.id, constellation.rating, entry.at, (entry.id,))

    def _join(self, entry: Entry) -> None:
        user = entry.user
        if user in self.slots:
            return
        self.behind.note("social-memberships", user, (entry.id,))
        constellation = self.standing(entry.data["constellation_id"])
        if (
            constellation is None
            or user in constellation.banned
            or len(constellation.members) >= constellation.members_max
        ):
            return
        leaders = [member.user_id for member in constellation.members.values() if member.role in LEADERS]
        self._admit(constellation, "recruit", entry)
        arguments = {"constellation_id": constellation.id, "member": user, "name": constellation.name}
        for leader in leaders:
            self._tell(leader, "constellation_joined", arguments, entry.at, (entry.id,))

    def _admit(self, constellation: Constellation, role: str, entry: Entry) -> None:
        user, causes = entry.user, (entry.id,)
        constellation.members[user] = Member(user_id=user, role=role, request_id=entry.id, joined_at=entry.at)
        self.slots[user] = Slot(
            constellation_id=constellation.id,
            request_id=entry.id,
            name=constellation.name,
            purpose="create" if role == "owner" else "join",
            since=entry.at,
        )
        self._changed(constellation, entry.at, causes)
        text = "feed.constellation_founded" if role == "owner" else "feed.constellation_joined"
        arguments = {"constellation_id": constellation.id, "name": constellation.name}
        self.feed.add(user, "constellation", text, arguments, at=entry.at, causes=causes)
        founded = role == "owner"
        self.community.gamification.joined_constellation(
            user, entry.at, causes, constellation=constellation.id, founded=founded
        )
        if founded:
            self.community.nft.eligible(user, "constellation_founder", entry.at, causes)

    def _changed(self, constellation: Constellation, at: int, causes: Causes) -> None:
        """Note a change of a constellation and its members, and raise its level where both conditions hold."""
        self.behind.note("social-constellations", constellation.id, causes)
        self.behind.note("social-rosters", constellation.id, causes)
        before = constellation.level
        while (
            constellation.contributed >= constellation.level * self.numbers.level_shards
            and len(constellation.members) >= constellation.level * self.numbers.level_members
        ):
            constellation.level += 1
        if constellation.level > before:
            arguments = {
                "constellation_id": constellation.id,
                "name": constellation.name,
                "level": str(constellation.level),
            }
            for member in constellation.members:
                self._tell(member, "constellation_level_up", arguments, at, causes)

    def _tell(self, user: str, kind: str, arguments: dict[str, str], at: int, causes: Causes) -> None:
        self.community.user.notify(user, kind, at, causes, text=kind, arguments=arguments)

    # --- leaving ------------------------------------------------------------------------------------------------------

    def _leave(self, entry: Entry) -> None:
        found = self.of(entry.user)
        if found is not None and found[1].role != "owner":
            self._let_go(*found, entry.at, (entry.id,))

    def _remove(self, entry: Entry) -> None:
        found, target_id = self.of(entry.user), entry.data["member"]
        if found is None or found[1].role not in LEADERS:
            return
        constellation, by = found
        target = constellation.members.get(target_id)
        if target is not None and (target.role == "owner" or (target.role == "admin" and by.role != "owner")):
            return
        if entry.data.get("ban") and target_id not in constellation.banned:
            if len(constellation.banned) >= self.numbers.banned:
                return
            constellation.banned.append(target_id)
            self.behind.note("social-rosters", constellation.id, (entry.id,))
        if target is not None:
            self._let_go(constellation, target, entry.at, (entry.id,))

    def _lift_ban(self, entry: Entry) -> None:
        found = self.of(entry.user)
        if found is not None and found[1].role in LEADERS and entry.data["member"] in found[0].banned:
            found[0].banned.remove(entry.data["member"])
            self.behind.note("social-rosters", found[0].id, (entry.id,))

    def _let_go(self, constellation: Constellation, member: Member, at: int, causes: Causes) -> None:
        del constellation.members[member.user_id]
        del self.slots[member.user_id]
        self.community.gamification.left_constellation(member.user_id, at, causes)
        self.behind.note("social-memberships", member.user_id, causes)
        self.behind.note("social-constellations", constellation.id, causes)
        self.behind.note("social-rosters", constellation.id, causes)

    def closed(self, entry: Entry) -> Constellation | None:
        """Let the user of a closed account leave. Return the constellation if that dissolves it."""
        found = self.of(entry.user)
        if found is None:
            return None
        constellation, member = found
        if len(constellation.members) == 1:
            self._end(constellation, entry)
            return constellation
        self._let_go(constellation, member, entry.at, (entry.id,))
        if member.role == "owner":
            heir = min(constellation.members.values(), key=lambda one: HEIRS.index(one.role))
            heir.role, constellation.owner = "owner", heir.user_id
            self.behind.note("social-memberships", heir.user_id, (entry.id,))
        return None

    def _dissolve(self, entry: Entry) -> None:
        found = self.of(entry.user)
        if found is not None and found[1].role == "owner" and found[0].engagement is None:
            self._end(found[0], entry)

    def _end(self, constellation: Constellation, entry: Entry) -> None:
        for member in [*constellation.members.values()]:
            self._let_go(constellation, member, entry.at, (entry.id,))
        constellation.dissolved_at = entry.at
        del self.names[normalised(constellation.name)]
        self.behind.note("social-names", normalised(constellation.name), (entry.id,))
        self.behind.note("social-ratings", constellation.id, (entry.id,))

    # --- leading and giving -------------------------------------------------------------------------------------------

    def _change_role(self, entry: Entry) -> None:
        found = self.of(entry.user)
        if found is None or found[1].role != "owner":
            return
        member = found[0].members.get(entry.data["member"])
        if member is not None and member.role not in {"owner", entry.data["role"]}:
            member.role = entry.data["role"]
            self.behind.note("social-rosters", found[0].id, (entry.id,))
            self.behind.note("social-memberships", member.user_id, (entry.id,))

    def _contribute(self, entry: Entry) -> None:
        found, amount, causes = self.of(entry.user), entry.data["amount"], (entry.id,)
        if found is None:
            return
        constellation, member = found
        ledger = self.community.financial
        if not ledger.contribution_requested(entry.user, constellation.id, amount, at=entry.at, causes=causes):
            return
        constellation.contributed += amount
        member.contributed += amount
        self._changed(constellation, entry.at, causes)
        self.community.gamification.contributed(constellation.id, entry.user, amount, at=entry.at, causes=causes)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def rows(self) -> Rows:
        """Return the rows of constellations, their members, names and slots, and the board of ratings."""
        return {
            "social-memberships": {
                user: {**asdict(slot), "state": "member", "role": self.all[slot.constellation_id].members[user].role}
                for user, slot in self.slots.items()
            },
            "social-names": dict(self.names),
            "social-constellations": {one.id: _row(one) for one in self.all.values()},
            "social-rosters": {
                one.id: {"members": [asdict(member) for member in one.members.values()], "banned": list(one.banned)}
                for one in self.all.values()
                if not one.dissolved_at
            },
            "social-ratings": {
                one.id: {"rating": one.rating, "reached_at": one.rated_at}
                for one in self.all.values()
                if not one.dissolved_at
            },
        }


def _row(one: Constellation) -> dict[str, Any]:
    return {
        "name": one.name,
        "owner": one.owner,
        "members": len(one.members),
        "members_max": one.members_max,
        "level": one.level,
        "contributed": one.contributed,
        "rating": one.rating,
        "won": one.won,
        "lost": one.lost,
        "tied": one.tied,
        "engagement": one.engagement,
        "battles": one.battles[:BATTLES_LISTED],
        "created_at": one.created_at,
        "dissolved_at": one.dissolved_at,
    }
