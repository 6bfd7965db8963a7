"""Who an answer of a public route is for, and so whose names it may tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from api.auth import Principal
from api.permissions import STAFF


class Private(Protocol):
    """The users who are private."""

    @property
    def version(self) -> int:
        """Return a number that changes with the set."""

    def __contains__(self, user_id: object) -> bool: ...


@dataclass(frozen=True, slots=True)
class Audience:
    """The reader of an answer: an anonymous one, a user, or staff."""

    private: Private
    viewer: Principal | None = None

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
