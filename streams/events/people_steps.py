"""Steps between two people of the social domain: a request to the other's partition, and the answer.

The domain consumes them itself. `social` has the commands before and the facts after them.
"""

from __future__ import annotations

from typing import ClassVar

from streams.events.base import EventData, Name, UserId
from streams.events.social import ContentId, InteractionKind, Platform


class InteractionRequested(EventData, frozen=True, kw_only=True):
    """A user wants to interact with another, who is the key. The other's partition answers always."""

    domain: ClassVar[str] = "social"

    actor: UserId
    kind: InteractionKind
    content_id: ContentId | None = None
    platform: Platform | None = None


class InteractionDecided(EventData, frozen=True, kw_only=True):
    """The answer to a request. The key is the user who asked.

    `reason` says why the target's partition refused; None when it accepted. `follows_back` says whether the target
    follows the user.
    """

    domain: ClassVar[str] = "social"

    target: UserId
    kind: InteractionKind
    content_id: ContentId | None = None
    platform: Platform | None = None
    reason: Name | None = None
    follows_back: bool = False


class FollowerLost(EventData, frozen=True, kw_only=True):
    """A user follows this one no longer. The key is the user who was followed.

    `asked_again` says that it was an expired follow that was accepted late, and that the user has asked for another.
    """

    domain: ClassVar[str] = "social"

    follower: UserId
    asked_again: bool = False
