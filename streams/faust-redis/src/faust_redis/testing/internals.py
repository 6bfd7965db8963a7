"""Touch private members of Faust and mode; no other module of the testing kit does. Each function says why."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any, NamedTuple, Protocol
from weakref import WeakSet, WeakValueDictionary

import faust
import faust.utils.cron
import mode.timers
from faust.assignor.client_assignment import ClientMetadata
from faust.tables.objects import ChangeloggedObjectManager
from faust.types import TP
from mode import Service
from mode.utils.locks import Event

from faust_redis.driver.state import windows

Place = tuple[dict[str, Any], str, Any]
_COPIED = (dict, list, set, deque)
_EMPTY_AGAIN = (WeakSet, WeakValueDictionary)
_EVENTS = (asyncio.Event, Event)


class Clock(Protocol):
    """Provide the clocks of a virtual world."""

    def time(self) -> float:
        """Return the wall clock's time."""

    def monotonic(self) -> float:
        """Return the monotonic clock's time."""

    def window_monotonic(self) -> float:
        """Return the time of the clock that advances windows."""


def clock_places(clock: Clock) -> list[Place]:
    """Return the clocks that Faust and mode do not look up by name: defaults of arguments, and windows.

    `datetime.now` cannot be replaced in place, so Faust's crontab gets another class.
    """

    class VirtualDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(clock.time(), tz)

    timers: Any = mode.timers.Timer.__init__.__kwdefaults__
    itertimer: Any = Service.itertimer.__kwdefaults__
    return [
        (timers, "clock", clock.monotonic),
        (itertimer, "clock", clock.monotonic),
        (vars(faust.utils.cron), "datetime", VirtualDatetime),
        (vars(windows), "monotonic", clock.window_monotonic),
    ]


def has_started(app: faust.App) -> bool:
    """Return whether an app was started before, by a worker or by a test driver that is still open."""
    return app.started or app.crashed


class Snapshot:
    """Keep an app as it was declared, so that it can run again. Faust's apps run once in a process.

    Faust creates the consumer, the producer, streams, recovery and stores while an app runs, and keeps them in
    attributes of the app, its agents, tables and topics. Restoring these attributes forgets that it ran.
    """

    def __init__(self, app: faust.App) -> None:
        self._kept = [
            (each, type(each), {name: _copy(value) for name, value in vars(each).items()}) for each in _declared(app)
        ]

    def restore(self) -> None:
        """Restore the attributes. Events are replaced, because the old ones belong to a closed event loop."""
        for each, kind, attributes in self._kept:
            each.__class__ = kind  # the driver's fast path changes it
            vars(each).clear()
            vars(each).update({name: _again(value) for name, value in attributes.items()})


def _declared(app: faust.App) -> Iterator[Any]:
    tables: Any = app.tables
    agents: Any = app.agents
    yield from (app, agents, tables, app.sensors, app.boot_strategy, app._attachments)
    if app._monitor is not None:
        yield app._monitor
    for agent in agents.values():
        yield agent
        if agent._channel is not None:
            yield agent._channel
    for table in tables.values():
        yield table
        if table._changelog_topic is not None:
            yield table._changelog_topic


class _Flag(NamedTuple):
    """Hold the type of an event, and whether it was set."""

    kind: type[Any]
    was_set: bool


def _copy(value: Any) -> Any:
    if isinstance(value, _EVENTS):
        return _Flag(type(value), value.is_set())
    return value.copy() if isinstance(value, _COPIED) else value


def _again(value: Any) -> Any:
    if isinstance(value, _Flag):
        event = value.kind()
        if value.was_set:
            event.set()
        return event
    return type(value)() if isinstance(value, _EMPTY_AGAIN) else value


def adopt(app: faust.App, loop: asyncio.AbstractEventLoop) -> None:
    """Move all services of an app to a loop. They may have found another loop when they were declared."""
    for each in _declared(app):
        if isinstance(each, Service):
            each.loop = loop
    app._create_directories = lambda: None  # type: ignore[method-assign]
    vars(app).pop("topics", None)  # a conductor of the transport that the app would have on its own


def topics_of(app: faust.App) -> Iterable[Any]:
    """Return the topic objects that the code of an app's agents, tables and tasks refers to."""
    tables: Any = app.tables
    for table in tables.values():
        yield table.changelog_topic
    agents: Any = app.agents
    for agent in agents.values():
        yield agent.channel
        yield from agent._sinks
        yield from _referred(agent.fun)
    for task in app._app_tasks:
        yield from _referred(task)


def _referred(function: Any) -> Iterator[Any]:
    """Follow a function's globals and closure, since Faust keeps no list of the topics that an app sends to."""
    seen: set[int] = set()
    todo = [function]
    while todo:
        found = todo.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        cells = [cell.cell_contents for cell in getattr(found, "__closure__", None) or () if _is_filled(cell)]
        yield from cells
        todo += [each for each in cells if callable(each) and hasattr(each, "__closure__")]
        yield from getattr(found, "__globals__", {}).values()
        todo += [each for each in (getattr(found, "__wrapped__", None),) if each is not None]


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - it raises when the cell is empty
    except ValueError:
        return False
    return True


def fold_sets(table: Any, operations: Iterable[Any]) -> dict[Any, set[Any]]:
    """Return a Set table's rows. Its changelog holds operations on sets, which Faust's own set applies."""
    manager = table.data
    sets: dict[Any, Any] = {}
    for record in operations:
        operation, key = record.key
        found = sets.setdefault(row_key(table, key), manager.ValueType(manager, key))
        found.apply_changelog_event(operation, record.value)
    return {key: set(found.data) for key, found in sets.items() if found.data}


def row_key(table: Any, key: Any) -> Any:
    """Return a table row's key as agents know it: Faust stores the window of a windowed table in the key."""
    return table._to_key(key)


def row_value(table: Any, value: Any) -> Any:
    """Return a table row's value as agents know it."""
    return table._to_value(value)


def is_set_table(table: Any) -> bool:
    """Return whether a table holds sets."""
    return isinstance(table.data, ChangeloggedObjectManager)


def plain_tables(app: faust.App) -> list[Any]:
    """Return the tables whose changelog records are their rows, and that one worker writes for each partition.

    The changelog of a Set table holds operations on sets. Every worker has all partitions of a global table. A table
    that uses the partitioner spreads the rows of one partition's events over all partitions.
    """
    tables: Any = app.tables
    return [t for t in tables.values() if not (is_set_table(t) or t.is_global or t.use_partitioner)]


def active_partitions(app: faust.App, assigned: Any) -> frozenset[TP]:
    """Return the partitions that an assignment gives to a member, without standby copies.

    Only Faust's own user data tells the two apart.
    """
    assignor: Any = app.assignor
    found: Any = ClientMetadata.loads(assignor._decompress(assigned.user_data))
    return frozenset(found.assignment.active_tps)


def windowed_tables(app: faust.App) -> list[Any]:
    """Return the tables whose windows expire."""
    tables: Any = app.tables
    return [table for table in tables.values() if table._should_expire_keys()]


async def close_windows(table: Any) -> None:
    """Close the expired windows now. Faust closes them at an interval of wall-clock time."""
    await table._del_old_keys()


def hurry(app: faust.App, *, lease_s: float, rebalance_s: float) -> None:
    """Shorten an app's timeouts, so that a seed needs virtual seconds where real workers need minutes.

    Faust warns when a setting changes after another one was read, so this writes the private attribute.
    """
    conf: Any = app.conf
    conf._broker_session_timeout = lease_s
    conf._broker_heartbeat_interval = lease_s / 3.5
    conf._broker_rebalance_timeout = rebalance_s
