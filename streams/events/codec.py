"""Encode events to bytes and decode them. An event class is known once its module in `streams.events` defines it.

Upcasters read an event of an older version, so that all other code sees current data only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from streams.events.base import CATALOGUE, REASON_CHARS_MAX, EventData
from streams.events.envelope import AnyEvent, Event
from streams.wire import EVENT_ENCODER, WireError, convert, decoder

EVENT_BYTES_MAX: Final = 64 * 1024

Reader = Callable[[bytes], AnyEvent]
"""Reads an event of one type and version."""


class UndecodableEventError(ValueError):
    """The bytes are no event that this process reads: bad JSON or envelope, unknown type or version, or wrong data."""


class _Readers(dict[str, Reader]):
    """Readers by CloudEvents type. Each is created at the first event of its type."""

    def __missing__(self, name: str) -> Reader:
        model = CATALOGUE.get(name)
        reader = _upcasting(name) if model is None else _current(model)
        self[name] = reader
        return reader


def _current(model: type[EventData]) -> Reader:
    reader: msgspec.json.Decoder[AnyEvent] = decoder(Event[model])  # type: ignore[valid-type]
    return reader.decode


def _upcasting(name: str) -> Reader:
    """Return the reader of a version that is not the current one.

    Raises:
        UndecodableEventError: when the type is unknown, or the version is newer than the class.
    """
    stem, _, version_text = name.rpartition(".v")
    model = next((model for model in CATALOGUE.values() if model.type_stem == stem), None)
    if model is None or not re.fullmatch(r"[1-9]\d{0,3}", version_text, re.ASCII):
        raise UndecodableEventError(f"no event of a known type: {name!r}"[:REASON_CHARS_MAX])
    version = int(version_text)
    if version > model.version:
        raise UndecodableEventError(
            f"{name} is newer than version {model.version}, the newest that this process reads; "
            "upgrade the process, then replay the dead letter"
        )

    def read(raw: bytes) -> AnyEvent:
        fields = msgspec.json.decode(raw, type=dict[str, Any])
        upcast = {"type": model.type_name, "data": _upcast(model, version, fields.get("data"))}
        event: AnyEvent = convert({**fields, **upcast}, Event[model])  # type: ignore[valid-type]
        return event

    return read


def _upcast(model: type[EventData], version: int, data: Any) -> Any:
    """Turn data of an older version into that of the current one.

    Raises:
        UndecodableEventError: when an upcaster fails on the data.
    """
    try:
        for step in range(version, model.version):
            data = model.upcasters[step](dict(data))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        reason = f"the data of {model.type_stem}.v{version} cannot be upcast: {error!r}"
        raise UndecodableEventError(reason[:REASON_CHARS_MAX]) from error
    return data


_READERS: Final = _Readers()
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


class _Kind(msgspec.Struct):
    """The type of an event; decoding skips the rest."""

    type: str


_KIND: Final = decoder(_Kind)


def encode(event: AnyEvent) -> bytes:
    """Return an event as CloudEvents JSON; absent attributes are left out."""
    return EVENT_ENCODER.encode(event)


def decode(raw: bytes | None) -> AnyEvent:
    """Read an event.

    Raises:
        UndecodableEventError: saying what was wrong.
    """
    if raw is None or len(raw) > EVENT_BYTES_MAX:
        raise UndecodableEventError(f"expected an event of at most {EVENT_BYTES_MAX} bytes")
    try:
        event = _READERS[_KIND.decode(raw).type](raw)
    except (WireError, UnicodeDecodeError) as error:
        raise UndecodableEventError(f"no event: {error}"[:REASON_CHARS_MAX]) from error
    if not _UUID.fullmatch(event.id):
        raise UndecodableEventError(f"expected a UUID as the id of an event, got {event.id!r}")
    return event
