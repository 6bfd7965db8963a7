"""Turns events of our contracts into facts: which events readers get, with which fields and in which units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from contracts.indexer.abi import event_abi
from contracts.indexer.addresses import Contract, padded
from contracts.indexer.chain_state import Block, Counted, Fact
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Header, RawEvent
from streams.events import EventData
from streams.events.chain import BatchSettled, FeesDistributed, FeesSwept, SourceTotal
from streams.ids import derived_id
from streams.units import TokenUnits
from streams.wire import EVENT_ENCODER

Fields = dict[str, Any]


def _batch_settled(fields: Fields) -> Fields:
    totals = [
        SourceTotal(source=_short_string(each["source"]), amount=TokenUnits(each["amount"]))
        for each in fields["totals"]
    ]
    hashes = {name: padded(fields[name]) for name in ("previous_hash", "hash", "details")}
    return {"batch": fields["batch"], **hashes, "amount": TokenUnits(fields["amount"]), "totals": tuple(totals)}


def _fees_swept(fields: Fields) -> Fields:
    amounts = {name: TokenUnits(fields[name]) for name in ("amount", "surplus")}
    return {"splitter": padded(fields["splitter"]), "batch": fields["batch"], **amounts}


def _fees_distributed(fields: Fields) -> Fields:
    amount = TokenUnits(fields["amount"])
    return {"beneficiary": padded(fields["beneficiary"]), "amount": amount, "epoch": fields["epoch"]}


FACTS: Final[Mapping[str, Mapping[str, tuple[Callable[..., EventData], Callable[[Fields], Fields]]]]] = {
    "FeeCollector": {
        "BatchSettled": (BatchSettled, _batch_settled),
        "FeesSwept": (FeesSwept, _fees_swept),
    },
    "FeeSplitter": {"FeesDistributed": (FeesDistributed, _fees_distributed)},
}
"""The events that become facts, by the class of the contract. Other events are only counted."""


class Decoder:
    """Makes blocks of what a node says of them."""

    def __init__(self, chain_id: str, contracts: tuple[Contract, ...]) -> None:
        self._chain_id = chain_id
        self._classes = {contract.address: contract.class_name for contract in contracts}

    def block(self, header: Header, events: list[RawEvent]) -> Block:
        """Return a block with its facts.

        Raises:
            NodeError: an event is not one of its contract, or numbers of a contract have a gap within the block.
        """
        facts: list[Fact] = []
        counted: dict[str, Counted] = {}
        for event in events:
            name, fields = self._decoded(header, event)
            sequence, before = fields.pop("sequence"), counted.get(event.contract)
            if before and sequence != before.last + 1:
                raise NodeError(f"block {header.number} has event {sequence} of a contract after event {before.last}")
            counted[event.contract] = Counted(before.first if before else sequence, sequence)
            facts += self._facts(header, event, name, sequence, fields)
        return Block(*header, tuple(facts), counted)

    def _decoded(self, header: Header, event: RawEvent) -> tuple[str, Fields]:
        try:
            return event_abi(self._classes[event.contract]).decode(event.keys, event.data)
        except ValueError as exc:
            raise NodeError(f"block {header.number} has an event that cannot be read: {exc}") from exc

    def _facts(self, header: Header, event: RawEvent, name: str, sequence: int, fields: Fields) -> list[Fact]:
        made = FACTS[self._classes[event.contract]].get(name)
        if made is None:
            return []
        model, in_units = made
        named = f"{self._chain_id}/{header.hash}/{event.tx_hash}/{event.event_index}"
        fact_id = derived_id(header.time_s * 1_000, named)
        data = model(
            fact_id=fact_id, finality="accepted", chain_id=self._chain_id, contract=event.contract,
            block_number=header.number, block_hash=header.hash, tx_hash=event.tx_hash, event_index=event.event_index,
            sequence=sequence, **in_units(fields),
        )  # fmt: skip
        return [Fact(fact_id, event.contract, data.type_name, EVENT_ENCODER.encode(data).decode())]


def _short_string(number: int) -> str:
    return number.to_bytes((number.bit_length() + 7) // 8, "big").decode("ascii", errors="backslashreplace")
