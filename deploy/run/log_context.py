"""What the lines of a worker are about: its domain, the batch, and for a single record the event and its user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from deploy.run.logs import Context
from streams.handling import BATCH, DOMAIN, HandledBatch
from streams.topology import Topology
from streams.trace_context import span_of

PEOPLE: Final = frozenset({
    "user_id", "actor", "before", "buyer", "challengers", "creator", "defenders", "follower", "member", "members",
    "moderator", "owner", "parent_id", "prizes", "seller", "target",
})  # fmt: skip
"""The fields of events that hold ids of users."""


class WorkerContext:
    """Returns what the running task of a worker handles.

    The driver delivers the records of a failed batch one at a time. So a line about a failure names its event.
    """

    def __init__(self, slot: str, app_id: str) -> None:
        self._slot, self._app_id = slot, app_id

    def __call__(self) -> Context:
        """Return the context of a line."""
        fields: dict[str, str | int] = {"slot": self._slot}
        if domain := DOMAIN.get():
            fields |= {"domain": domain, "group": Topology.group(self._app_id, domain)}
        batch = BATCH.get()
        if batch is None:
            return Context(fields)
        fields |= {"topic": batch.topic, "partition": batch.partition, "offset": batch[0].offset}
        event = _only_event(batch)
        return Context(fields | _ids(event), _user(event), tuple(_people(event)))


def _only_event(batch: HandledBatch) -> Mapping[str, Any]:
    """Return the event of a batch of one record; nothing for a larger batch, or when the record is not an event."""
    values = batch.values
    if len(values) != 1:
        return {}
    try:
        event = orjson.loads(values[0] or b"")
    except orjson.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) and isinstance(event.get("data"), dict) else {}


def _ids(event: Mapping[str, Any]) -> dict[str, str | int]:
    found: dict[str, str | int] = {"event_id": str(event["id"])} if "id" in event else {}
    if trace := span_of(str(event.get("traceparent") or "")).trace_id:
        found["trace_id"] = trace
    return found


def _user(event: Mapping[str, Any]) -> str:
    """Return the user of an event: the `user_id` in its data, else its key. Return "" when the key is no user."""
    data, key = event.get("data", {}), str(event.get("partitionkey", ""))
    return str(data.get("user_id") or ("" if key == data.get("market") else key))


def _people(event: Mapping[str, Any]) -> Iterator[str]:
    for name, value in event.get("data", {}).items():
        if name in PEOPLE:
            yield from _texts(value)


def _texts(value: object) -> Iterator[str]:
    """Return the texts of a field, of whatever type a damaged event gives it: itself, its entries or its keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        yield from (each for each in value if isinstance(each, str))
