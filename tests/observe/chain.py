"""A chain that an installation follows: a real node with the fee contracts, on which things happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.chain.deployed import Chain
from tests.chain.fees import Fees
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import CHAIN_ID, contracts
from tests.chain.node import RpcError
from tests.support.devnet import devnet, find_devnet

POLL_MS: Final = "200"
REPLACED: Final = 12
"""Blocks that a reorganisation replaces, which is more than an operator wants to see within an hour."""


class ObservedChain:
    """The fee contracts on a node, and what befalls them."""

    def __init__(self, fees: Fees, node: HashingNode) -> None:
        self._fees = fees
        self._node = node

    @property
    def settings(self) -> Mapping[str, str]:
        """Return the settings of the services that follow the chain."""
        return {
            "ASTRA_STARKNET_NODE_URL": self._node.url,
            "ASTRA_STARKNET_CHAIN_ID": CHAIN_ID,
            "ASTRA_INDEXER_CONTRACTS": ",".join(f"{name}:{address}" for name, address in contracts(self._fees)),
            "ASTRA_INDEXER_POLL_MS": POLL_MS,
        }

    def settle(self) -> None:
        """Make a block with a fact, and many without."""
        self._fees.settle({"trading": 700})
        for _ in range(REPLACED):
            self._fees.chain.node.ask("devnet_createBlock")

    def replace_blocks(self) -> None:
        """Replace the newest blocks, a fact among them, and make a new one."""
        chain = self._fees.chain.node
        with self._node.changing(height := chain.height() - REPLACED - 1):
            chain.abort_to(height)
        self.settle()

    def go_away(self) -> None:
        """Let the node answer nothing but errors."""

        def away(method: str, *_: Any) -> Any:
            raise RpcError(method, {"code": -32603, "message": "Internal error"})

        self._node.fault = away

    def come_back(self) -> None:
        """Let the node answer again."""
        self._node.fault = None


@contextmanager
def observed_chain(directory: Path) -> Iterator[ObservedChain | None]:
    """Run a chain while the block runs; None where no devnet is found without building it."""
    program = find_devnet()
    if program is None:
        yield None
        return
    directory.mkdir(parents=True, exist_ok=True)
    with devnet(program, directory, "--accounts", "8") as running:
        fees = Fees.deploy(Chain.at(running.url))
        with HashingNode(running.url).served() as node:
            chain = ObservedChain(fees, node)
            chain.settle()
            yield chain
