"""JSON Schemas of events, and the check that a new schema reads data of an old one. Pure functions.

`streams/events/schemas/` holds the schema of each version of each event. `python -m tests.event_schemas` writes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from streams.events.base import EventData
from streams.times import Instant
from streams.units import FixedPoint

Schema = dict[str, Any]

_IGNORED: Final = frozenset({"default"})
"""Keywords that may change. A default applies to data without the field, and such data stays readable."""


def schema_of(model: type[EventData]) -> Schema:
    """Return the JSON Schema of an event's data, without its docstring."""
    schema = msgspec.json.schema(model, schema_hook=_text)
    definition: Schema = schema["$defs"][model.__name__]
    return {"$id": model.type_name, **{name: value for name, value in definition.items() if name != "description"}}


def _text(kind: type) -> Schema:
    if issubclass(kind, FixedPoint):
        return {"type": "string", "pattern": kind.pattern}
    if issubclass(kind, Instant):
        return {"type": "string", "format": "date-time"}
    raise NotImplementedError(f"no JSON Schema is known for {kind.__name__}")


def incompatibilities(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield each change that makes the new schema misread old data, or an old reader misread new data."""
    before, after = old["properties"], new["properties"]
    for name, declared in before.items():
        if name not in after:
            yield f"the field {name} was removed"
        elif not _reads(declared, after[name]):
            yield f"the type of the field {name} was changed"
    for name in new.get("required", ()):
        if name not in before:
            yield f"the field {name} is new and required"
        elif name not in old.get("required", ()):
            yield f"the field {name} is required now"


def _reads(old: Any, new: Any) -> bool:
    """Return whether the new declaration allows everything that the old one allows. Bounds must be equal."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if set(old.get("enum", ())) - set(new.get("enum", ())):
            return False
        if "anyOf" in new and "anyOf" not in old:
            return any(_reads(old, one) for one in new["anyOf"])
        names = (old.keys() | new.keys()) - _IGNORED - {"enum"}
        return ("enum" in old) == ("enum" in new) and all(_reads(old.get(name), new.get(name)) for name in names)
    return bool(old == new)
