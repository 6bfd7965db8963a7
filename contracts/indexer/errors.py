"""Errors of the indexer: those that time repairs, and those that an operator has to."""

from __future__ import annotations


class NodeError(Exception):
    """The node gives no answer, or a wrong one. Asking again may help."""


class BlockGoneError(NodeError):
    """The node does not have the block that was asked for: its chain has changed meanwhile, or it is behind."""


class IncompleteError(NodeError):
    """The node's events of some blocks are not the events that the contracts count."""


class IndexerError(Exception):
    """The log and the node's chain do not belong together. Continuing would mix facts of two chains, or miss some."""


class OtherSpecError(IndexerError):
    """The node speaks another version of the protocol than the indexer."""


class OtherChainError(IndexerError):
    """The node, or the log, is of another chain than the settings name."""


class FinalBlockReplacedError(IndexerError):
    """The node's chain lacks a block that was final."""


class UnknownPastError(IndexerError):
    """A contract has emitted events before the place where its indexing would begin."""
