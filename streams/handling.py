"""What the running task handles: the domain whose thread it runs in, and a batch of records. Log lines name both."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Final, Protocol


class HandledBatch(Protocol):
    """Records of one partition that an agent handles together."""

    @property
    def topic(self) -> str:
        """Return their topic."""

    @property
    def partition(self) -> int:
        """Return their partition."""

    @property
    def values(self) -> Sequence[bytes | None]:
        """Return the bytes of the events."""

    def __getitem__(self, index: int, /) -> Any:
        """Return one record, which has an `offset`."""


DOMAIN: Final[ContextVar[str]] = ContextVar("domain of this thread", default="")
"""The domain whose app the thread runs; empty in other threads."""

BATCH: Final[ContextVar[HandledBatch | None]] = ContextVar("batch of this task", default=None)
"""The batch that the task handles, also while the driver decides about one that failed; None between batches."""
