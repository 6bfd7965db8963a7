"""The declaration of a live feed: its topic and how it reads records. It is beside the domain's queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from faust_redis.log import Position

from api.kit.feeds.change import Read
from api.kit.feeds.follower import ROUND_S, ByChannel
from api.kit.sealing import Sealer
from streams.topology import TableSpec, changelog_topic
from tables.reader import TableReader

SharedT = TypeVar("SharedT")


class Shared(Protocol):
    """A view that all subscribers of a feed share."""

    async def prepare(self, changed: ByChannel, since: Position) -> None:
        """Apply changes by channel, all above `since`, before subscribers get them."""

    def forget(self) -> None:
        """Drop the data read so far. The follower has stopped, and may continue on another log."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feed(Generic[SharedT]):
    """A feed.

    Attributes:
        name: The last part of its path, and its label in metrics.
        follows: A table, whose changelog is followed, or the name of a topic.
        read: Builds the function that reads a record. The sealer names events without telling their ids.
        round_s: How long the follower rests between two reads that found something, in seconds.
        shared: Builds the view that all subscribers share; None when each subscriber reads for itself.
    """

    name: str
    follows: TableSpec[Any] | str
    read: Callable[[Sealer], Read]
    round_s: float = ROUND_S
    shared: Callable[[TableReader], SharedT] | None = None

    def topic(self, app_id: str) -> str:
        """Return the topic that is followed."""
        return self.follows if isinstance(self.follows, str) else changelog_topic(app_id, self.follows.name)
