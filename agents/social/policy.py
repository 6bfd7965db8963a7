"""The numbers of the social domain, by its parts."""

from __future__ import annotations

from agents.policy import Policy
from agents.social.battles.policy import BattlePolicy
from agents.social.constellations.policy import ConstellationPolicy
from agents.social.people_policy import PeoplePolicy


class SocialPolicy(Policy):
    """The numbers of the social domain."""

    people: PeoplePolicy
    constellations: ConstellationPolicy
    battles: BattlePolicy
