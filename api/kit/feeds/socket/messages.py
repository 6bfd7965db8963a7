"""The messages of the socket, each one JSON object with a `type`. `docs/feeds.md` lists them from these classes."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from api.kit.feeds.resume_ids import ID_CHARS_MAX

FEED_PATTERN: Final = r"^[a-z][a-z-]{0,63}$"
SUBSCRIPTION_CHARS_MAX: Final = 64
TOKEN_CHARS_MAX: Final = 8_192
MESSAGE_BYTES_MAX: Final = 128 * 1024
"""Largest message of a client: a last event id of the longest kind fits."""

SubscriptionId = Annotated[str, Meta(min_length=1, max_length=SUBSCRIPTION_CHARS_MAX)]
QueryValue = str | int | bool | list[str]


class Message(msgspec.Struct, tag_field="type", tag=str.lower, frozen=True, forbid_unknown_fields=True):
    """A message of either side."""


# --- from the client --------------------------------------------------------------------------------------------------


class Authenticate(Message, frozen=True):
    """Say who the client is. Send it again with a newer token before the old one expires."""

    token: Annotated[str, Meta(min_length=1, max_length=TOKEN_CHARS_MAX)]


class Subscribe(Message, frozen=True):
    """Follow a feed: its name and query parameters as in `GET /v1/feed/<feed>`; `last_event_id` resumes."""

    subscription: SubscriptionId
    feed: Annotated[str, Meta(pattern=FEED_PATTERN)]
    query: dict[str, QueryValue] = {}
    last_event_id: Annotated[str, Meta(max_length=ID_CHARS_MAX)] | None = None


class Unsubscribe(Message, frozen=True):
    """End a subscription. `ended` confirms it, after events that were on their way."""

    subscription: SubscriptionId


# --- from the server --------------------------------------------------------------------------------------------------


class Authenticated(Message, frozen=True, omit_defaults=True):
    """The token is valid; private feeds can be subscribed to until `expires_at`."""

    subject: str
    role: str
    expires_at: str | None = None


class Expiring(Message, frozen=True):
    """The token expires at `expires_at`: authenticate again with a newer one, or private subscriptions end."""

    expires_at: str


class Subscribed(Message, frozen=True):
    """The feed is open; its events follow, as `event` messages."""

    subscription: str


class Event(Message, frozen=True):
    """An event of a feed, as in server-sent events. An `id` of null makes the client forget the last one."""

    subscription: str
    event: str
    data: dict[str, Any]
    id: str | None = None


class Ended(Message, frozen=True):
    """The subscription ended: `unsubscribed`, `expired`, `revoked`, `changed`, `slow`, `stopping`, or `failed`."""

    subscription: str
    why: str


class Problem(Message, frozen=True, omit_defaults=True):
    """A message was refused, for the reason in the problem document; a refused subscription does not exist."""

    problem: dict[str, Any]
    subscription: str | None = None
    retry_after_s: int | None = None


Request = Authenticate | Subscribe | Unsubscribe
Answer = Authenticated | Expiring | Subscribed | Event | Ended | Problem

_decoder: Final[msgspec.json.Decoder[Request]] = msgspec.json.Decoder(Request)
_encoder: Final = msgspec.json.Encoder()


def decode(text: str) -> Request:
    """Return a client's message.

    Raises:
        msgspec.MsgspecError: when it is not one; the error says what is wrong.
    """
    return _decoder.decode(text)


def encode(message: Answer) -> str:
    """Return a message as text."""
    return _encoder.encode(message).decode()


def event_prefix(subscription: str) -> str:
    """Return the beginning of all `event` messages of a subscription; the members of the event follow, and a brace."""
    return f'{{"type":"event","subscription":{_encoder.encode(subscription).decode()},'
