"""Constellations and battles: found, join, lead, give, challenge, answer."""

from __future__ import annotations

from typing import Any, get_args

from streams.events.battles import BattleKind
from tables.social_constellations import Constellation, Membership
from tests.community.behaviour.acts import Act
from tests.community.behaviour.people import Moment, Person

BATTLE_KINDS = get_args(BattleKind)
PEOPLE_FOR_EACH = 30
"""There is about one constellation for so many people."""
ANSWERED, CHALLENGED = 0.5, 0.06
"""The chance in a round that an owner answers a challenge, and that one challenges another constellation."""
LEADERS = ("owner", "admin")
CHALLENGED, ANSWERED = 0.03, 0.7
"""The chances that an owner challenges another constellation in a round, and answers a challenge."""


def belong(person: Person, moment: Moment) -> Act | None:
    """Found a constellation or join one; a member does what members do."""
    membership = moment.view.membership(person.id)
    if membership is None:
        return _found(person, moment) if _is_founder(moment) else _join(person, moment)
    constellation = moment.view.constellation(membership.constellation_id)
    if constellation is None:
        return None
    if moment.random.random() < 0.03:  # commands that the slot refuses
        return _found(person, moment) if moment.random.random() < 0.5 else _join(person, moment)
    return _as_member(person, moment, membership, constellation)


def answers(moment: Moment) -> list[Act]:
    """Return how owners answer challenges, and whom they challenge.

    Left to the habits of members, few would challenge, and most challenges would expire.
    """
    random, view = moment.random, moment.view
    found = [
        challenge
        for chosen, row in view.constellations.items()
        if row.engagement is None
        and random.random() < CHALLENGED
        and (challenge := _challenge(moment, chosen, row.owner))
    ]
    for battle_id, battle in view.battles.items():
        defender = view.constellation(battle.defender.constellation_id)
        if battle.state == "challenged" and defender is not None and random.random() < ANSWERED:
            touches = _sides(moment, battle.challenger.constellation_id, battle.defender.constellation_id)
            found.append(Act(defender.owner, _answer(moment), {"battle_id": battle_id}, touches | {battle_id}))
    return found


def _answer(moment: Moment) -> str:
    return "AcceptBattle" if moment.random.random() < 0.85 else "DeclineBattle"


def _is_founder(moment: Moment) -> bool:
    wanted = len(moment.town.people) // PEOPLE_FOR_EACH + 2
    return moment.random.random() < (0.3 if len(moment.view.constellations) < wanted else 0.01)


def _found(person: Person, moment: Moment) -> Act:
    random, town = moment.random, moment.town
    taken = random.random() < 0.1 and moment.view.constellations
    name = (
        random.choice(list(moment.view.constellations.values())).name.upper() if taken else f"Clan {town.names_taken}"
    )
    town.names_taken += 1
    data: dict[str, Any] = {"name": name}
    if random.random() < 0.5:
        data["members_max"] = random.choice((5, 8, 20, 200))
    return Act(person.id, "CreateConstellation", data, frozenset({f"name:{name.casefold()}"}))


def _join(person: Person, moment: Moment) -> Act | None:
    if not moment.view.constellations:
        return None
    chosen = moment.random.choice(list(moment.view.constellations))
    touches = frozenset({chosen, moment.view.constellations[chosen].owner})
    return Act(person.id, "JoinConstellation", {"constellation_id": chosen}, touches)


def _as_member(person: Person, moment: Moment, membership: Membership, constellation: Constellation) -> Act | None:
    random, chosen = moment.random, membership.constellation_id
    touches = frozenset({chosen, constellation.owner})
    if membership.role in LEADERS and random.random() < 0.85:
        return _lead(person, moment, membership, constellation)
    if random.random() < 0.06:
        return Act(person.id, "LeaveConstellation", {}, touches)
    shards = moment.view.balance(person.id, "SS") // 10**18
    if random.random() < (0.9 if shards < 10 else 0.4):
        return None
    amount = max(1, int(shards * random.choice((0.1, 0.3, 0.8, 1.2))))
    return Act(person.id, "ContributeShards", {"amount": amount}, touches)


def _lead(person: Person, moment: Moment, membership: Membership, constellation: Constellation) -> Act | None:
    random, chosen = moment.random, membership.constellation_id
    roster = moment.view.roster(chosen)
    others = [member.user_id for member in roster.members if member.user_id != person.id]
    touches = frozenset({chosen, constellation.owner})
    what = random.random()
    if what < 0.005:
        return Act(person.id, "DissolveConstellation", {}, touches | {*others})
    if what < 0.08 and others:
        member, role = random.choice(others), random.choice(("admin", "member", "member", "recruit"))
        return Act(person.id, "ChangeMemberRole", {"member": member, "role": role}, touches | {member})
    if what < 0.11 and others:
        member = random.choice(others)
        if roster.banned and random.random() < 0.3:
            lifted = random.choice(roster.banned)
            return Act(person.id, "LiftBan", {"member": lifted}, touches | {lifted})
        return Act(person.id, "RemoveMember", {"member": member, "ban": random.random() < 0.5}, touches | {member})
    return _battle(person, moment, chosen, constellation)


def owners(moment: Moment) -> list[Act]:
    """Return what owners do although they would not act now: they answer challenges, and challenge others."""
    random, by_id, found = moment.random, moment.town.by_id, []
    for chosen, row in moment.view.constellations.items():
        engagement, owner = row.engagement, by_id.get(row.owner)
        waits = engagement is not None and engagement.side == "defender" and _is_open(moment, engagement.battle_id)
        chance = ANSWERED if waits else CHALLENGED if engagement is None else 0.0
        if owner is not None and random.random() < chance:
            act = _battle(owner, moment, chosen, row)
            found += [act] if act is not None else []
    return found


def _is_open(moment: Moment, battle_id: str) -> bool:
    battle = moment.view.battles.get(battle_id)
    return battle is not None and battle.state == "challenged"


def _battle(person: Person, moment: Moment, chosen: str, constellation: Constellation) -> Act | None:
    """Challenge another constellation, or answer its challenge."""
    random, engagement = moment.random, constellation.engagement
    if engagement is not None and engagement.side == "defender":
        touches = _sides(moment, chosen, engagement.opponent) | {engagement.battle_id}
        return Act(person.id, _answer(moment), {"battle_id": engagement.battle_id}, touches)
    if engagement is not None and engagement.side == "challenger" and random.random() < 0.1:
        touches = _sides(moment, chosen, engagement.opponent) | {engagement.battle_id}
        return Act(person.id, "WithdrawChallenge", {"battle_id": engagement.battle_id}, touches)
    if engagement is not None and random.random() < 0.9:
        return None
    return _challenge(moment, chosen, person.id)


def _challenge(moment: Moment, chosen: str, user: str) -> Act | None:
    random = moment.random
    others = [one for one in moment.view.constellations if one != chosen]
    if not others:
        return None
    opponent = random.choice(others)
    data: dict[str, Any] = {"opponent": opponent, "kind": random.choice(BATTLE_KINDS)}
    if random.random() < 0.6:
        data["hours"] = random.choice((1, 6, 12, 24, 48, 168))
    return Act(user, "ChallengeBattle", data, _sides(moment, chosen, opponent))


def _sides(moment: Moment, *constellations: str) -> frozenset[str]:
    """Return two constellations and their owners."""
    found = (moment.view.constellation(one) for one in constellations)
    return frozenset({*constellations, *(one.owner for one in found if one is not None)})
