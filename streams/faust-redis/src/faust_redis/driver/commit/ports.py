"""Define what the committer needs of the app's tables."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Protocol

from faust_redis.driver.source import Source
from faust_redis.driver.state.stores import CommittedStore


class Changelogs(Protocol):
    """The app's tables, as the committer needs them."""

    def changelogs(self) -> Container[str]:
        """Return the names of the changelog topics."""

    def stores(self) -> Mapping[str, CommittedStore]:
        """Return the stores that keep uncommitted writes apart, by changelog topic."""


class UncommittedRows(Protocol):
    """Tables whose store does not keep uncommitted writes apart."""

    def undo(self, source: Source) -> None:
        """Restore the values that an event replaced."""

    def settle(self) -> None:
        """Forget the writes of committed events."""

    def clear(self) -> None:
        """Forget all uncommitted writes."""
