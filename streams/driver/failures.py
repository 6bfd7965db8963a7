"""What happens to an event whose agent raised: its outputs are dropped, it is tried again or becomes a dead letter.

Works for unmodified agents: the driver hooks itself before their own error handlers.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from faust.streams import current_event
from faust.types import TP, EventT
from mode import get_logger

from streams.dead_letters import DeadLetter, TransientError, home, topic_spec
from streams.driver.limits import ATTEMPT_PAUSE_S, ATTEMPTS_MAX
from streams.driver.outbox import Output

if TYPE_CHECKING:
    from streams.driver.consumer import Consumer
    from streams.driver.transport import Transport

logger = get_logger(__name__)

ErrorHandler = Callable[[Any, BaseException], Awaitable[None]]


class Failures:
    """Retries and dead letters of one worker."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._attempts: dict[tuple[TP, int], int] = {}
        self._hooked: set[int] = set()

    async def prepare(self) -> None:
        """Hook into all agents and make sure that the dead-letter topic exists."""
        app = self.transport.app
        for agent in cast("Any", app.agents).values():
            if id(agent) not in self._hooked:
                self._hooked.add(id(agent))
                agent._on_error = self._before(agent._on_error)
        spec = topic_spec(self.transport.dead_letters, app.conf.topic_partitions)
        await self.transport.ensure_topic(
            spec.name, spec.partitions, cleanup=spec.cleanup, retention_ms=spec.retention_ms
        )

    def forget(self) -> None:
        """A new generation counts attempts anew."""
        self._attempts.clear()

    def _before(self, original: ErrorHandler | None) -> ErrorHandler:
        async def on_error(agent: Any, exc: BaseException) -> None:
            event = current_event()
            if event is not None and isinstance(exc, Exception):
                self.failed(event, exc, agent=agent.name)
            if original is not None:
                await original(agent, exc)

        return on_error

    def failed(self, event: EventT[Any], exc: Exception, *, agent: str) -> None:
        """Deal with an event whose processing raised. Its offset moves on only with its dead letter, in one commit."""
        message = event.message
        source = (message.tp, message.offset)
        if message.tp not in self.transport.committer.watermarks:
            return
        if message.generation_id != self.transport.app.consumer_generation_id:
            return  # processed again by whoever owns the partition now
        self.transport.committer.drop_event(source, f"the event failed: {exc!r}")
        attempts = self._attempts.get(source, 0) + 1
        if isinstance(exc, TransientError) and attempts < ATTEMPTS_MAX:
            self._attempts[source] = attempts
            self._retry(message, attempts)
        else:
            self._attempts.pop(source, None)
            self._bury(message, exc, attempts, agent)

    def _retry(self, message: Any, attempts: int) -> None:
        pause_s = ATTEMPT_PAUSE_S * 2 ** (attempts - 1)
        logger.warning(
            "%s offset %d failed, attempt %d; again in %.1f s", message.tp, message.offset, attempts, pause_s
        )
        message.acked = True  # this copy is done with; the next attempt is another message of the same offset
        consumer = cast("Consumer", self.transport.app.consumer)
        consumer.add_future(consumer.deliver_again(message, pause_s))

    def _bury(self, message: Any, exc: Exception, attempts: int, agent: str) -> None:
        letter = DeadLetter(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            key=message.key,
            value=message.value,
            timestamp_ms=int(message.timestamp * 1000),
            headers=tuple(message.headers or ()),
            error="".join(traceback.format_exception(exc)[-8:]),
            attempts=attempts,
            agent=agent,
        )
        logger.error(
            "%s offset %d cannot be processed: %r; it is dead letter %s", message.tp, message.offset, exc, letter.id
        )
        self.transport.committer.outbox.add(
            Output(
                topic=self.transport.dead_letters,
                partition=home(message.partition, self.transport.app.conf.topic_partitions),
                key=letter.id.encode(),
                value=letter.encode(),
                timestamp_ms=letter.timestamp_ms,
                headers=(),
                source=(message.tp, message.offset),
                settle=lambda offset, error: None,
            )
        )
