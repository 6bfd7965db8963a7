"""What became of a user's commands to the user domain: a feed of the caller's events."""

from __future__ import annotations

from typing import Final

from api.kit.own_events import OwnEvents
from streams.events.user import PreferencesChanged, UserCommandRejected

MY_ACCOUNT: Final = OwnEvents(
    "my-account",
    (PreferencesChanged, UserCommandRejected),
    title="Your preferences and rejections",
    doc="Follow the caller's changes of preferences, and the rejections of these and of notifications, each once.",
)
