"""What follows from a social command that the rules refuse."""

from __future__ import annotations

from streams.events import AnyEvent, EventData
from streams.events.social import SocialCommandRejected
from streams.times import Instant
from tables.social_people import Person


def rejected(
    event: AnyEvent,
    command: type[EventData],
    reason: str,
    subject_id: str = "",
    *,
    user_id: str = "",
    free_at: int | None = None,
) -> AnyEvent:
    """Return the event that says that a command changed nothing, and why.

    Args:
        event: The command, or a later step of it in another partition.
        command: The type of the command.
        reason: Why nothing changed.
        subject_id: What the command was about.
        user_id: Who sent the command; needed where the event's key is another.
        free_at: When a limit admits the command again, in microseconds.
    """
    data = SocialCommandRejected(
        command=command.__name__,
        reason=reason,
        subject_id=subject_id,
        free_at=None if free_at is None else Instant(free_at),
    )
    return event.then(data, name=command.__name__, key=user_id)


def barred(person: Person) -> str | None:
    """Return why a person may do nothing; None when the person may."""
    if person.closed:
        return "account_closed"
    return "account_suspended" if person.suspended else None
