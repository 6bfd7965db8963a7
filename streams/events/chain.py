"""Events of the chain, as the indexer decodes them, and reports of the sink. The key is the contract's address.

A fact is an event that one of our contracts emitted in one block. Everything that happens to it comes as an event with
the same content and another `finality`: first `accepted`, then either `final` or `retracted`. A reader adds an accepted
fact and takes a retracted one away. Only a final fact can no longer be retracted. A fact may come back after it was
retracted: it is accepted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal

import msgspec

from streams import topics
from streams.events.base import Count, EventData, Name, UserId
from streams.units import TokenUnits

Finality = Literal["accepted", "final"]
FactFinality = Literal["accepted", "final", "retracted"]
SIGNS: Final[Mapping[FactFinality, int]] = {"accepted": 1, "retracted": -1, "final": 0}
"""What a fact adds to what the chain says now."""
Felt = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-f]{64}$")]
"""A number of Starknet: `0x` and 64 digits."""


class _ChainFact(EventData, frozen=True, kw_only=True):
    """An event of a contract in one block.

    `event_index` is the place of the event in its transaction, and `fact_id` a hash of chain, block, transaction and
    that place. `sequence` counts the events of the contract from 1 on; those that are no facts leave gaps.
    """

    domain: ClassVar[str] = "chain"
    topic: ClassVar[str] = topics.CHAIN_EVENTS

    fact_id: str
    finality: FactFinality
    chain_id: str
    contract: Felt
    block_number: Count
    block_hash: Felt
    tx_hash: Felt
    event_index: Count
    sequence: Count


class SourceTotal(msgspec.Struct, frozen=True, kw_only=True):
    """The fees of one source in a batch, in the settlement token's units."""

    source: str
    amount: TokenUnits


class BatchSettled(_ChainFact, frozen=True, kw_only=True):
    """The collector took the tokens of a batch of fees. Amounts are in the settlement token's units (1e-6 USD)."""

    batch: Count
    previous_hash: Felt
    hash: Felt
    details: Felt
    amount: TokenUnits
    totals: tuple[SourceTotal, ...]


class FeesSwept(_ChainFact, frozen=True, kw_only=True):
    """The collector sent its balance to the splitter: settled fees, and tokens that came in another way (surplus).

    Amounts are in the settlement token's units (1e-6 USD). `batch` is the last settled batch.
    """

    splitter: Felt
    batch: Count
    amount: TokenUnits
    surplus: TokenUnits


class FeesDistributed(_ChainFact, frozen=True, kw_only=True):
    """The splitter paid a beneficiary, in the settlement token's units (1e-6 USD). `epoch` counts changes of shares."""

    beneficiary: Felt
    amount: TokenUnits
    epoch: Count


class AchievementMinted(_ChainFact, frozen=True, kw_only=True):
    """A genesis NFT was made for a wallet. `request` is a hash of the id of the mint that asked for it."""

    user: Felt
    request: Felt
    token_id: Count
    kind: str
    rarity: str


class ReputationRaised(_ChainFact, frozen=True, kw_only=True):
    """The experience of a wallet was recorded, as a total of XP."""

    account: Felt
    experience: Count
    tier: Count


class TransactionSponsored(_ChainFact, frozen=True, kw_only=True):
    """The paymaster counted a transaction of a user, in Cairo steps of gas, and paid its sponsor `cost` units.

    `request` is a hash of the id of the call that asked for it.
    """

    user: Felt
    request: Felt
    sponsor: Felt
    gas: Count
    gas_left: Count
    tier: Count
    cost: TokenUnits


class SponsoredCallReported(EventData, frozen=True, kw_only=True):
    """What became of a user's call that a sponsor should send. The key is the user.

    An executed one is in a final block, and `gas` is what it took of the user's allowance, in Cairo steps.
    """

    domain: ClassVar[str] = "chain"
    topic: ClassVar[str] = topics.CHAIN_EVENTS

    call_id: str
    user_id: UserId
    outcome: Literal["executed", "refused"]
    reason: str = ""
    tx_hash: str = ""
    gas: Count = 0


class NFTMintConfirmed(EventData, frozen=True, kw_only=True):
    """The chain minted a token for a mint request. The sink says so of final blocks only, so it is never taken back."""

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
