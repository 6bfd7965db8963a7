"""Says of the last transaction of an account whether to wait for it or to send again. Settlement and sink share it."""

from __future__ import annotations

import logging
import time
from enum import StrEnum
from typing import Final, NamedTuple

from contracts.account.account import Account

STUCK: Final = 10
"""A transaction that is in no block after so many times the pause before sending again is replaced."""

logger = logging.getLogger(__name__)


class Stage(StrEnum):
    """How far a transaction has come."""

    UNKNOWN = "unknown"
    """The node does not know it."""
    PENDING = "pending"
    """It is in no block yet."""
    LATE = "late"
    """It is in no block, for longer than the pause before sending again."""
    GAP = "gap"
    """It is late, as one before it is missing."""
    EXECUTED = "executed"
    """A block has executed it, perhaps one that was not read yet."""
    REVERTED = "reverted"


class Standing(NamedTuple):
    """How far a transaction has come, and whether it is waited for; otherwise the calls are sent again."""

    stage: Stage
    is_awaited: bool


class LastTransaction:
    """Follows the last transaction of one account.

    Attributes:
        reverted: Transactions that were reverted, since the start.
    """

    def __init__(self, account: Account) -> None:
        self.reverted = 0
        self._account = account
        self._reverted = ""  # the hash of the last one that was counted
        self._pending = ("", 0.0)  # a transaction in no block, and when it was first seen so

    async def standing(self, tx_hash: str, nonce: int, age_s: float, send_again_s: float) -> Standing:
        """Return how far a transaction has come, and whether to wait for it.

        Args:
            tx_hash: The transaction.
            nonce: Its number.
            age_s: Seconds since it was sent.
            send_again_s: How long a node may take to know a transaction, and the pause after one that was reverted.

        Raises:
            NodeError: the node gives no answer, or a wrong one.
        """
        outcome, reason = await self._account.outcome(tx_hash)
        if outcome == "pending":
            return await self._in_no_block(tx_hash, nonce, send_again_s)
        if outcome == "succeeded":
            return Standing(Stage.EXECUTED, is_awaited=True)
        if outcome == "reverted" and tx_hash != self._reverted:
            self._reverted = tx_hash
            self.reverted += 1
            logger.warning("the transaction %s was reverted: %s", tx_hash, reason)
        return Standing(Stage(outcome), age_s < send_again_s)

    async def _in_no_block(self, tx_hash: str, nonce: int, send_again_s: float) -> Standing:
        """Return the standing of a transaction that is in no block.

        No block takes a transaction whose gas price is too low, or whose account lacks a transaction with an earlier
        nonce. The caller then replaces it.
        """
        if self._pending[0] != tx_hash:
            self._pending = (tx_hash, time.monotonic())
        pending_s = time.monotonic() - self._pending[1]
        if pending_s < send_again_s:
            return Standing(Stage.PENDING, is_awaited=True)
        stage = Stage.GAP if nonce > await self._account.nonce() else Stage.LATE
        return Standing(stage, pending_s < STUCK * send_again_s)
