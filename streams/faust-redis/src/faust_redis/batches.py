"""Define batch agents: agents that receive the waiting records of one partition together.

    @batch_agent(app, app.topic("clicks", value_type=Click))
    async def count(batch: Batch[Click]) -> None:
        for click in batch:
            totals[click.key] += 1

A handler uses tables and topics as any agent does. The committer writes all effects of a batch together with the
offsets of its records, or none of them.

When the handler raises, the driver takes back the effects of the batch and delivers its records again, one at a time.
So only a record that fails alone is retried or becomes a dead letter. A handler must keep no state outside of tables.

Each batch has only one record when another agent reads the same topic, or when the app runs on Kafka.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Any, TypeVar

import faust
from faust.types import AgentT, StreamT, TopicT

from faust_redis.driver.delivery.batches import Batch, Needs, Received, is_needed
from faust_redis.driver.delivery.fetch_waits import let_wait
from faust_redis.driver.faust_api.stream import Stream
from faust_redis.driver.limits import COMMIT_US_MAX
from faust_redis.hooks import BatchBegun, BatchFinished, HookList, Hooks, hooks_of

__all__ = ["BATCH_RECORDS_MAX", "Batch", "Handler", "Received", "batch_agent"]

T = TypeVar("T")
Handler = Callable[[Batch[T]], Awaitable[None]]

BATCH_RECORDS_MAX = 500
"""Most records in one batch, unless the agent sets `records_max`."""


def batch_agent(
    app: faust.App,
    topic: TopicT,
    *,
    name: str | None = None,
    records_max: int = BATCH_RECORDS_MAX,
    commit_us_max: int = COMMIT_US_MAX,
    fetch_wait_ms: int = 0,
    needs: Needs | None = None,
    **options: Any,
) -> Callable[[Handler[T]], AgentT[Any]]:
    """Decorate a function as an agent that receives batches of a topic's records.

    Args:
        app: The Faust app.
        topic: The topic to read. It declares the types of keys and values.
        name: The agent's name; None takes the function's name.
        records_max: Most records in one batch.
        commit_us_max: Microseconds for which the commit of a batch may block the server. The driver derives the batch
            size from the cost of earlier batches.
        fetch_wait_ms: How many milliseconds a record may wait for others after the last read that found some. A read
            has a price of its own, so fewer reads save time. Records that come after a longer pause do not wait.
        needs: Returns whether the agent needs a record, by its value as bytes; None when it needs all. The others are
            finished without it, and without being decoded. A record for which it raises goes to the agent.
        options: As for Faust's `app.agent`.

    Raises:
        ValueError: `records_max` is not positive, or the wait is negative.
    """
    if records_max < 1:
        raise ValueError(f"a batch has at least one record, not {records_max}")
    if fetch_wait_ms < 0:
        raise ValueError(f"records wait for 0 ms or longer, not for {fetch_wait_ms}")
    if fetch_wait_ms:
        let_wait(app, topic.topics or (), fetch_wait_ms)

    def make(handle: Handler[T]) -> AgentT[Any]:
        async def agent(stream: StreamT[Any]) -> None:
            work = handle if isinstance(stream, Stream) else partial(_report, hooks_of(app), handle)
            async for batch in _batches(stream, records_max, commit_us_max, needs):
                try:
                    await work(batch)
                    batch.join()
                except Exception as exc:
                    if not batch.split(exc):
                        raise

        agent.__doc__, agent.__module__ = handle.__doc__, handle.__module__
        agent.__name__ = agent.__qualname__ = getattr(handle, "__name__", "agent")
        return app.agent(topic, name=name, **options)(agent)

    return make


async def _report(hooks: HookList, handle: Handler[T], batch: Batch[T]) -> None:
    """Handle a batch on Kafka, and call the hooks that our own driver calls on Redis."""
    if not hooks:
        await handle(batch)
        return
    place = (batch.topic, batch.partition, batch[0].offset, len(batch))
    hooks.call(Hooks.on_batch_begun, BatchBegun(*place))
    began_s, succeeded = monotonic(), False
    try:
        await handle(batch)
        succeeded = True
    finally:
        hooks.call(Hooks.on_batch_finished, BatchFinished(*place, monotonic() - began_s, succeeded))


async def _batches(
    stream: StreamT[Any], records_max: int, commit_us_max: int, needs: Needs | None
) -> AsyncIterator[Batch[Any]]:
    if isinstance(stream, Stream):
        async for batch in stream.batches(records_max, commit_us_max, needs):
            yield batch
    else:
        async for event in stream.events():
            if is_needed(needs, event.message.value):
                yield Batch([Received.of(event)], event.message)
