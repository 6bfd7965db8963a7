"""The numbers of the nft domain: the genesis types, their rarity, and what they need; listings, and fees of sales."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agents.policy import Count, Policy, Positive, Ppm
from streams.events.base import Name
from streams.events.constellations import ConstellationRole
from streams.events.nft import GenesisType, Rarity
from streams.units import PPM


class AchievementRule(Policy):
    """A genesis type for users with an achievement."""

    rarity: Rarity
    achievement: Name


class MemberRule(Policy):
    """A genesis type for users who join a constellation with a role. Its founder joins as owner."""

    rarity: Rarity
    role: ConstellationRole


class ViralRule(Policy):
    """A genesis type for users who shared so many contents and have such a viral score."""

    rarity: Rarity
    contents: Count
    score: Count


class MasterRule(Policy):
    """A genesis type for masters, as gamification's `mastery` says."""

    rarity: Rarity
    mastery: Literal["trading"]


GenesisRule = AchievementRule | MemberRule | ViralRule | MasterRule


class NftPolicy(Policy):
    """The numbers of the nft domain.

    Attributes:
        listing_days: Days after which a listing expires.
        platform_ppm: The platform's part of a sale.
        creator_ppm: The creator's part of the sale of a token that has one.
        types: What makes a user eligible for each genesis type.
    """

    listing_days: Positive
    platform_ppm: Ppm
    creator_ppm: Ppm
    types: Annotated[dict[GenesisType, GenesisRule], Field(min_length=1)]

    @model_validator(mode="after")
    def _fees_within_the_price(self) -> Self:
        """Refuse fees that, both rounded up, could exceed the smallest price."""
        if 2 * (self.platform_ppm + self.creator_ppm) > PPM:
            raise ValueError(f"expected fees of at most half a price, got {self.platform_ppm} and {self.creator_ppm}")
        return self
