"""Notify a user of a fact. Each kind has its text's key; events hold no prose."""

from __future__ import annotations

from streams.events import AnyEvent
from streams.events.notifications import NotificationKind, Notified


def notice(
    cause: AnyEvent, kind: NotificationKind, text: str = "", *, user_id: str = "", id_name: str = "", **arguments: str
) -> AnyEvent:
    """Return the notification of a fact, or of a tick.

    Args:
        cause: The event that the user should see, or the tick at which something is due.
        kind: The kind, which users can mute.
        text: The key of the text; by default the kind.
        user_id: The user; by default the key of the cause.
        id_name: Tells the notifications of one cause apart; by default the kind. Needed where a cause has several.
        arguments: What fills the gaps of the text.
    """
    said = Notified(kind=kind, text=text or kind, arguments=arguments, cause_id=cause.id)
    return cause.then(said, name=id_name or kind, key=user_id)
