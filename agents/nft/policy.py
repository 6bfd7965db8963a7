"""The numbers of the nft domain: the genesis types, their rarity, and what they need."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agents.policy import Policy
from streams.events.base import Name
from streams.events.nft import GenesisType, Rarity


class GenesisRule(Policy):
    """A genesis type, and the achievement that makes a user eligible for it."""

    rarity: Rarity
    achievement: Name


class NftPolicy(Policy):
    """The numbers of the nft domain."""

    types: Annotated[dict[GenesisType, GenesisRule], Field(min_length=1)]
