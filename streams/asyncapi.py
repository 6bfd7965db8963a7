"""The AsyncAPI 3 document of a topology: channels, operations of each domain, and the messages with their schemas.

Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec

from streams.events.base import EventData
from streams.events.envelope import Event
from streams.times import Instant
from streams.topology import Domain, Topology
from streams.units import FixedPoint

VERSION: Final = "3.0.0"
CONTENT_TYPE: Final = "application/cloudevents+json"
REF_TEMPLATE: Final = "#/components/schemas/{name}"

Models = Collection[type[EventData]]
Document = dict[str, Any]


def asyncapi(topology: Topology, models: Models, *, title: str, version: str, app_id: str) -> Document:
    """Return the document, ready for JSON.

    Args:
        topology: The domains.
        models: The event classes; those on no topic of the topology are left out.
        title: Title of the document.
        version: Version of the API that it describes.
        app_id: Prefix of the consumer groups.
    """
    carried = {topic: models_on(topology, topic, models) for topic in topology.topics}
    used = {model.type_name: model for found in carried.values() for model in found}
    payloads, schemas = msgspec.json.schema_components(
        [Event[model] for model in used.values()],  # type: ignore[valid-type]
        schema_hook=_schema_of,
        ref_template=REF_TEMPLATE,
    )
    return {
        "asyncapi": VERSION,
        "info": {"title": title, "version": version, "description": "Commands, prices and events, as CloudEvents 1.0."},
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic: _channel(topology, topic, found) for topic, found in carried.items()},
        "operations": dict(_operations(topology, app_id)),
        "components": {
            "messages": {name: _message(used[name], payload) for name, payload in zip(used, payloads, strict=True)},
            "schemas": schemas,
        },
    }


def models_on(topology: Topology, topic: str, models: Models) -> list[type[EventData]]:
    """Return the event classes that travel on a topic; on a broadcast topic those of the topics that it copies."""
    copied = {
        source
        for domain in topology.producers(topic)
        if topic in domain.broadcasts
        for source in domain.produces[topic]
    }
    return [model for model in models if model.topic in (copied or {topic})]


def _schema_of(kind: type) -> dict[str, Any]:
    if issubclass(kind, FixedPoint):
        return {"type": "string", "pattern": kind.pattern, "description": "A decimal number as text."}
    if issubclass(kind, Instant):
        return {"type": "string", "format": "date-time", "description": "An instant in UTC, to the microsecond."}
    raise NotImplementedError(f"no JSON Schema is known for {kind.__name__}")


def _channel(topology: Topology, topic: str, models: Models) -> Document:
    copies = " Each partition holds a copy of every event." if topic in topology.broadcasts else ""
    return {
        "address": topic,
        "description": f"A partitioned topic, keyed by `partitionkey`.{copies}",
        "messages": {model.type_name: {"$ref": f"#/components/messages/{model.type_name}"} for model in models},
    }


def _operations(topology: Topology, app_id: str) -> Iterator[tuple[str, Document]]:
    for topic in topology.client_topics:
        yield f"clients.send.{topic}", _operation("send", topic, "The API appends what clients send.")
    for topic, sources in topology.sources.items():
        for source in sources:
            yield f"{source}.send.{topic}", _operation("send", topic, f"The {source} appends to it.")
    for domain in topology.domains:
        yield from _operations_of(domain, topology.group(app_id, domain.name))


def _operations_of(domain: Domain, group: str) -> Iterator[tuple[str, Document]]:
    for topic in domain.consumes:
        yield (
            f"{domain.name}.receive.{topic}",
            _operation("receive", topic, f"The {domain.name} domain consumes it as group {group}."),
        )
    for topic, causes in domain.produces.items():
        yield (
            f"{domain.name}.send.{topic}",
            _operation("send", topic, f"The {domain.name} domain produces it from {', '.join(causes)}."),
        )


def _operation(action: str, topic: str, summary: str) -> Document:
    return {"action": action, "channel": {"$ref": f"#/channels/{topic}"}, "summary": summary}


def _message(model: type[EventData], payload: Document) -> Document:
    return {
        "name": model.type_name,
        "title": model.__name__,
        "summary": (model.__doc__ or "").strip().partition("\n")[0],
        "contentType": CONTENT_TYPE,
        "payload": payload,
    }
