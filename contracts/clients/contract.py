"""What all generated clients are made of: reading at a block, preparing calls, and decoding events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

import msgspec

from contracts.clients.codec import Codec, decoded, encoded, struct
from contracts.clients.panics import refusal
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.errors import NodeError
from contracts.indexer.node import NodeRefusedError

T = TypeVar("T")


class MissingContractError(NodeError):
    """A block does not have a contract: it was deployed later, or its address is wrong."""


class Call(NamedTuple):
    """A call of a contract's function, which an account makes, with others or alone."""

    to: int
    function: str
    calldata: Sequence[int]


class Reader(Protocol):
    """Calls functions without a transaction, as a node does."""

    async def call(
        self, contract: str, selector: str, block: BlockRef, calldata: Sequence[int] = ()
    ) -> list[int] | None:
        """Return what a function returns at a block; None when the block lacks the contract."""


class At(NamedTuple):
    """Where to read: a node, as of one of its blocks."""

    node: Reader
    block: BlockRef


class Event(msgspec.Struct, frozen=True):
    """An event of a contract.

    Attributes:
        event_selector: The first key, which is a hash of the name.
        event_keys: The codecs of the fields that are keys, in order.
        event_data: The codecs of the other fields, in order.
    """

    event_selector: ClassVar[int]
    event_keys: ClassVar[Mapping[str, Codec[Any]]]
    event_data: ClassVar[Mapping[str, Codec[Any]]]


class Contract:
    """A contract at an address. Functions that change it return a call for an account; the others read.

    Attributes:
        address: `0x` and 64 digits.
        events: All events of the class, by selector.
    """

    events: ClassVar[Mapping[int, type[Event]]]

    def __init__(self, address: str) -> None:
        self.address = address

    @classmethod
    def event(cls, keys: Sequence[int], data: Sequence[int]) -> Event:
        """Return an event that the contract has emitted.

        Raises:
            ValueError: it is not an event of this class.
        """
        kind = cls.events.get(keys[0]) if keys else None
        if kind is None:
            raise ValueError(f"the class has no event with the selector {hex(keys[0]) if keys else 'none'}")
        try:
            fields = decoded(_fields(kind.event_keys), keys[1:]) | decoded(_fields(kind.event_data), data)
        except ValueError as exc:
            raise ValueError(f"an event {kind.__name__} cannot be read: {exc}") from None
        return kind(**fields)

    async def _view(self, at: At, function: str, inputs: Sequence[Codec[Any]], output: Codec[T], *arguments: Any) -> T:
        """Return what a function returns at a block; the function is named by its selector.

        Raises:
            ContractError: the contract refuses the call.
            MissingContractError: the block does not have the contract.
            NodeError: the node gives no answer, or a wrong one.
        """
        try:
            felts = await at.node.call(self.address, function, at.block, encoded(inputs, arguments))
        except NodeRefusedError as exc:
            raise refusal(exc.data) or exc from exc
        if felts is None:
            raise MissingContractError(f"block {at.block.number} does not have the contract {self.address}")
        try:
            return decoded(output, felts)
        except ValueError as exc:
            raise NodeError(f"the contract {self.address} returns what its class does not: {exc}") from exc

    def _call(self, function: str, inputs: Sequence[Codec[Any]], *arguments: Any) -> Call:
        """Return a call of a function.

        Raises:
            ValueError: a type does not have its argument.
        """
        return Call(int(self.address, 16), function, encoded(inputs, arguments))


def _fields(members: Mapping[str, Codec[Any]]) -> Codec[dict[str, Any]]:
    return struct(dict, members)
