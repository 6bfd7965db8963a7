"""Carry commands without faults and without delay, for the test driver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from redis.exceptions import RedisError

from faust_redis.testing.keyspace import Keyspace
from faust_redis.testing.loop import Agenda, ProcessLoop

NAP_FACTOR = 10
"""The factor by which a read waits longer than asked. It ends early when records arrive."""


class QuietNetwork:
    """Execute each command at once."""

    def __init__(self, agenda: Agenda, server: Keyspace) -> None:
        self.listeners: dict[str, Callable[[], None]] = {}
        self._agenda, self._server = agenda, server
        self._waiting: dict[asyncio.Future[Any], tuple[Any, ...]] = {}

    def call(self, sender: str, loop: ProcessLoop, command: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Execute a command. The future gets the reply at once, or when records arrive that a read waits for."""
        future = loop.create_future()
        try:
            reply = self._server.execute(*command)
        except RedisError as exc:
            future.set_exception(exc)
            return future
        if reply is None and "BLOCK" in command:
            self._wait(loop, future, command)
        else:
            future.set_result(reply)
            self.notify()
        return future

    def _wait(self, loop: ProcessLoop, future: asyncio.Future[Any], command: tuple[Any, ...]) -> None:
        self._waiting[future] = command
        patience_s = command[command.index("BLOCK") + 1] / 1000 * NAP_FACTOR
        nap = loop.call_later(patience_s, _answer_in, future, None)

        def over(_: asyncio.Future[Any]) -> None:
            nap.cancel()
            self._waiting.pop(future, None)

        future.add_done_callback(over)

    def notify(self) -> None:
        """Deliver arrived records to waiting readers, and announcements to listeners."""
        if self._server.published:
            self._server.published.clear()
            for notify in list(self.listeners.values()):
                self._agenda.after(0, notify)
        for future, command in list(self._waiting.items()):
            reply = None if future.done() else self._server.execute(*command)
            if reply is not None:
                self._agenda.after(0, partial(_answer, future, reply))


def _answer(future: asyncio.Future[Any], reply: Any) -> None:
    loop = future.get_loop()
    if isinstance(loop, ProcessLoop):
        loop.turn(partial(_answer_in, future, reply))


def _answer_in(future: asyncio.Future[Any], reply: Any) -> None:
    if not future.done():
        future.set_result(reply)
