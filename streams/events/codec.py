"""Events to bytes and back. An event class is known as soon as its module in `streams.events` defines it."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from streams.events.base import CATALOGUE, REASON_CHARS_MAX
from streams.events.envelope import AnyEvent, Event
from streams.wire import EVENT_ENCODER, WireError, decoder

EVENT_BYTES_MAX: Final = 64 * 1024


class _Decoders(dict[str, msgspec.json.Decoder[AnyEvent]]):
    """Decoders by CloudEvents type, each made at the first event of its type."""

    def __missing__(self, name: str) -> msgspec.json.Decoder[AnyEvent]:
        model = CATALOGUE[name]
        made: msgspec.json.Decoder[AnyEvent] = decoder(Event[model])  # type: ignore[valid-type]
        self[name] = made
        return made


_DECODERS: Final = _Decoders()
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


class _Kind(msgspec.Struct):
    """Of an event, its type alone."""

    type: str


_KIND: Final = decoder(_Kind)


class UndecodableEventError(ValueError):
    """The bytes are not an event that is known here: no JSON, no envelope, an unknown type, or wrong data."""


def encode(event: AnyEvent) -> bytes:
    """CloudEvents JSON; absent attributes are left out."""
    return EVENT_ENCODER.encode(event)


def decode(raw: bytes | None) -> AnyEvent:
    """Read an event.

    Raises:
        UndecodableEventError: saying what was wrong.
    """
    if raw is None or len(raw) > EVENT_BYTES_MAX:
        raise UndecodableEventError(f"expected an event of at most {EVENT_BYTES_MAX} bytes")
    try:
        event: AnyEvent = _DECODERS[_KIND.decode(raw).type].decode(raw)
    except KeyError as error:
        raise UndecodableEventError(f"no event of a known type: {error}"[:REASON_CHARS_MAX]) from error
    except (WireError, UnicodeDecodeError) as error:
        raise UndecodableEventError(f"no event: {error}"[:REASON_CHARS_MAX]) from error
    if not _UUID.fullmatch(event.id):
        raise UndecodableEventError(f"expected a UUID as the id of an event, got {event.id!r}")
    return event
