"""Events of the chain, as the indexer decodes them. The key is the contract's address."""

from __future__ import annotations

from typing import ClassVar, Literal

from streams import topics
from streams.events.base import EventData, Name, UserId

Finality = Literal["accepted", "final"]


class NFTMintConfirmed(EventData, frozen=True, kw_only=True):
    """The chain minted a token for a mint request."""

    domain: ClassVar[str] = "chain"
    topic: ClassVar[str] = topics.CHAIN_EVENTS

    mint_id: str
    user_id: UserId
    token_id: Name
    tx_hash: str
    finality: Finality


class NFTMintFailed(EventData, frozen=True, kw_only=True):
    """The chain refused a mint request for good."""

    domain: ClassVar[str] = "chain"
    topic: ClassVar[str] = topics.CHAIN_EVENTS

    mint_id: str
    user_id: UserId
    reason: Name
