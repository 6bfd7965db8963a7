"""The reader of a public route's answer. The reader decides which users the answer may name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from api.auth import Principal
from api.kit.feeds.permit import Lapse, Permit
from api.permissions import STAFF, KnowsParents, Scope
from streams.times import Instant


class Private(Protocol):
    """The users who are private."""

    @property
    def version(self) -> int:
        """Return a number that changes with the set."""

    def __contains__(self, user_id: object) -> bool: ...


@dataclass(slots=True)
class Audience:
    """The reader of an answer or of a feed: an anonymous one, a user, or staff.

    Attributes:
        private: The users who are private.
        parents: Whose sub-accounts there are.
        permit: The reader's right to be taken for a user or for staff; None for an anonymous reader.
    """

    private: Private
    parents: KnowsParents
    permit: Permit | None = None

    @property
    def viewer(self) -> Principal | None:
        """Return the reader; None for an anonymous one, and for an API key that may not read private data."""
        if self.permit is None:
            return None
        caller = self.permit.caller
        return caller if caller.scopes is None or Scope.READ_PRIVATE in caller.scopes else None

    def lapsed(self, at: Instant) -> Lapse | None:
        """Return why the reader's feed ends; None while it goes on.

        The feed of a reader who sees more than the public ends with the permit. For all other readers the feed goes on
        as that of an anonymous reader.
        """
        if self.permit is None or (why := self.permit.lapsed(at)) is None:
            return None
        if self.is_staff or self.private_self is not None:
            return why
        self.permit = None
        return None

    @property
    def is_staff(self) -> bool:
        """Return whether the reader sees all names and exact times."""
        return self.viewer is not None and self.viewer.role in STAFF

    @property
    def private_self(self) -> str | None:
        """Return the reader's own id when the reader is a private user, who is hidden from all other users."""
        if self.viewer is None or self.is_staff or self.viewer.subject not in self.private:
            return None
        return self.viewer.subject

    def knows(self, user_id: str) -> bool:
        """Return whether the reader sees all that is known of a user: as staff, the user, or the user's parent."""
        viewer = self.viewer
        return viewer is not None and (viewer.role in STAFF or self._owns(viewer.subject, user_id))

    def hides(self, user_id: str) -> bool:
        """Return whether this reader must not learn that something is about a user."""
        return user_id in self.private and not self.knows(user_id)

    def shows_more(self, user_ids: Iterable[str]) -> bool:
        """Return whether the reader is a private user who sees some of these users, although they are private.

        A sub-account that is not closed is private exactly when its user is.
        """
        own = self.private_self
        return own is not None and any(self._owns(own, user_id) for user_id in user_ids)

    def _owns(self, owner: str, user_id: str) -> bool:
        return user_id == owner or self.parents.of(user_id) == owner
