"""Renews a member's lease from a thread of its own, so that a busy event loop does not lose it.

A loop that has not turned for `stuck_s` is not kept alive: its lease runs out, and other members take over.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
from redis.exceptions import NoScriptError, RedisError

from faust_redis.log.connection import connect_thread
from faust_redis.log.scripts import GROUP

logger = logging.getLogger(__name__)


class HeartbeatThread(threading.Thread):
    """Sends heartbeats at an interval and whenever the group announces a change; reports each reply to the loop."""

    def __init__(
        self,
        url: str,
        group_key: str,
        member: str,
        *,
        interval_s: float,
        stuck_s: float,
        loop: asyncio.AbstractEventLoop,
        report: Callable[[Any], None],
    ) -> None:
        super().__init__(name=f"heartbeat-{member}", daemon=True)
        self._url = url
        self._key = group_key
        self._member = member
        self._interval_s = interval_s
        self._stuck_s = stuck_s
        self._loop = loop
        self._report = report
        self._stop_requested = threading.Event()
        self._turned_s = time.monotonic()

    def end(self) -> None:
        """Ask the thread to end; it does so within a heartbeat interval."""
        self._stop_requested.set()

    def run(self) -> None:
        """Send heartbeats until `end` is called. An unreachable broker does not end the thread."""
        while not self._stop_requested.is_set():
            try:
                with connect_thread(self._url, self._key, self._interval_s * 4 + 5) as client:
                    self._beat(client)
            except (RedisError, OSError) as exc:
                logger.debug("heartbeat waits for the broker: %s", exc)
                self._stop_requested.wait(min(1.0, self._interval_s))
            except Exception:
                logger.exception("heartbeat failed; trying again, or this member's lease runs out")
                self._stop_requested.wait(self._interval_s)

    def _beat(self, client: redis.Redis) -> None:
        with client.pubsub(ignore_subscribe_messages=True) as notices:
            notices.subscribe(self._key)
            while not self._stop_requested.is_set():
                self._call_on_loop(lambda: None)
                if time.monotonic() - self._turned_s < self._stuck_s:
                    reply = self._ask(client)
                    self._call_on_loop(lambda reply=reply: self._report(reply))  # type: ignore[misc]
                else:
                    logger.error("the event loop has not turned for %.0f s; letting the lease run out", self._stuck_s)
                notices.get_message(timeout=self._interval_s)

    def _ask(self, client: redis.Redis) -> Any:
        args = (1, self._key, "heartbeat", self._member)
        try:
            return client.execute_command("EVALSHA", GROUP.digest, *args)
        except NoScriptError:
            return client.execute_command("EVAL", GROUP.text, *args)

    def _call_on_loop(self, callback: Callable[[], None]) -> None:
        def on_loop() -> None:
            self._turned_s = time.monotonic()
            callback()

        try:
            self._loop.call_soon_threadsafe(on_loop)
        except RuntimeError:  # the loop is closed
            self._stop_requested.set()
