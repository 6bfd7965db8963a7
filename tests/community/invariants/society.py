"""What always holds of constellations and battles: one membership, one name, whole prizes."""

from __future__ import annotations

from collections import Counter
from typing import Final

from streams.events.battles import BattleCompleted
from tables.social_constellations import (
    OPEN_STATES,
    SOCIAL_BATTLE_ENTRIES,
    SOCIAL_BATTLES,
    SOCIAL_CONSTELLATIONS,
    SOCIAL_MEMBERSHIPS,
    SOCIAL_NAMES,
    SOCIAL_ROSTERS,
    name_key,
)
from tests.community.invariants.facts import Broken, Facts

POOLS: Final = frozenset({0, 200, 500, 800, 1000})
"""What a side of a battle may win, of a pool of 1,000."""


def members_are_in_one_constellation(facts: Facts) -> Broken:
    """Check that slots and rosters agree, caps hold, each constellation has one owner, and no slot is pending."""
    slots, rosters = facts.rows(SOCIAL_MEMBERSHIPS), facts.rows(SOCIAL_ROSTERS)
    listed = [(one.user_id, key, one.role) for key, roster in rosters.items() for one in roster.members]
    held = [(user, slot.constellation_id, slot.role) for user, slot in slots.items()]
    if sorted(listed) != sorted(held):
        yield f"rosters and slots differ: {sorted(set(listed) ^ set(held))}"
    yield from (f"the slot of {user} is {slot.state}" for user, slot in slots.items() if slot.state != "member")
    for key, row in facts.rows(SOCIAL_CONSTELLATIONS).items():
        members = rosters[key].members if key in rosters else ()
        if not len(members) == row.members <= row.members_max and not row.dissolved_at:
            yield f"constellation {key} has {len(members)} members, counts {row.members} of {row.members_max}"
        if sum(one.role == "owner" for one in members) != (not row.dissolved_at):
            yield f"constellation {key} has {[one.role for one in members]}"


def a_name_is_of_one_constellation(facts: Facts) -> Broken:
    """Check that the claims of names are those of the constellations that exist."""
    standing = {key: row for key, row in facts.rows(SOCIAL_CONSTELLATIONS).items() if not row.dissolved_at}
    claims = {name: claim.constellation_id for name, claim in facts.rows(SOCIAL_NAMES).items()}
    named = Counter(name_key(row.name) for row in standing.values())
    yield from (f"{count} constellations have the name {name}" for name, count in named.items() if count > 1)
    if claims != (expected := {name_key(row.name): key for key, row in standing.items()}):
        yield f"names are claimed {claims}, expected {expected}"


def battles_end_and_their_prizes_are_whole(facts: Facts) -> Broken:
    """Check that no battle is open, none engages a constellation, and each pool was split as the rules say."""
    for key, row in facts.rows(SOCIAL_BATTLES).items():
        if row.state in OPEN_STATES:
            yield f"battle {key} is {row.state}"
        if not {row.challenger.prize, row.defender.prize} <= POOLS:
            yield f"battle {key} has prizes {row.challenger.prize} and {row.defender.prize}"
    for key, row in facts.rows(SOCIAL_CONSTELLATIONS).items():
        if row.engagement is not None:
            yield f"constellation {key} is engaged in {row.engagement.battle_id}"
    yield from (f"the battle entry {key} remains" for key in facts.rows(SOCIAL_BATTLE_ENTRIES))
    completed = Counter(event.subject for event in facts.of(BattleCompleted))
    yield from (f"battle {key} was completed {count} times" for key, count in completed.items() if count > 1)
