"""The reader of a public route's answer. The reader decides which users the answer may name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from api.auth import Principal
from api.kit.feeds.permit import Lapse, Permit
from api.permissions import STAFF
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
        permit: The reader's right to be taken for a user or for staff; None for an anonymous reader.
    """

    private: Private
    permit: Permit | None = None

    @property
    def viewer(self) -> Principal | None:
        """Return the reader; None for an anonymous one."""
        return None if self.permit is None else self.permit.caller

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
        """Return whether the reader is the user or staff, who see all that is known of the user."""
        return self.is_staff or (self.viewer is not None and self.viewer.subject == user_id)

    def hides(self, user_id: str) -> bool:
        """Return whether this reader must not learn that something is about a user."""
        return user_id in self.private and not self.knows(user_id)
