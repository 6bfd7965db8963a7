"""The only file of the library that touches private members of Faust, mode and asyncio. A test enforces it.

Each function says which private member it needs, and why nothing public does. Whoever raises the version of Faust reads
this file. Adapters (classes that derive from Faust's) may override what their base declares for that.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, cast

from faust.agents.replies import ReplyPromise
from faust.models.base import Model
from faust.stores.memory import Store as MemoryStore
from faust.streams import _current_event
from faust.types import TP
from mode.supervisors import OneForOneSupervisor

# --- objects that Faust has made already ------------------------------------------------------------------------------


def become(instance: object, cls: type) -> None:
    """Give an object another class, by `__class__`: Faust makes topics, tables and messages without asking for one."""
    instance.__class__ = cls


def use_stream_class(app: Any, cls: type) -> None:
    """Set the class of an app's streams, by `conf._Stream`: to set `conf.Stream` by now warns that it was read."""
    app.conf._Stream = cls


def skip_producer_start(app: Any, started: Callable[[], Awaitable[Any]]) -> Callable[[], None]:
    """Replace `app.maybe_start_producer`, which turns the event loop three times a message; returns how to undo it."""
    app.maybe_start_producer = started
    return lambda: vars(app).pop("maybe_start_producer", None)


def shorten_wait_for_tables(tables: Any, seconds: float) -> None:
    """Shorten the first `sleep` of the table manager: it gives tables a second to be added, and they are there."""

    async def briefly(_seconds: float) -> None:
        del tables.sleep  # only that first one
        await asyncio.sleep(seconds)

    tables.sleep = briefly


# --- delivery ---------------------------------------------------------------------------------------------------------


def channels_of(app: Any, tp: TP) -> Container[Any]:
    """Return the channels that read a partition, by `topics._tp_index`: Faust has no look-up for that."""
    return cast("Container[Any]", app.topics._tp_index.get(tp, ()))


def is_flow_suspended(app: Any) -> bool:
    """Return whether streams are suspended, by `flow_control._suspend`; `is_active` changes a moment later."""
    return bool(app.flow_control._suspend.is_set())


def waiting_items(app: Any) -> Iterator[Any]:
    """Iterate over the items in agents' queues, by `flow_control._queues`, before a rebalance drops them."""
    for queue in app.flow_control._queues:
        yield from list(queue._queue)


class QueueAccess:
    """The inside of one agent's queue, by `_queue`, `_getters`, `_putters` and the like of asyncio's and mode's queues.

    The public methods move one item at a time, most of them by a coroutine.
    """

    __slots__ = ("errors", "items", "putters", "queue", "relieved")

    def __init__(self, queue: Any) -> None:
        self.queue = queue
        self.items: Any = queue._queue
        self.errors: Any = getattr(queue, "_errors", ())
        self.putters: Any = queue._putters
        self.relieved: Any = queue._pending_pressure_drop_callbacks

    def put_all(self, items: Sequence[Any]) -> None:
        """Append items, for which there must be room, and wake as many readers."""
        queue = self.queue
        self.items.extend(items)
        queue._unfinished_tasks += len(items)
        queue._finished.clear()
        for _ in range(min(len(items), len(queue._getters))):
            queue._wakeup_next(queue._getters)

    def after_pop(self) -> None:
        """Wake the tasks that wait for room. Call this after a pop when `relieved` or `putters` is not empty."""
        queue = self.queue
        if self.relieved:
            queue.maybe_endorse_pressure_drop()
        if self.putters:
            queue._wakeup_next(self.putters)


# --- streams and agents -----------------------------------------------------------------------------------------------


set_current_event: Callable[[weakref.ref[Any]], Any] = _current_event.set
"""Set the result of `faust.current_event()` in this task, by `_current_event`. Only Faust's own loop sets it."""


def wrap_agent_errors(agent: Any, wrap: Callable[[Any], Any], supervisor: type) -> None:
    """Put a handler before an agent's own `_on_error`, and replace Faust's default supervisor.

    Faust offers `on_error` when an agent is declared, not afterwards.
    """
    agent._on_error = wrap(agent._on_error)
    if agent._get_supervisor_strategy() is OneForOneSupervisor:
        agent.supervisor_strategy = supervisor


# --- tables -----------------------------------------------------------------------------------------------------------


def table_of_changelog(app: Any, topic: str) -> Any:
    """Return the table with this changelog topic, or None, by `tables._changelogs`."""
    return app.tables._changelogs.get(topic)


def has_changelog_listener(table: Any) -> bool:
    """Return whether an app wants every record of a changelog, by `_on_changelog_event`."""
    return table._on_changelog_event is not None


def store_name(table: Any) -> Any:
    """Return the store that a table was declared with, by `_store`."""
    return table._store


def table_counts(monitor: Any, table: Any) -> Any:
    """Return the counts of a table in Faust's monitor, by `_table_or_create`."""
    return monitor._table_or_create(table)


def hook_table_accesses(
    table: Any,
    on_get: Callable[[Any], None],
    on_set: Callable[[Any], None],
    on_del: Callable[[Any], None],
) -> None:
    """Call functions at each access to a table, before its sensors, by `_sensor_on_get` and similar methods."""
    sensor_get, sensor_set, sensor_del = table._sensor_on_get, table._sensor_on_set, table._sensor_on_del

    def get(which: Any, key: Any) -> None:
        on_get(key)
        sensor_get(which, key)

    def put(which: Any, key: Any, value: Any) -> None:
        on_set(key)
        sensor_set(which, key, value)

    def delete(which: Any, key: Any) -> None:
        on_del(key)
        sensor_del(which, key)

    table._sensor_on_get, table._sensor_on_set, table._sensor_on_del = get, put, delete


def expires(table: Any) -> bool:
    """Return whether a table's windows expire, by `_should_expire_keys`."""
    return bool(table._should_expire_keys())


def replace_expiry(
    table: Any,
    note: Callable[[Any, int], None],
    forget: Callable[[Any, int], None],
    expire: Callable[[], Awaitable[None]],
    restore: Callable[[set[int]], None],
) -> None:
    """Replace how a windowed table expires, by `_maybe_set_key_ttl`, `_maybe_del_key_ttl` and `_del_old_keys`.

    Faust drops expired rows from memory only. `restore` is called with the partitions that recovery has completed.
    """
    table._maybe_set_key_ttl, table._maybe_del_key_ttl, table._del_old_keys = note, forget, expire
    recovered = table.on_recovery_completed

    async def on_recovery_completed(active: set[Any], standby: set[Any]) -> None:
        await recovered(active, standby)
        restore({tp.partition for tp in active})

    table.on_recovery_completed = on_recovery_completed


def note_latest_window(table: Any, partition: int, end_s: float) -> None:
    """Move a partition's clock on, by `_partition_latest_timestamp`, which relative windows read."""
    latest = table._partition_latest_timestamp
    latest[partition] = max(latest[partition], end_s)


def to_key(table: Any, key: Any) -> Any:
    """Return a restored key as the table has it, by `_to_key`."""
    return table._to_key(key)


def memory_keys_of(store: Any, partition: int) -> list[Any]:
    """Return the keys that came from a partition's changelog, by `_key_partition` of Faust's memory store."""
    return [key for key, home in store._key_partition.items() if home == partition and key in store]


def clear_memory(data: Any) -> None:
    """Forget all rows of a table that Faust keeps in memory, by `_storage` and `_key_partition`."""
    for part in (data, getattr(data, "_storage", None)):
        for name in ("data", "_key_partition"):
            rows = getattr(part, name, None)
            if isinstance(rows, dict):
                rows.clear()


def is_memory(store: Any) -> bool:
    """Return whether a store is Faust's memory store."""
    return isinstance(store, MemoryStore)


def leave_standbys_alone(recovery: Any, taken: Callable[[TP], bool]) -> None:
    """Have Faust's recovery not follow the standbys that `taken` says are followed elsewhere."""
    original = recovery.add_standby

    def add_standby(table: Any, tp: TP) -> None:
        if not taken(tp):
            original(table, tp)

    recovery.add_standby = add_standby


# --- codecs and models ------------------------------------------------------------------------------------------------


def codec_name(registry: Any, typ: Any, own: Any, default: Any) -> Any:
    """Return the codec that a registry would use, by `_serializer`."""
    return registry._serializer(typ, own, default)


def field_translator(record: Any) -> Callable[[dict[str, Any]], Any]:
    """Return what renames the fields of a `faust.Record` in place, by `_input_translate_fields`."""
    return cast("Callable[[dict[str, Any]], Any]", record._input_translate_fields)


def is_blessed(fields: Any) -> bool:
    """Return whether JSON names the model it is of, by `Model._blessed_key`."""
    return Model._blessed_key in fields


def reconstruct(fields: Any) -> Any:
    """Return the model that JSON names, by `Model._maybe_reconstruct`."""
    return Model._maybe_reconstruct(fields)


# --- the assignor -----------------------------------------------------------------------------------------------------


def compress(assignor: Any, data: bytes) -> bytes:
    """Compress an assignment as Faust's assignor does, by `_compress`."""
    return cast("bytes", assignor._compress(data))


def url_of(assignor: Any) -> str:
    """Return the URL under which Faust's assignor knows its own worker, by `_url`."""
    return str(assignor._url)


# --- waiting ----------------------------------------------------------------------------------------------------------


def fail_reply(app: Any, correlation_id: str, error: BaseException) -> bool:
    """Fail the callers that wait for a reply, by `_waiting`; return whether there was one. A `map` or `join` waits on.

    Faust has no reply that carries an error.
    """
    waiting = app._reply_consumer._waiting
    promises = list(waiting.get(correlation_id, ()))
    for promise in promises:
        if type(promise) is ReplyPromise and not promise.done():
            promise.set_exception(error)
    return bool(promises)


def tasks_waiting_for(future: asyncio.Future[Any]) -> Iterator[Any]:
    """Iterate over all tasks that wait for a future, directly or through others, by its `_callbacks`.

    asyncio keeps no other record of waiting tasks. The callbacks lead to the tasks that they wake, maybe indirectly:
    `gather`, `wait`, `wait_for`, `shield`, `as_completed`, task groups, other tasks.
    """
    todo: list[Any] = [future]
    seen: set[int] = set()
    while todo:
        found = todo.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, asyncio.Task):
            yield found
        for callback, _ in getattr(found, "_callbacks", None) or ():
            todo += (each for each in _resolved_by(callback) if asyncio.isfuture(each))


def _resolved_by(callback: Any) -> Iterable[Any]:
    """Iterate over what a callback may resolve: a task that it wakes, or futures that it holds."""
    if isinstance(callback, partial):
        yield from (*callback.args, *callback.keywords.values())
        callback = callback.func
    for cell in getattr(callback, "__closure__", None) or ():
        yield cell.cell_contents
        yield from getattr(cell.cell_contents, "_getters", ())  # the queue of `as_completed`
    owner = getattr(callback, "__self__", None)
    yield owner
    if isinstance(owner, asyncio.TaskGroup):
        yield from vars(owner).values()
