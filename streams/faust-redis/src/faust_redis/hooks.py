"""Observe the driver through hooks, for metrics, traces and logs.

    class Timings(Hooks):
        def on_commit(self, commit: Committed, /) -> None:
            histogram.observe(commit.duration_s)

    add_hooks(app, Timings())

The driver calls hooks on the app's event loop. When the app runs on Kafka, batch agents call the hooks of batches, and
nothing calls the others. A hook must return at once. The driver logs an error of a hook and
continues. For an app without hooks, the driver only checks an empty list.
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
    """An agent has finished a batch.

    Attributes:
        topic: Topic of its records.
        partition: Partition of its records.
        offset: Offset of the first record.
        records: How many records it has.
        duration_s: Seconds that the agent took.
        succeeded: False when the batch failed; the driver then delivers its records again, one at a time.
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
    """The tables of a new assignment are up to date with the log.

    Attributes:
        partitions: Changelog partitions that were restored.
        records: Rows and records that were read.
        duration_s: Seconds that the recovery took.
    """

    partitions: int
    records: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Retried:
    """An event failed with a transient error and will be retried.

    Attributes:
        topic: Topic of the event.
        partition: Partition of the event.
        offset: Offset of the event.
        attempt: Number of the attempt that failed, from 1.
        pause_s: Seconds until the next attempt.
        error: The agent's error.
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
        attempts: How many attempts the driver made.
        agent: The agent that failed.
        error: The agent's error.
    """

    topic: str
    partition: int
    offset: int
    attempts: int
    agent: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The driver has stopped reading a damaged partition; it continues with the other partitions.

    Attributes:
        topic: Topic of the partition.
        partition: The partition.
        offset: The next offset that the consumer would read.
        error: The damage.
    """

    topic: str
    partition: int
    offset: int
    error: BaseException


@dataclass(frozen=True, slots=True)
class SendsRefused:
    """Sends outside of events have failed because their partition is damaged.

    Attributes:
        topic: Topic of the partition.
        partition: The partition.
        records: How many records were not written.
        error: The damage.
    """

    topic: str
    partition: int
    records: int
    error: BaseException


class Hooks:
    """The base class of hooks. Override the methods that you need."""

    def on_batch_begun(self, batch: BatchBegun, /) -> None:
        """Observe that an agent begins with a batch."""

    def on_batch_finished(self, batch: BatchFinished, /) -> None:
        """Observe that an agent has finished a batch."""

    def on_commit(self, commit: Committed, /) -> None:
        """Observe that a commit was written."""

    def on_rebalance(self, rebalance: Rebalanced, /) -> None:
        """Observe that a member installed the assignment of a new generation."""

    def on_recovery(self, recovery: Recovered, /) -> None:
        """Observe that the tables of a new assignment are up to date with the log."""

    def on_retry(self, retry: Retried, /) -> None:
        """Observe that an event failed with a transient error and will be retried."""

    def on_dead_letter(self, letter: DeadLettered, /) -> None:
        """Observe that an event became a dead letter."""

    def on_held_back(self, held_back: HeldBack, /) -> None:
        """Observe that the driver has stopped reading a damaged partition."""

    def on_sends_refused(self, refused: SendsRefused, /) -> None:
        """Observe that sends outside of events have failed because their partition is damaged."""


class HookList(list[Hooks]):
    """The hooks of one app."""

    def call(self, method: Callable[[Hooks, Any], None], event: object) -> None:
        """Call one method of each hook.

        Args:
            method: The method of the base class, for example `Hooks.on_commit`.
            event: The argument of that method.
        """
        for hooks in self:
            try:
                getattr(hooks, method.__name__)(event)
            except Exception:
                logger.exception("a hook failed: %s of %r", method.__name__, hooks)


_hooks: weakref.WeakKeyDictionary[Any, HookList] = weakref.WeakKeyDictionary()


def hooks_of(app: Any) -> HookList:
    """Return the list of an app's hooks; hooks that are added later join this list."""
    return _hooks.setdefault(app, HookList())


def add_hooks(app: Any, hooks: Hooks) -> None:
    """Make the driver of a Faust app call these hooks from now on."""
    hooks_of(app).append(hooks)
