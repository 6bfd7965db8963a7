"""Keeps a member's lease alive from a thread of its own, so that a busy event loop does not lose it.

A loop that has not turned for `stuck_s` is not kept alive: its lease runs out, and others take over.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import redis
from redis.exceptions import NoScriptError, RedisError

from faust_redis.log import Log
from faust_redis.log.scripts import GROUP

logger = logging.getLogger(__name__)


class Standing(NamedTuple):
    """How a member stands in its group, as the coordinator script answers."""

    known: bool
    joined: bool
    state: str
    generation: int
    leader: str
    assignment: bytes

    @classmethod
    def of(cls, reply: list[int | bytes]) -> Standing:
        """Read the script's reply."""
        known, joined, state, generation, leader, assignment = reply
        return cls(
            bool(known),
            bool(joined),
            bytes(state).decode() if isinstance(state, bytes) else "",
            int(generation),
            leader.decode() if isinstance(leader, bytes) else "",
            assignment if isinstance(assignment, bytes) else b"",
        )


class Heartbeat(threading.Thread):
    """Sends heartbeats at an interval and whenever the group announces a change; reports each answer to the loop."""

    def __init__(
        self,
        log: Log,
        group: str,
        member: str,
        *,
        interval_s: float,
        stuck_s: float,
        loop: asyncio.AbstractEventLoop,
        report: Callable[[Standing], None],
    ) -> None:
        super().__init__(name=f"heartbeat-{member}", daemon=True)
        self._url = log.url
        self._key = log.keys.group(group)
        self._member = member
        self._interval_s = interval_s
        self._stuck_s = stuck_s
        self._loop = loop
        self._report = report
        self._over = threading.Event()
        self._turned = time.monotonic()

    def end(self) -> None:
        """Ask the thread to end; it does within a heartbeat interval."""
        self._over.set()

    def run(self) -> None:
        """Beat until told to end; survives a broker that is away."""
        while not self._over.is_set():
            try:
                with redis.Redis.from_url(self._url, protocol=2, socket_timeout=self._interval_s * 4 + 5) as client:
                    self._beat(client)
            except (RedisError, OSError) as exc:
                logger.debug("heartbeat waits for the broker: %s", exc)
                self._over.wait(min(1.0, self._interval_s))
            except Exception:
                logger.exception("heartbeat failed; trying again, or this member's lease runs out")
                self._over.wait(self._interval_s)

    def _beat(self, client: redis.Redis) -> None:
        with client.pubsub(ignore_subscribe_messages=True) as notices:
            notices.subscribe(self._key)
            while not self._over.is_set():
                self._tell(lambda: None)
                if time.monotonic() - self._turned < self._stuck_s:
                    standing = self._ask(client)
                    self._tell(lambda standing=standing: self._report(standing))  # type: ignore[misc]
                else:
                    logger.error("the event loop has not turned for %.0f s; letting the lease run out", self._stuck_s)
                notices.get_message(timeout=self._interval_s)

    def _ask(self, client: redis.Redis) -> Standing:
        args = (1, self._key, "heartbeat", self._member)
        try:
            reply = client.execute_command("EVALSHA", GROUP.digest, *args)
        except NoScriptError:
            reply = client.execute_command("EVAL", GROUP.text, *args)
        return Standing.of(reply)

    def _tell(self, what: Callable[[], None]) -> None:
        def on_loop() -> None:
            self._turned = time.monotonic()
            what()

        try:
            self._loop.call_soon_threadsafe(on_loop)
        except RuntimeError:  # the loop is closed
            self._over.set()
