"""Turns events of our contracts into facts: which events readers get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from contracts.clients import fee_collector, fee_splitter, genesis_nft, paymaster, reputation
from contracts.clients.classes import CLIENTS
from contracts.clients.contract import Event
from contracts.indexer.addresses import Contract
from contracts.indexer.chain_state import Block, Counted, Fact
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Header, RawEvent
from streams.events import EventData
from streams.events.chain import (
    AchievementMinted,
    BatchSettled,
    FeesDistributed,
    FeesSwept,
    ReputationRaised,
    SourceTotal,
    TransactionSponsored,
)
from streams.ids import derived_id
from streams.units import TokenUnits
from streams.wire import EVENT_ENCODER

Place = dict[str, Any]
"""The fields that all facts have."""


def _batch_settled(event: fee_collector.BatchSettled, place: Place) -> EventData:
    return BatchSettled(
        **place,
        batch=event.batch,
        previous_hash=event.previous_hash,
        hash=event.hash,
        details=event.details,
        amount=TokenUnits(event.amount),
        totals=tuple(SourceTotal(source=each.source, amount=TokenUnits(each.amount)) for each in event.totals),
    )


def _fees_swept(event: fee_collector.FeesSwept, place: Place) -> EventData:
    amount, surplus = TokenUnits(event.amount), TokenUnits(event.surplus)
    return FeesSwept(**place, splitter=event.splitter, batch=event.batch, amount=amount, surplus=surplus)


def _fees_distributed(event: fee_splitter.FeesDistributed, place: Place) -> EventData:
    amount = TokenUnits(event.amount)
    return FeesDistributed(**place, beneficiary=event.beneficiary, amount=amount, epoch=event.epoch)


def _achievement_minted(event: genesis_nft.AchievementMinted, place: Place) -> EventData:
    return AchievementMinted(
        **place,
        user=event.user,
        request=event.request,
        token_id=event.token_id,
        kind=event.kind,
        rarity=event.rarity,
    )


def _reputation_raised(event: reputation.ReputationRaised, place: Place) -> EventData:
    return ReputationRaised(**place, account=event.account, experience=event.experience, tier=event.tier)


def _transaction_sponsored(event: paymaster.TransactionSponsored, place: Place) -> EventData:
    return TransactionSponsored(
        **place,
        user=event.user,
        request=event.request,
        sponsor=event.sponsor,
        gas=event.gas,
        gas_left=event.gas_left,
        tier=event.tier,
        cost=TokenUnits(event.cost),
    )


FACTS: Final[Mapping[type[Event], Callable[..., EventData]]] = {
    fee_collector.BatchSettled: _batch_settled,
    fee_collector.FeesSwept: _fees_swept,
    fee_splitter.FeesDistributed: _fees_distributed,
    genesis_nft.AchievementMinted: _achievement_minted,
    reputation.ReputationRaised: _reputation_raised,
    paymaster.TransactionSponsored: _transaction_sponsored,
}
"""The events that become facts. Other events are only counted."""


class Decoder:
    """Makes blocks of what a node says of them."""

    def __init__(self, chain_id: str, contracts: tuple[Contract, ...]) -> None:
        self._chain_id = chain_id
        self._clients = {contract.address: CLIENTS[contract.class_name] for contract in contracts}

    def block(self, header: Header, events: list[RawEvent]) -> Block:
        """Return a block with its facts.

        Raises:
            NodeError: an event is not one of its contract, or numbers of a contract have a gap within the block.
        """
        facts: list[Fact] = []
        counted: dict[str, Counted] = {}
        for raw in events:
            event, before = self._decoded(header, raw), counted.get(raw.contract)
            sequence: int = event.sequence
            if before and sequence != before.last + 1:
                raise NodeError(f"block {header.number} has event {sequence} of a contract after event {before.last}")
            counted[raw.contract] = Counted(before.first if before else sequence, sequence)
            facts += self._facts(header, raw, event)
        return Block(*header, tuple(facts), counted)

    def _decoded(self, header: Header, raw: RawEvent) -> Any:
        try:
            return self._clients[raw.contract].event(raw.keys, raw.data)
        except ValueError as exc:
            raise NodeError(f"block {header.number} has an event that cannot be read: {exc}") from exc

    def _facts(self, header: Header, raw: RawEvent, event: Any) -> list[Fact]:
        made = FACTS.get(type(event))
        if made is None:
            return []
        fact_id = derived_id(header.time_s * 1_000, f"{self._chain_id}/{header.hash}/{raw.tx_hash}/{raw.event_index}")
        place: Place = {
            "fact_id": fact_id, "finality": "accepted", "chain_id": self._chain_id, "contract": raw.contract,
            "block_number": header.number, "block_hash": header.hash, "tx_hash": raw.tx_hash,
            "event_index": raw.event_index, "sequence": event.sequence,
        }  # fmt: skip
        data = made(event, place)
        return [Fact(fact_id, raw.contract, data.type_name, EVENT_ENCODER.encode(data).decode())]
