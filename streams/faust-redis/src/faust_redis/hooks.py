"""Hooks: be told what the driver does, for metrics, traces and logs.

    class Timings(Hooks):
        def on_commit(self, commit: Committed, /) -> None:
            histogram.observe(commit.duration_s)

    add_hooks(app, Timings())

The driver calls hooks on the app's event loop. A hook must return at once. An error in a hook is logged and goes no
further. An app without hooks pays for a check of an empty list.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from faust.types import TP

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchBegun:
    """An agent begins with a batch.

    Attributes:
        topic: Topic of its records.
        partition: Partition of its records.
        offset: Offset of the first record.
        records: How many records it has.
    """

    topic: str
    partition: int
    offset: int
    records: int


@dataclass(frozen=True, slots=True)
class BatchFinished:
    """An agent is done with a batch.

    Attributes:
        topic: Topic of its records.
        partition: Partition of its records.
        offset: Offset of the first record.
        records: How many records it has.
        duration_s: Seconds that the agent worked on it.
        succeeded: False when the batch failed: its records come again one at a time.
    """

    topic: str
    partition: int
    offset: int
    records: int
    duration_s: float
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """One commit was written.

    Attributes:
        records: Records that it appended, changelog rows included.
        offsets: The offsets that it committed, by partition.
        duration_s: Seconds from the first attempt to the answer.
    """

    records: int
    offsets: Mapping[TP, int]
    duration_s: float


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """A member installed the assignment of a new generation.

    Attributes:
        generation: The group's generation.
        partitions: Topic partitions assigned to this member.
        duration_s: Seconds since the member gave up its previous assignment.
    """

    generation: int
    partitions: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Recovered:
    """The tables of a new assignment equal the log.

    Attributes:
        partitions: Changelog partitions that were brought up to the log.
        records: Rows and records that were read.
        duration_s: Seconds that it took.
    """

    partitions: int
    records: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Retried:
    """An event failed with a transient error and is processed again.

    Attributes:
        topic: Topic of the event.
        partition: Partition of the event.
        offset: Offset of the event.
        attempt: Number of the attempt that failed, from 1.
        pause_s: Seconds until the next attempt.
        error: What the agent raised.
    """

    topic: str
    partition: int
    offset: int
    attempt: int
    pause_s: float
    error: BaseException


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """An event became a dead letter.

    Attributes:
        topic: Topic of the event.
        partition: Partition of the event.
        offset: Offset of the event.
        attempts: How often it was tried.
        agent: The agent that raised.
        error: What it raised.
    """

    topic: str
    partition: int
    offset: int
    attempts: int
    agent: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A damaged partition is not read any more; the other partitions go on.

    Attributes:
        topic: Topic of the partition.
        partition: The partition.
        offset: Where the consumer stands in it.
        error: What is wrong with it.
    """

    topic: str
    partition: int
    offset: int
    error: BaseException


class Hooks:
    """Base of hooks: override the methods that you need."""

    def on_batch_begun(self, batch: BatchBegun, /) -> None:
        """An agent begins with a batch."""

    def on_batch_finished(self, batch: BatchFinished, /) -> None:
        """An agent is done with a batch."""

    def on_commit(self, commit: Committed, /) -> None:
        """One commit was written."""

    def on_rebalance(self, rebalance: Rebalanced, /) -> None:
        """A member installed the assignment of a new generation."""

    def on_recovery(self, recovery: Recovered, /) -> None:
        """The tables of a new assignment equal the log."""

    def on_retry(self, retry: Retried, /) -> None:
        """An event failed with a transient error and is processed again."""

    def on_dead_letter(self, letter: DeadLettered, /) -> None:
        """An event became a dead letter."""

    def on_held_back(self, held_back: HeldBack, /) -> None:
        """A damaged partition is not read any more."""


class HookList(list[Hooks]):
    """The hooks of one app."""

    def call(self, method: Callable[[Hooks, Any], None], event: object) -> None:
        """Call one method of each hook.

        Args:
            method: The method of the base class, for example `Hooks.on_commit`.
            event: Its argument.
        """
        for hooks in self:
            try:
                getattr(hooks, method.__name__)(event)
            except Exception:
                logger.exception("a hook failed: %s of %r", method.__name__, hooks)


_hooks: weakref.WeakKeyDictionary[Any, HookList] = weakref.WeakKeyDictionary()


def hooks_of(app: Any) -> HookList:
    """Return the hooks of an app; hooks that are added later join this list."""
    return _hooks.setdefault(app, HookList())


def add_hooks(app: Any, hooks: Hooks) -> None:
    """Have the driver of a Faust app call hooks from now on."""
    hooks_of(app).append(hooks)
