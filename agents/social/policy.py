"""The numbers of the social domain, by its parts."""

from __future__ import annotations

from agents.policy import Policy
from agents.social.battles.policy import BattlePolicy
from agents.social.constellations.policy import ConstellationPolicy


class SocialPolicy(Policy):
    """The numbers of the social domain."""

    constellations: ConstellationPolicy
    battles: BattlePolicy
