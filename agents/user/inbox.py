"""A user's preferences and inbox: keep the latest notifications, and note which of them the user has read."""

from __future__ import annotations

from msgspec.structs import replace

from streams.events import AnyEvent, Event
from streams.events.notifications import Notified
from streams.events.user import ChangePreferences, PreferencesChanged, ReadNotifications, UserCommandRejected
from tables.keys import SEPARATOR
from tables.unit_of_work import UnitOfWork
from tables.user import (
    USER_INBOX,
    USER_NOTIFICATIONS,
    USER_PREFERENCES,
    Inbox,
    Notification,
    Preferences,
    notification_key,
)


class Inboxes:
    """The inboxes and preferences of the users of a partition."""

    def __init__(self, tables: UnitOfWork) -> None:
        self.preferences = tables.rows(USER_PREFERENCES)
        self.inboxes = tables.rows(USER_INBOX)
        self.notifications = tables.rows(USER_NOTIFICATIONS)

    def prefer(self, event: Event[ChangePreferences]) -> list[AnyEvent]:
        """Set a user's preferences. What the inbox holds already stays."""
        language, muted = event.data.language, tuple(sorted(set(event.data.muted)))
        row = Preferences(language=language, muted=muted, changed_at=int(event.time))
        self.preferences.put(event.partitionkey, row)
        return [event.then(PreferencesChanged(language=language, muted=muted))]

    def keep(self, event: Event[Notified]) -> None:
        """Put a notification into the inbox, in the place of the oldest one, unless its kind is muted."""
        user_id, said = event.partitionkey, event.data
        if said.kind in (self.preferences.get(user_id) or Preferences()).muted:
            return
        inbox = self.inboxes.get(user_id) or Inbox()
        number = inbox.received + 1
        key = notification_key(user_id, number)
        oldest = self.notifications.get(key)
        row = Notification(
            number=number,
            notification_id=event.id,
            kind=said.kind,
            text=said.text,
            arguments=said.arguments,
            cause_id=said.cause_id,
            at=int(event.time),
        )
        self.notifications.put(key, row)
        lost = oldest is not None and not oldest.read
        self.inboxes.put(user_id, Inbox(received=number, unread=inbox.unread + 1 - lost))

    def read(self, event: Event[ReadNotifications]) -> list[AnyEvent]:
        """Mark notifications as read: those that are named, or all. Each unknown one is rejected by an event."""
        user_id, wanted = event.partitionkey, dict.fromkeys(event.data.notification_ids)
        kept = self.notifications.prefix(f"{user_id}{SEPARATOR}")
        read = [(key, row) for key, row in kept if not row.read and (not wanted or row.notification_id in wanted)]
        for key, row in read:
            self.notifications.put(key, replace(row, read=True))
        if read:
            inbox = self.inboxes.get(user_id) or Inbox()
            self.inboxes.put(user_id, replace(inbox, unread=inbox.unread - len(read)))
        known = {row.notification_id for _, row in kept}
        return [event.then(refused(event, "unknown_notification", one), name=one) for one in wanted if one not in known]

    def remove(self, user_id: str) -> None:
        """Delete the rows of a user whose account was closed."""
        for key, _ in self.notifications.prefix(f"{user_id}{SEPARATOR}"):
            self.notifications.delete(key)
        self.inboxes.delete(user_id)
        self.preferences.delete(user_id)


def refused(event: AnyEvent, reason: str, subject_id: str = "") -> UserCommandRejected:
    """Return the rejection of a command."""
    return UserCommandRejected(command=type(event.data).__name__, reason=reason, subject_id=subject_id)
