"""What happens to an event whose agent raised: its outputs are dropped, it is tried again or becomes a dead letter.

Works for unmodified agents: the driver hooks itself before their own error handlers.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from faust.streams import current_event
from mode import get_logger
from mode.supervisors import OneForOneSupervisor

from faust_redis.dead_letters import DeadLetter, TransientError, home, topic_spec
from faust_redis.driver.batches import BatchMessage
from faust_redis.driver.dependencies import Source
from faust_redis.driver.limits import ATTEMPT_PAUSE_S, ATTEMPTS_MAX, RETRIES_WAITING_MAX
from faust_redis.driver.pending_writes import Output
from faust_redis.driver.restarts import Restarts
from faust_redis.driver.stores import StoreFailedError

if TYPE_CHECKING:
    from faust_redis.driver.consumer import Consumer
    from faust_redis.driver.transport import Transport

logger = get_logger(__name__)

AGENT_NONE = "(none: it could not be decoded)"

ErrorHandler = Callable[[Any, BaseException], Awaitable[None]]


class Failures:
    """Retries and dead letters of one worker."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._attempts: dict[Source, int] = {}
        self._waiting = 0
        self._hooked: set[int] = set()

    async def prepare(self) -> None:
        """Hook into all agents and make sure that the dead-letter topic exists."""
        app = self.transport.app
        for agent in cast("Any", app.agents).values():
            if id(agent) not in self._hooked:
                self._hooked.add(id(agent))
                agent._on_error = self._before(agent._on_error)
                if agent._get_supervisor_strategy() is OneForOneSupervisor:
                    agent.supervisor_strategy = Restarts
        spec = topic_spec(self.transport.dead_letters, app.conf.topic_partitions)
        await self.transport.ensure_topic(
            spec.name, spec.partitions, cleanup=spec.cleanup, retention_ms=spec.retention_ms
        )

    def forget(self) -> None:
        """A new generation counts attempts anew."""
        self._attempts.clear()
        self._waiting = 0

    def watch(self, channel: Any) -> None:
        """Have what a topic's channel cannot decode become a dead letter too; its agents never see it."""

        async def undecodable(exc: Exception, message: Any) -> None:
            await channel.on_decode_error(exc, message)
            if self._counts(message):
                self._drop(message, exc)
                self._dead_letter(message, exc, 1, AGENT_NONE)

        channel.on_key_decode_error = channel.on_value_decode_error = undecodable

    def _before(self, original: ErrorHandler | None) -> ErrorHandler:
        async def on_error(agent: Any, exc: BaseException) -> None:
            event = current_event()
            message = None if event is None or event.message.acked else event.message  # a finished one is not to blame
            if message is not None and isinstance(exc, Exception) and self._counts(message):
                message.acked = True  # its stream would count it as finished while error handlers run
                self._drop(message, exc)
            try:
                if original is not None:
                    await original(agent, exc)
            finally:
                if message is not None and isinstance(exc, Exception) and self._counts(message):
                    self._conclude(message, exc, agent.name)

        return on_error

    def split(self, message: BatchMessage, exc: Exception) -> None:
        """Take back what a batch did that failed; its stream brings its events again, each alone."""
        if self._counts(message):
            count = len(message.received)
            logger.info("%d events of %s from %d failed together: each again alone", count, message.tp, message.offset)
            self._drop(message, exc)
            message.was_split = True
        self._consumer.disown(message)

    def _counts(self, message: Any) -> bool:
        """Whether a copy of an event is this worker's to deal with; otherwise its partition's owner processes it."""
        app = self.transport.app
        return message.tp in self.transport.committer.tracker and message.generation_id == app.consumer_generation_id

    def _drop(self, message: Any, exc: Exception) -> None:
        source = (message.tp, message.offset)
        for dependent in self.transport.committer.drop_event(source, f"the event failed: {exc!r}"):
            logger.info(
                "%s offset %d built on a row of a failed event: processed again", dependent.tp, dependent.offset
            )
            self._consumer.redo(dependent)

    def _conclude(self, message: Any, exc: Exception, agent: str) -> None:
        """Try the event again, or bury it. Its offset moves on only with its dead letter, in one commit."""
        if isinstance(exc, StoreFailedError):
            self._consumer.disown(message)
            self._consumer.add_future(self._consumer.crash(exc))
            return
        source = (message.tp, message.offset)
        attempts = self._attempts.pop(source, 0) + 1
        if isinstance(exc, TransientError) and attempts < ATTEMPTS_MAX and self._waiting < RETRIES_WAITING_MAX:
            self._drop(message, exc)  # what its error handler sent belongs to the attempt that failed
            self._attempts[source] = attempts
            self._retry(message, attempts)
        else:
            self._dead_letter(message, exc, attempts, agent)

    @property
    def _consumer(self) -> Consumer:
        return cast("Consumer", self.transport.app.consumer)

    def _retry(self, message: Any, attempts: int) -> None:
        pause_s = ATTEMPT_PAUSE_S * 2 ** (attempts - 1)
        logger.warning(
            "%s offset %d failed, attempt %d; again in %.1f s", message.tp, message.offset, attempts, pause_s
        )
        self.transport.committer.dependencies.forget((message.tp, message.offset))
        self._waiting += 1
        self._consumer.redo(message, pause_s).add_done_callback(self._waited)

    def _waited(self, _: Any) -> None:
        self._waiting = max(0, self._waiting - 1)

    def _dead_letter(self, message: Any, exc: Exception, attempts: int, agent: str) -> None:
        letter = DeadLetter(
            group=self.transport.group,
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
        self.transport.committer.pending.add(
            Output(
                topic=self.transport.dead_letters,
                partition=home(message.partition, self.transport.app.conf.topic_partitions),
                key=letter.id.encode(),
                value=letter.encode(),
                timestamp_ms=letter.timestamp_ms,
                headers=(),
                source=(message.tp, message.offset),
                settle=None,
            )
        )
        self._consumer.finish(message)
