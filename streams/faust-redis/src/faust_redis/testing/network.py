"""Carry requests and replies between workers and the server. Each may be late, lost, or overtaken by others.

A client gives up on a request after `PATIENCE_S`. The request may still arrive later and take effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from faust_redis.log.scripts import COMMIT
from faust_redis.testing.loop import Agenda, ProcessLoop
from faust_redis.testing.server import Server

PATIENCE_S = 1.5
"""How long a client waits for a reply."""

LONG_S = 0.2
"""From which length on a server that waits for records answers less late."""

QUIET_S = 0.0003
"""How long one way takes when nothing is wrong."""

TRACE_CHARS_MAX = 900
"""How many characters of a command or a reply a trace shows."""


@dataclass(slots=True)
class Weather:
    """State how bad the network is: the seed draws it, and it is calm when the faults are over.

    Attributes:
        lost: The chance that a message does not arrive.
        slow: The chance that a message takes up to 0.2 s.
        stuck: The chance that a message takes up to 4 s.
        lost_commit_replies: The chance that the reply to a commit does not arrive, in addition to `lost`.
    """

    lost: float = 0.0
    slow: float = 0.0
    stuck: float = 0.0
    lost_commit_replies: float = 0.0


@dataclass(slots=True)
class _Waiting:
    """Hold a read that waits for records."""

    names: set[str]
    command: tuple[Any, ...]
    answer: Callable[[Any], None]
    over: bool = False


class Network:
    """Carry requests to the server, and replies to the workers.

    `before` and `after` observe each command at the server. `hold_s` returns how much longer a request takes.
    """

    def __init__(self, agenda: Agenda, server: Server) -> None:
        self.agenda, self.server = agenda, server
        self.rng = agenda.rng
        self.weather = Weather()
        self.server_is_up = True
        self.trace: Callable[[str], None] | None = None
        self.before: Callable[[str, tuple[Any, ...]], None] = lambda _sender, _command: None
        self.after: Callable[[str, tuple[Any, ...], Any], None] = lambda _sender, _command, _reply: None
        self.hold_s: Callable[[str, tuple[Any, ...]], float] = lambda _sender, _command: 0.0
        self.listeners: dict[str, Callable[[], None]] = {}
        self._waiting: list[_Waiting] = []
        self._connections = 0

    def delay_s(self) -> float:
        """Draw how many seconds a message takes."""
        chance = self.rng.random()
        if chance < self.weather.stuck:
            return self.rng.uniform(0.3, 4.0)
        if chance < self.weather.stuck + self.weather.slow:
            return self.rng.uniform(0.002, 0.2)
        return QUIET_S * (0.5 + chance)

    def is_lost(self) -> bool:
        """Draw whether a message does not arrive."""
        return self.rng.random() < self.weather.lost

    def _loses_reply_to(self, command: tuple[Any, ...]) -> bool:
        chance = self.weather.lost_commit_replies
        return chance > 0 and is_commit(command) and self.rng.random() < chance

    def call(self, sender: str, loop: ProcessLoop, command: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Send a command. The future gets the reply, or a connection error when the outcome is unknown."""
        future = loop.create_future()

        def settle(reply: Any, error: Exception | None = None) -> None:
            def now() -> None:
                if not future.done():
                    if error is None:
                        future.set_result(reply)
                    else:
                        future.set_exception(error)

            loop.turn(now)

        def fail(error: Exception) -> None:
            self.agenda.after(self.delay_s(), lambda: settle(None, error))

        def reply_with(reply: Any) -> None:
            if self.is_lost() or self._loses_reply_to(command):
                fail(RedisConnectionError("connection lost after the request"))
            elif isinstance(reply, Exception):
                fail(reply)
            else:
                self.agenda.after(self.delay_s(), lambda: settle(reply))

        if self.is_lost():
            fail(RedisConnectionError("connection lost before the request"))
        else:
            on_the_way_s, connection = self.delay_s() + self.hold_s(sender, command), self._connections
            self.agenda.after(on_the_way_s, lambda: self._arrive(sender, command, reply_with, connection))
        block_s = command[command.index("BLOCK") + 1] / 1000 if "BLOCK" in command else 0
        self.agenda.after(PATIENCE_S + block_s, lambda: settle(None, RedisTimeoutError("no reply in time")))
        return future

    def _arrive(self, sender: str, command: tuple[Any, ...], answer: Callable[[Any], None], connection: int) -> None:
        if not self.server_is_up or connection != self._connections:
            answer(RedisConnectionError("the server is down"))
            return
        self.before(sender, command)
        try:
            reply = self.server.execute(*command)
        except ResponseError as exc:
            reply = exc
        if self.trace is not None:
            self.trace(f"{sender}: {_short(command)} -> {_short(reply)}")
        self.after(sender, command, reply)
        self._notify_listeners()
        if reply is None and "BLOCK" in command:
            self._park(command, answer)
        else:
            answer(reply)
            if command[0] == "EVALSHA":
                self.wake()

    def _park(self, command: tuple[Any, ...], answer: Callable[[Any], None]) -> None:
        names = command[command.index("STREAMS") + 1 :]
        waiting = _Waiting({name.decode() for name in names[: len(names) // 2]}, command, answer)
        self._waiting.append(waiting)

        def over() -> None:
            if not waiting.over:
                waiting.over = True
                self._waiting.remove(waiting)
                answer(None)

        # A server may answer late. Late answers keep the number of steps small, and come before the client gives up.
        block_s = command[command.index("BLOCK") + 1] / 1000
        self.agenda.after(block_s * self.rng.uniform(1, 8 if block_s < LONG_S else 3), over)

    def wake(self) -> None:
        """Answer the waiting reads whose records have arrived."""
        for waiting in list(self._waiting):
            reply = self.server.execute(*waiting.command)
            if reply is not None:
                waiting.over = True
                self._waiting.remove(waiting)
                waiting.answer(reply)

    def _notify_listeners(self) -> None:
        if self.server.published:
            self.server.published.clear()
            for notify in list(self.listeners.values()):
                if not self.is_lost():
                    self.agenda.after(self.delay_s(), notify)

    def stop_server(self, seconds: float, *, cut: bool = False) -> None:
        """Restart the server: close all connections and keep its data.

        Args:
            seconds: How long the server is away.
            cut: Whether requests that are on the way are lost; else late ones arrive when it is back.
        """
        self.server_is_up = False
        self._connections += cut
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.over = True
            each.answer(RedisConnectionError("the server went away"))

        def start() -> None:
            self.server_is_up = True

        self.agenda.after(seconds, start)


def is_commit(command: tuple[Any, ...]) -> bool:
    """Return whether a command is a commit: the one script that writes records and offsets."""
    return command[:2] == ("EVALSHA", COMMIT.digest)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= TRACE_CHARS_MAX else text[:TRACE_CHARS_MAX] + "…"
