"""What settlement waits for, by name, so that an operator can tell an absent node from a pause or an empty account.

Source of the codes: https://github.com/starkware-libs/starknet-specs/blob/v0.10.2/api/starknet_write_api.json
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from contracts.account.account import RevertsError
from contracts.clients.panics import REMEDIES, Remedy
from contracts.indexer.errors import NodeError
from contracts.indexer.node import NodeRefusedError

INVALID_NONCE: Final = 52
NO_GAS: Final = frozenset({53, 54})
"""Too few resources to validate a transaction, and too few tokens to pay for it."""


class Wait(StrEnum):
    """What settlement waits for. The value is its name in metrics, in the readiness and in `chain status`."""

    NOTHING = "nothing"
    LOG = "log"
    NODE = "node"
    PAUSE = "pause"
    """A contract is paused."""
    ROLE = "role"
    """The account lacks the role SETTLER."""
    TOKENS = "tokens"
    """The account has too few units of the settlement token."""
    GAS = "gas"
    """The account has too few tokens to pay for gas."""
    NONCE = "nonce"
    """A transaction cannot be executed, as one before it is missing."""
    TRANSACTION = "transaction"
    """A transaction is in no block."""
    REFUSAL = "refusal"
    """A contract refuses for another reason."""


def wait_of(error: BaseException) -> Wait:
    """Return what an error makes settlement wait for."""
    if isinstance(error, RevertsError):
        return _of_panic(error.panic)
    if isinstance(error, NodeRefusedError) and error.code == INVALID_NONCE:
        return Wait.NONCE
    if isinstance(error, NodeRefusedError) and error.code in NO_GAS:
        return Wait.GAS
    return Wait.NODE if isinstance(error, NodeError | OSError) else Wait.LOG


def _of_panic(panic: str) -> Wait:
    if panic == "Roles: missing role":
        return Wait.ROLE
    if REMEDIES.get(panic) is Remedy.RESUME:
        return Wait.PAUSE
    lacks = REMEDIES.get(panic) is Remedy.FUNDS or "balance" in panic.lower()
    return Wait.TOKENS if lacks else Wait.REFUSAL
