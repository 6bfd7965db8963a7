"""Virtual time: one agenda for the whole world, and for each process an asyncio loop that only turns when told to."""

from __future__ import annotations

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

TURN_MAX = 20_000
"""Callbacks in one turn of a loop, at one instant; more is a loop that never rests."""


class Agenda:
    """What happens when, in microseconds. Things due at one instant come in an order drawn from the seed."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.now_us = 0
        self._due: list[tuple[int, float, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, when_us: int, call: Callable[[], None]) -> None:
        """Have something happen at a time, or now when that is past."""
        self._number += 1
        heapq.heappush(self._due, (max(when_us, self.now_us), self.rng.random(), self._number, call))

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Have something happen in a while."""
        self.at(self.now_us + int(seconds * 1e6), call)

    def step(self) -> None:
        """Let the next thing happen."""
        self.now_us, _, _, call = heapq.heappop(self._due)
        call()


class ProcessLoop(asyncio.AbstractEventLoop):
    """The event loop of one simulated process. It can stand still (a pause) and end in mid-air (a crash)."""

    def __init__(self, agenda: Agenda, on_error: Callable[[str], None]) -> None:
        self.agenda = agenda
        self.dead = False
        self.paused_until_us = 0
        self._on_error = on_error
        self._ready: deque[asyncio.Handle] = deque()

    def turn(self, call: Callable[[], object]) -> None:
        """Something happens to this process now, or when its pause is over; all that follows from it is run."""
        if self.dead:
            return
        if self.paused_until_us > self.agenda.now_us:
            self.agenda.at(self.paused_until_us, lambda: self.turn(call))
            return
        events._set_running_loop(self)
        try:
            call()
            for _ in range(TURN_MAX):
                if not self._ready:
                    return
                handle = self._ready.popleft()
                if not handle._cancelled:
                    handle._run()
            self._on_error("a loop that never rests")
        finally:
            events._set_running_loop(None)

    # --- what asyncio asks of a loop ----------------------------------------------------------------------------------

    def time(self) -> float:
        return self.agenda.now_us / 1e6

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        return self.call_soon(callback, *args, context=context)

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:  # type: ignore[override]
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:  # type: ignore[override]
        handle = asyncio.TimerHandle(when, callback, args, self, context)

        def due() -> None:
            if not handle._cancelled:
                self.turn(lambda: self._ready.append(handle))

        # Rounded up, so that a timer is never early: code that looks at the clock would set it again for nothing.
        self.agenda.at(int(when * 1e6) + 1, due)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is passed over when it is due."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self._on_error(f"{context.get('message')}: {context.get('exception')!r}")

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False
