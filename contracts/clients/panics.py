"""The errors of our contracts by name: the texts of their panics, and what helps against each.

A panic reaches us as text of the node, in which it is quoted or written as felts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from contracts.indexer.errors import NodeError


class Remedy(StrEnum):
    """What helps against a panic. The value is advice for an operator."""

    WAIT = "time changes this: wait, and try again"
    RESUME = "the owner has to resume the contract first"
    CALLER = "another account has to make this call, or the owner has to grant the role first"
    ARGUMENT = "the contract never accepts these arguments"
    STATE = "the contract's state does not allow it: read the state, and prepare the call again"
    DONE = "there is nothing left to do, or it was done before"
    FUNDS = "tokens, an allowance, collateral or room below a limit are missing"
    TOKEN = "the token or the receiving contract misbehaves: look at the transaction"  # noqa: S105 - no password


_TEXTS: Final[Mapping[Remedy, tuple[str, ...]]] = {
    Remedy.WAIT: (
        "Paymaster: above the allowance", "StakingManager: too early", "Timelock: too early",
        "LendingPool: price is stale", "PriceOracle: price is held back", "PriceOracle: of the future",
    ),
    Remedy.RESUME: ("Pausable: paused",),
    Remedy.CALLER: (
        "ERC721: not the owner", "ERC721: unauthorized caller", "Ownable: not the owner",
        "Ownable: not the pending owner", "Reputation: not the paymaster", "Roles: missing role",
        "Roles: not the account", "Timelock: only when announced",
    ),
    Remedy.ARGUMENT: (
        "AstraToken: supply is zero", "ERC20: recipient is zero", "ERC20: spender is zero",
        "ERC721: account is zero", "ERC721: operator is zero", "ERC721: recipient is zero",
        "FeeCollector: amount is zero", "FeeCollector: no source", "FeeCollector: order of sources",
        "FeeCollector: splitter is zero", "FeeCollector: sweeps to itself", "FeeCollector: token is zero",
        "FeeCollector: too many sources", "FeeSplitter: duplicate", "FeeSplitter: no beneficiary",
        "FeeSplitter: not 1,000,000 ppm", "FeeSplitter: pays itself", "FeeSplitter: share is zero",
        "FeeSplitter: token is zero", "FeeSplitter: too many", "FeeSplitter: zero beneficiary",
        "GenesisNFT: request is zero", "GenesisNFT: type is zero", "Math: division by zero", "Math: overflow",
        "Ownable: owner is zero",
        "Paymaster: gas is zero", "Paymaster: splitter is zero", "Paymaster: token is zero",
        "Reputation: account is zero", "Reputation: paymaster is zero", "Roles: account is zero",
        "StakingManager: amount is zero", "StakingManager: same token", "StakingManager: token is zero",
        "Timelock: class hash is zero",
        "LendingPool: amount is zero", "LendingPool: asset is zero",
        "LendingPool: below the seed", "LendingPool: cap too large", "LendingPool: collateral is zero",
        "LendingPool: min debt is zero", "LendingPool: mints no share", "LendingPool: no better health",
        "LendingPool: one token", "LendingPool: oracle is zero", "LendingPool: pays itself",
        "LendingPool: recipient is zero", "LendingPool: repays nothing", "PriceOracle: price is zero",
        "PriceOracle: price too large",
    ),
    Remedy.STATE: (
        "ERC721: no such token", "FeeCollector: batch order", "FeeCollector: previous hash",
        "FeeSplitter: no first shares",
        "Paymaster: above the price", "Paymaster: no reputation", "Reputation: no such token",
        "StakingManager: no splitter", "Timelock: not announced",
        "LendingPool: debt is dust", "LendingPool: healthy",
        "LendingPool: nothing is left", "LendingPool: pays too little", "LendingPool: price is zero",
        "PriceOracle: not newer", "PriceOracle: too old",
    ),
    Remedy.DONE: (
        "ERC721: already minted", "FeeCollector: nothing to sweep", "FeeSplitter: has shares",
        "FeeSplitter: nothing is due",
        "GenesisNFT: already minted", "GenesisNFT: request was minted", "Pausable: not paused",
        "Paymaster: already sponsored",
        "Paymaster: nothing to collect", "Reputation: not higher", "Roles: already granted", "Roles: not granted",
        "StakingManager: nothing arrived", "StakingManager: nothing earned", "StakingManager: nothing leaves",
        "Timelock: already announced",
        "LendingPool: no debt",
    ),
    Remedy.FUNDS: (
        "ERC20: insufficient allowance", "ERC20: insufficient balance", "Paymaster: not funded",
        "StakingManager: not staked", "StakingManager: too much stake",
        "LendingPool: borrow cap", "LendingPool: collateral limit", "LendingPool: not covered",
        "LendingPool: not enough cash", "LendingPool: not enough shares", "LendingPool: supply cap",
        "LendingPool: too few reserves", "LendingPool: too little held",
    ),
    Remedy.TOKEN: (
        "ERC20: another amount arrived", "ERC20: no balance", "ERC20: transfer failed", "ERC721: receiver refused",
        "ReentrancyGuard: reentrant call",
    ),
}  # fmt: skip
REMEDIES: Final[Mapping[str, Remedy]] = MappingProxyType(
    {text: remedy for remedy, texts in _TEXTS.items() for text in texts}
)
"""The texts of all panics of our contracts."""
_QUOTED_OR_FELT: Final = re.compile(r"\('([^']*)'\)|0x([0-9a-fA-F]+)")
_OF_NODES: Final = frozenset({"ENTRYPOINT_FAILED", "ENTRYPOINT_NOT_FOUND", "argent/multicall-failed"})
_PRINTABLE: Final = re.compile(r"[ -~]{4,31}")
_IN_DETAIL: Final = re.compile(r"[ -~]{1,29}: [ -~]{1,29}")


class ContractError(NodeError):
    """A contract refuses a call.

    Attributes:
        panic: The text of the panic, such as `FeeCollector: batch order`.
        remedy: What helps against it; None for the panic of a contract that is not ours.
    """

    def __init__(self, panic: str) -> None:
        self.panic = panic
        self.remedy = REMEDIES.get(panic)
        super().__init__(f"{panic} ({self.remedy})" if self.remedy else panic)


def refusal(said: object) -> ContractError | None:
    """Return the error of the innermost panic that a node tells of; None when it tells of none."""
    texts = [quoted or _text(felt) for quoted, felt in _QUOTED_OR_FELT.findall(str(said))]
    named = [text for text in texts if text in REMEDIES] or [text for text in texts if _IN_DETAIL.fullmatch(text)]
    found = named or [text for text in texts if text and text not in _OF_NODES]
    return ContractError(found[0]) if found else None


def _text(felt: str) -> str:
    text = bytes.fromhex(felt.zfill(len(felt) + len(felt) % 2)).decode("ascii", errors="replace")
    return text if _PRINTABLE.fullmatch(text) else ""
