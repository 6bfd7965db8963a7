"""Handle an event whose agent raised an error: drop its outputs, then retry it or make it a dead letter.

This works for unmodified agents, because the driver wraps their own error handlers.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from faust.streams import current_event

from faust_redis.dead_letters import DeadLetter, TransientError, home, topic_spec
from faust_redis.driver import faust_internals as internals
from faust_redis.driver.commit.committer import Committer
from faust_redis.driver.commit.outputs import Output
from faust_redis.driver.delivery.batches import BatchMessage
from faust_redis.driver.delivery.flow import Flow
from faust_redis.driver.delivery.in_flight import InFlight
from faust_redis.driver.delivery.turns import Turns
from faust_redis.driver.failures.redelivery import Redelivery
from faust_redis.driver.failures.restarts import Restarts
from faust_redis.driver.limits import ATTEMPT_PAUSE_S, ATTEMPTS_MAX, RETRIES_WAITING_MAX
from faust_redis.driver.source import Source
from faust_redis.driver.state.stores import StoreFailedError
from faust_redis.hooks import DeadLettered, HookList, Hooks, Retried
from faust_redis.log import TopicInfo

logger = logging.getLogger(__name__)

AGENT_NONE = "(none: it could not be decoded)"

ErrorHandler = Callable[[Any, BaseException], Awaitable[None]]


class Topics(Protocol):
    """Declares topics."""

    async def ensure(self, name: str, partitions: int | None = None, **policy: Any) -> TopicInfo:
        """Return a topic; create it when the app may."""


@dataclass(frozen=True, slots=True)
class DeadLetterTopic:
    """The topic of a consumer group's dead letters."""

    group: str
    name: str
    partitions: Callable[[], int]


class Failures:
    """Retries and dead letters of one worker."""

    def __init__(
        self,
        app: Any,
        committer: Committer,
        in_flight: InFlight,
        redelivery: Redelivery,
        turns: Turns,
        topics: Topics,
        letters: DeadLetterTopic,
        flow: Callable[[], Flow],
        hooks: HookList,
    ) -> None:
        self._app = app
        self._committer = committer
        self._in_flight = in_flight
        self._redelivery = redelivery
        self._turns = turns
        self._topics = topics
        self._letters = letters
        self._flow = flow
        self._hooks = hooks
        self.attempts: dict[Source, int] = {}
        self._waiting = 0
        self._wrapped: set[int] = set()

    async def prepare(self) -> None:
        """Wrap the error handlers of all agents, and create the dead-letter topic if it does not exist."""
        for agent in self._app.agents.values():
            if id(agent) not in self._wrapped:
                self._wrapped.add(id(agent))
                internals.wrap_agent_errors(agent, self.before, Restarts)
        spec = topic_spec(self._letters.name, self._letters.partitions())
        await self._topics.ensure(spec.name, spec.partitions, cleanup=spec.cleanup, retention_ms=spec.retention_ms)

    def forget(self) -> None:
        """Forget all attempts. A new generation counts from the start."""
        self.attempts.clear()
        self._waiting = 0

    def watch(self, channel: Any) -> None:
        """Make a dead letter of each message that a channel cannot decode. Its agents do not receive such messages."""

        async def undecodable(exc: Exception, message: Any) -> None:
            await channel.on_decode_error(exc, message)
            if self._in_flight.counts(message):
                self._drop(message, exc)
                self._dead_letter(message, exc, 1, AGENT_NONE)

        channel.on_key_decode_error = channel.on_value_decode_error = undecodable

    def before(self, original: ErrorHandler | None) -> ErrorHandler:
        """Return an error handler for an agent that acts before and after the agent's own handler."""

        async def on_error(agent: Any, exc: BaseException) -> None:
            event = current_event()
            message = None if event is None or event.message.acked else event.message  # a finished event did not fail
            if message is not None and isinstance(exc, Exception) and self._in_flight.counts(message):
                message.acked = True  # its stream would count it as finished while error handlers run
                self._drop(message, exc)
            try:
                if original is not None:
                    await original(agent, exc)
            finally:
                if message is not None and isinstance(exc, Exception) and self._in_flight.counts(message):
                    self._conclude(message, exc, agent.name)

        return on_error

    def split(self, message: BatchMessage, exc: Exception) -> None:
        """Take back the effects of a failed batch. Its stream then delivers the events again, one at a time."""
        if self._in_flight.counts(message):
            count = len(message.received)
            logger.info("%d events of %s from %d failed together: each again alone", count, message.tp, message.offset)
            self._drop(message, exc)
            message.was_split = True
        self._in_flight.disown(message)

    def _drop(self, message: Any, exc: Exception) -> None:
        source = (message.tp, message.offset)
        for dependent in self._committer.drop_event(source, f"the event failed: {exc!r}"):
            logger.info(
                "%s offset %d built on a row of a failed event: processed again", dependent.tp, dependent.offset
            )
            self._redelivery.redo(dependent)

    def _conclude(self, message: Any, exc: Exception, agent: str) -> None:
        """Retry the event, or make it a dead letter. One commit then writes the dead letter and the event's offset."""
        if isinstance(exc, StoreFailedError):
            self._in_flight.disown(message)
            self._flow().spawn(self._flow().crash(exc))
            return
        source = (message.tp, message.offset)
        attempts = self.attempts.pop(source, 0) + 1
        if isinstance(exc, TransientError) and attempts < ATTEMPTS_MAX and self._waiting < RETRIES_WAITING_MAX:
            self._drop(message, exc)  # the outputs of its error handler belong to the failed attempt
            self.attempts[source] = attempts
            self._retry(message, attempts, exc)
        else:
            self._dead_letter(message, exc, attempts, agent)

    def _retry(self, message: Any, attempts: int, exc: Exception) -> None:
        pause_s = ATTEMPT_PAUSE_S * 2 ** (attempts - 1)
        logger.warning(
            "%s offset %d failed, attempt %d; again in %.1f s", message.tp, message.offset, attempts, pause_s
        )
        if self._hooks:
            self._hooks.call(
                Hooks.on_retry,
                Retried(message.topic, message.partition, message.offset, attempts, pause_s, exc),
            )
        self._committer.dependencies.forget((message.tp, message.offset))
        self._waiting += 1
        self._turns.withhold(message.tp, message.offset)
        self._redelivery.redo(message, pause_s).add_done_callback(self._waited)

    def _waited(self, _: Any) -> None:
        self._waiting = max(0, self._waiting - 1)

    def _dead_letter(self, message: Any, exc: Exception, attempts: int, agent: str) -> None:
        letter = DeadLetter(
            group=self._letters.group,
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
        self._committer.pending.add(
            Output(
                topic=self._letters.name,
                partition=home(message.partition, self._letters.partitions()),
                key=letter.id.encode(),
                value=letter.encode(),
                timestamp_ms=letter.timestamp_ms,
                headers=(),
                source=(message.tp, message.offset),
                settle=None,
            )
        )
        self._in_flight.finish(message)
        if self._hooks:
            self._hooks.call(
                Hooks.on_dead_letter,
                DeadLettered(message.topic, message.partition, message.offset, attempts, agent, exc),
            )
