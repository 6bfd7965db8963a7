"""The changes that a feed yields, and how events become changes. Independent of the connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Query = str | int | bool | Sequence[str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All rows as they are now. They replace what the feed has yielded before."""

    rows: Sequence[Row]
    id: str | None


@dataclass(frozen=True, slots=True)
class Delta:
    """Rows that changed.

    Attributes:
        rows: Each replaces the row of the same name; in a feed of events each is a new one.
        removed: The users who left the top of a board.
        complete: Whether these are all rows, so that others are gone.
        id: Where to resume after this change.
    """

    rows: Sequence[Row]
    removed: Sequence[str]
    complete: bool
    id: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Nothing changed up to here.

    Attributes:
        stalled: Whether the API waits for its broker.
        id: Where to resume.
    """

    stalled: bool
    id: str | None


@dataclass(frozen=True, slots=True)
class Resync:
    """Forget all rows: a new snapshot follows. `why` is one of the reasons in docs/feeds.md, or `slow_reader`."""

    why: str


Change = Snapshot | Delta | Progress | Resync


class FeedState:
    """Turns the events of a feed into changes, over any number of connections.

    Attributes:
        last_id: Where to resume; None to start with a snapshot.
    """

    def __init__(self, last_id: str | None = None) -> None:
        self.last_id = last_id
        self._snapshot: list[Row] = []

    def reconnect(self) -> None:
        """Drop the part of a snapshot that a lost connection has delivered."""
        self._snapshot = []

    def change(self, event: str, data: Mapping[str, Any], **resume: str | None) -> Change | None:
        """Return the change of an event; None while a snapshot is not complete.

        An `id` given in `resume` is the last id from now on, and None makes the client forget the last one.
        """
        if "id" in resume:
            self.last_id = resume["id"] or None
        match event:
            case "snapshot":
                self._snapshot += data["rows"]
                if not data["last"]:
                    return None
                rows, self._snapshot = self._snapshot, []
                return Snapshot(rows, self.last_id)
            case "delta":
                return Delta(data["rows"], data.get("removed", ()), bool(data.get("complete")), self.last_id)
            case "progress":
                return Progress(bool(data["stalled"]), self.last_id)
            case "resync":
                self._snapshot = []
                return Resync(str(data["why"]))
        return None  # an event of a later version
