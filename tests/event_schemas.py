"""The committed JSON Schemas of events: `python -m tests.event_schemas` writes the schema of each current version.

The command replaces an existing schema only when the new one reads everything that the old one allowed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from streams.events import CATALOGUE, schema
from streams.events.base import EventData

DIRECTORY = Path(schema.__file__).with_name("schemas")
ADVICE = (
    "raise `version` of the class, add an upcaster from the version before, and run python -m tests.event_schemas "
    "(docs/events.md)"
)


def path_of(type_name: str, directory: Path = DIRECTORY) -> Path:
    return directory / f"{type_name}.json"


def text_of(model: type[EventData]) -> str:
    return json.dumps(schema.schema_of(model), indent=2, sort_keys=True) + "\n"


def problems(model: type[EventData], directory: Path = DIRECTORY) -> Iterator[str]:
    """Yield each incompatibility between the committed schema of a version and its class."""
    path = path_of(model.type_name, directory)
    if not path.is_file():
        yield f"{model.type_name} has no committed schema: run python -m tests.event_schemas"
        return
    committed = json.loads(path.read_text())
    found = list(schema.incompatibilities(committed, schema.schema_of(model)))
    yield from (f"{model.type_name}: {change}; {ADVICE}" for change in found)
    if not found and path.read_text() != text_of(model):
        yield f"{model.type_name} differs from its committed schema, compatibly: run python -m tests.event_schemas"


def write(directory: Path = DIRECTORY) -> list[str]:
    """Write the schemas that are missing or have changed compatibly; return the problems that remain."""
    for model in CATALOGUE.values():
        path = path_of(model.type_name, directory)
        committed = json.loads(path.read_text()) if path.is_file() else None
        if committed is None or not list(schema.incompatibilities(committed, schema.schema_of(model))):
            path.write_text(text_of(model))
    return [problem for model in CATALOGUE.values() for problem in problems(model, directory)]


if __name__ == "__main__":
    remaining = write()
    print("\n".join(remaining) or f"{len(CATALOGUE)} schemas are current")  # noqa: T201
    sys.exit(bool(remaining))
