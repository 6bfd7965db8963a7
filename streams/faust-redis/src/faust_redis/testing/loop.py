"""Run processes in virtual time: one agenda for a world, and an asyncio event loop for each of its processes.

A loop runs only when the agenda reaches a call for its process. Time passes only between two calls.
"""

from __future__ import annotations

import asyncio
import heapq
import inspect
import sys
import weakref
from asyncio.events import _get_running_loop, _set_running_loop
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

CALLBACKS_MAX = 20_000
"""The most callbacks that a loop may run at one instant. A loop that needs more never comes to rest."""

DESTROYED = "Task was destroyed"
"""How asyncio begins its report of a task that is collected before it has ended."""


class Agenda:
    """Order calls by virtual time in microseconds. The seed orders calls that are due at the same instant."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.now_us = 0
        self._due: list[tuple[int, float, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, when_us: int, call: Callable[[], None]) -> None:
        """Schedule a call at a time, or now if that time has passed."""
        self._number += 1
        heapq.heappush(self._due, (max(when_us, self.now_us), self.rng.random(), self._number, call))

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Schedule a call after a delay."""
        self.at(self.now_us + int(seconds * 1e6), call)

    def next_us(self) -> int | None:
        """Return when the next call is due, or None when the agenda is empty."""
        return self._due[0][0] if self._due else None

    def step(self) -> None:
        """Move the clock to the next call and make it."""
        self.now_us, _, _, call = heapq.heappop(self._due)
        call()


class _Call(asyncio.Handle):
    """Hold a callback that the loop can run."""

    __slots__ = ()

    def run(self) -> None:
        """Run the callback, unless it was cancelled."""
        if not self.cancelled():
            self._run()


class _Timer(asyncio.TimerHandle):
    """Hold a timer that the loop can run."""

    __slots__ = ()

    def run(self) -> None:
        """Run the callback, unless it was cancelled."""
        if not self.cancelled():
            self._run()


class ProcessLoop(asyncio.AbstractEventLoop):
    """Run one simulated process. It can pause, and it can crash: end at once, without cleaning up."""

    def __init__(self, agenda: Agenda, on_error: Callable[[str], None]) -> None:
        self.agenda = agenda
        self.dead = False
        self.closed = False
        self.is_ending = False
        """Whether the remaining tasks of the process are being cancelled. The loop then ignores their errors."""
        self.paused_until_us = 0
        self._on_error = on_error
        self._ready: deque[_Call | _Timer] = deque()
        self._generators: weakref.WeakSet[AsyncGenerator[Any, Any]] = weakref.WeakSet()

    def turn(self, call: Callable[[], object]) -> None:
        """Make a call in this process, now or when its pause ends, and run all callbacks that follow from it.

        A crash ends the turn: the loop runs no further callback.
        """
        if self.dead:
            return
        if self.paused_until_us > self.agenda.now_us:
            self.agenda.at(self.paused_until_us, lambda: self.turn(call))
            return
        with self._running():
            call()
            for _ in range(CALLBACKS_MAX):
                if self.dead:
                    self._forget_tasks()
                    return
                if not self._ready:
                    return
                self._ready.popleft().run()
            self._on_error("a loop that never rests")

    def _forget_tasks(self) -> None:
        """Drop the callbacks that were ready. Close coroutines that never began, or Python would warn about them."""
        for task in asyncio.all_tasks(self):
            coro = task.get_coro()
            if inspect.iscoroutine(coro) and inspect.getcoroutinestate(coro) == inspect.CORO_CREATED:
                coro.close()
        self._ready.clear()

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Make this loop the thread's running loop, also when another one is running."""
        outer, hooks = _get_running_loop(), sys.get_asyncgen_hooks()
        _set_running_loop(self)
        sys.set_asyncgen_hooks(firstiter=self._generators.add, finalizer=self._finalize)
        try:
            yield
        finally:
            sys.set_asyncgen_hooks(*hooks)
            _set_running_loop(outer)

    def _finalize(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators.discard(generator)
        if not self.dead and not self.closed:
            # Call `aclose` only in the turn: Python warns about its coroutine when a loop never runs again.
            self.call_soon(lambda: self.create_task(generator.aclose()))

    def open_generators(self) -> list[AsyncGenerator[Any, Any]]:
        """Return the asynchronous generators that began in this loop and have not ended."""
        return list(self._generators)

    # --- asyncio's interface --------------------------------------------------------------------------------------

    def time(self) -> float:
        """Return virtual seconds."""
        return self.agenda.now_us / 1e6

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        """Run a callback in the current turn."""
        handle = _Call(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        """Run a callback in the current turn. A virtual world has one thread."""
        return self.call_soon(callback, *args, context=context)

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:  # type: ignore[override]
        """Run a callback after a delay of virtual time."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:  # type: ignore[override]
        """Run a callback at a virtual time."""
        handle = _Timer(when, callback, args, self, context)

        def due() -> None:
            if not handle.cancelled():
                self.turn(lambda: self._ready.append(handle))

        # Round up: code that looks at the clock in an early timer would set the same timer again.
        self.agenda.at(int(when * 1e6) + 1, due)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: the loop skips a cancelled timer when it is due."""

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
        """Return a task of this loop."""
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Call a function at once, because a virtual world has one thread."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as exc:
            future.set_exception(exc)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Report what asyncio calls unhandled, unless the process crashed or ended.

        A task that is destroyed while it waits is no error, because a world ends with all its tasks.
        """
        message = str(context.get("message"))
        if not self.dead and not self.closed and not self.is_ending and not message.startswith(DESTROYED):
            self._on_error(f"{message}: {context.get('exception')!r}")

    def get_debug(self) -> bool:
        """Return False, because asyncio's debug mode measures real time."""
        return False

    def is_running(self) -> bool:
        """Return whether the process is alive."""
        return not self.closed

    def is_closed(self) -> bool:
        """Return whether the process has ended."""
        return self.closed


def process_loop(agenda: Agenda, on_error: Callable[[str], None]) -> ProcessLoop:
    """Return a loop. A method that it lacks, for sockets for example, raises `NotImplementedError`."""
    return ProcessLoop(agenda, on_error)  # type: ignore[abstract]
