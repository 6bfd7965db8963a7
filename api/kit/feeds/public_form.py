"""What the public sees of a feed's rows about users. All subscribers without rights of their own share the encoding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from api.kit.audience import Audience
from api.kit.feeds.change import Change, Changes, delta_data

Row = dict[str, Any]


def _whole(row: Row) -> Row:
    return row


@dataclass(frozen=True, slots=True)
class PublicForm:
    """How a feed shows rows to the public.

    Attributes:
        show: Returns the public form of a row.
        anonymous: Returns the form of a private user's row; None when the feed leaves such rows out.
    """

    show: Callable[[Row], Row] = _whole
    anonymous: Callable[[Row], Row] | None = None

    @property
    def cuts(self) -> bool:
        """Return whether the public sees less of a row than its user."""
        return self.show is not _whole


class PublicRows:
    """The rows of one subscriber of a public feed. A row belongs to the user that its channel names, who sees it whole.

    Args:
        form: The feed's public form.
        audience: The subscriber.
        named: Whether the subscriber asked for some users by name. Then private ones are left out: an anonymous row
            would confirm that it is theirs.
    """

    def __init__(self, form: PublicForm, audience: Audience, *, named: bool = False) -> None:
        self._form = form
        self._audience = audience
        self._anonymous = None if named else form.anonymous

    def encode(self, user_id: str, row: Row) -> bytes | None:
        """Return a row as JSON; None when it is left out."""
        if self._audience.is_staff or (self._form.cuts and self._audience.knows(user_id)):
            return orjson.dumps(row)
        if not self._audience.hides(user_id):
            return orjson.dumps(self._form.show(row))
        return None if self._anonymous is None else orjson.dumps(self._anonymous(self._form.show(row)))

    def delta(self, changes: Changes) -> bytes | None:
        """Return the data of a delta; None when all its rows are left out."""
        if self._audience.is_staff:
            return changes.rows
        if self._audience.shows_more(_users(changes)) or self._has_own(changes):
            return self._encoded(changes)
        key = (self._form, self._anonymous, self._audience.private.version)
        return changes.kept(key, lambda: self._encoded(changes))

    def _has_own(self, changes: Changes) -> bool:
        """Return whether the subscriber sees more of some of these rows than the public."""
        return self._form.cuts and any(self._audience.knows(user) for user in _users(changes))

    def _encoded(self, changes: Iterable[Change]) -> bytes | None:
        shown = (self.encode(change.channels[0], change.row()) for change in changes)
        rows = [row for row in shown if row is not None]
        return delta_data(rows) if rows else None


def _users(changes: Changes) -> Iterator[str]:
    return (channel for change in changes for channel in change.channels)
