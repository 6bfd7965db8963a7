"""A chain that an installation follows: a real node with the fee contracts, on which things happen."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.chain.deployed import Chain
from tests.chain.fees import Fees
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import CHAIN_ID, contracts
from tests.chain.node import RpcError
from tests.chain.sinking import METADATA_URL, Rewards
from tests.chain.transactions import Account
from tests.e2e.waiting import eventually
from tests.settlement.test_service import PASSWORD, keystore_of
from tests.support.devnet import devnet, find_devnet

POLL_MS: Final = "200"
BATCH_USD: Final = "0.05"
"""Fees that close a batch: a few fills."""
REPLACED: Final = 12
"""Blocks that a reorganisation replaces at least, which is more than an operator wants to see within an hour."""
WITHIN_S: Final = 60.0


class ObservedChain:
    """The fee contracts on a node, and what befalls them."""

    def __init__(self, fees: Fees, rewards: Rewards, node: HashingNode, directory: Path, resources: ExitStack) -> None:
        self._fees = fees
        self._rewards = rewards
        self._chain = fees.chain.node
        self._node = node
        self._directory = directory
        self._resources = resources
        self._final = self._chain.height()

    @property
    def settings(self) -> Mapping[str, str]:
        """Return the settings of the services that follow the chain."""
        password = self._directory / "password"
        password.write_text(PASSWORD, "utf-8")
        return {
            "ASTRA_STARKNET_NODE_URL": self._node.url,
            "ASTRA_STARKNET_CHAIN_ID": CHAIN_ID,
            "ASTRA_INDEXER_CONTRACTS": ",".join(
                f"{name}:{address}" for name, address in (*contracts(self._fees), *self._rewards.contracts)
            ),
            "ASTRA_INDEXER_POLL_MS": POLL_MS,
            "ASTRA_SETTLEMENT_ACCOUNT": hex(self._fees.settler.address),
            "ASTRA_SETTLEMENT_KEYSTORE": str(self._keystore("settlement", self._fees.settler)),
            "ASTRA_SETTLEMENT_PASSWORD_FILE": str(password),
            "ASTRA_SETTLEMENT_AMOUNT_USD": BATCH_USD,
            "ASTRA_SETTLEMENT_POLL_MS": POLL_MS,
            "ASTRA_SETTLEMENT_AUDIT_S": "1",
            "ASTRA_SETTLEMENT_SEND_AGAIN_S": "1",
            "ASTRA_SINK_ACCOUNT": hex(self._rewards.account.address),
            "ASTRA_SINK_KEYSTORE": str(self._keystore("sink", self._rewards.account)),
            "ASTRA_SINK_PASSWORD_FILE": str(password),
            "ASTRA_SINK_METADATA_URL": METADATA_URL,
            "ASTRA_SINK_POLL_MS": POLL_MS,
        }

    def _keystore(self, name: str, account: Account) -> Path:
        folder = self._directory / name
        folder.mkdir(exist_ok=True)
        return keystore_of(folder, account.signer.private_key)

    @property
    def batches(self) -> int:
        """Return how many batches the collector has settled."""
        return int(self._fees.collector.call("last_batch")[0])

    def wait_for_batch(self) -> None:
        """Wait until the collector has settled one more batch."""
        before = self.batches
        eventually(lambda: self.batches > before, within_s=WITHIN_S, what="a batch is settled")

    def become_final(self) -> None:
        """Let Ethereum accept all blocks."""
        self._final = self._chain.height()
        self._resources.enter_context(self._node.on_l1(self._final))

    def replace_blocks(self) -> None:
        """Replace all blocks that are not final by empty ones, at least as many as an operator wants to know of."""
        for _ in range(REPLACED):
            self._chain.ask("devnet_createBlock")
        time.sleep(2)  # the indexer reads them
        with self._node.changing(self._final):
            height = self._chain.height()
            self._chain.abort_to(self._final)
            for _ in range(height - self._final + 1):
                self._chain.ask("devnet_createBlock")

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
        rewards = Rewards.deploy(fees.chain, fees)
        with HashingNode(running.url).served() as node, ExitStack() as resources:
            yield ObservedChain(fees, rewards, node, directory, resources)
