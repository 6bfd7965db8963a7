"""Errors of the settlement that an operator has to repair. Continuing would risk money."""

from __future__ import annotations


class SettlementError(Exception):
    """Log, contracts and settings do not belong together, or do not agree. Settlement stops."""


class GapError(SettlementError):
    """Fees that were not in a batch yet are no longer in the log."""


class UnnamableSourceError(SettlementError):
    """The name of a source does not fit into a number of Starknet."""


class ForeignBatchError(SettlementError):
    """The contract has settled a batch that the log has not closed, or has closed with another content."""


class UnreconciledError(SettlementError):
    """Ledger, log and contracts differ."""
