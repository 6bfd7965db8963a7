"""Tell a user of a fact: the notification that follows from it. Each kind has its text's key; events hold no prose."""

from __future__ import annotations

from streams.events import AnyEvent
from streams.events.notifications import NotificationKind, Notified


def notice(fact: AnyEvent, kind: NotificationKind, text: str, *, user_id: str = "", **arguments: str) -> AnyEvent:
    """Return the notification of a fact.

    Args:
        fact: The event that the user should see.
        kind: The kind, which users can mute.
        text: The key of the text.
        user_id: The user; by default the key of the fact.
        arguments: What fills the gaps of the text.
    """
    said = Notified(kind=kind, text=text, arguments=arguments, cause_id=fact.id)
    return fact.then(said, name=kind, key=user_id)


def notice_at(
    tick: AnyEvent, kind: NotificationKind, text: str, user_id: str, *, name: str, arguments: dict[str, str]
) -> AnyEvent:
    """Return a notification that a tick of the clock causes.

    Args:
        tick: The tick, which causes notifications of many users.
        kind: The kind, which users can mute.
        text: The key of the text.
        user_id: The user.
        name: Tells the user's notifications of this kind and tick apart.
        arguments: What fills the gaps of the text.
    """
    said = Notified(kind=kind, text=text, arguments=arguments, cause_id=tick.id)
    return tick.then(said, name=f"{kind}|{user_id}|{name}", key=user_id)
