"""Keep a set of processes running: start them in order, restart crashed ones, and stop them in reverse order."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

from deploy.server import process

TICK_S = 0.05
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0
STEADY_S = 30.0  # a child that ran this long restarts its back-off
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """The supervisor got Ctrl-C or a signal to end."""


class Runnable(Protocol):
    """A process that the supervisor can keep running, such as `deploy.server.embedded.EmbeddedServer` and `Command`."""

    def launch(self) -> None:
        """Start the process, without waiting."""

    @property
    def exit_code(self) -> int | None:
        """Return the exit status, or None while the process runs."""

    @property
    def fault(self) -> str | None:
        """Return why the process cannot do its work any more, although it may run. None while all is well."""

    def ask(self) -> None:
        """Ask the process to end, without waiting."""

    def stop(self) -> bool:
        """Stop the process within a bound. Return whether it ended by itself."""


class Command:
    """A command of ours as a child process."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], grace_s: float) -> None:
        self.argv = argv
        self.env = env
        self.grace_s = grace_s
        self.child: process.Child | None = None

    def launch(self) -> None:
        """Start the process, without waiting."""
        self.child = process.spawn(self.argv, env=self.env)

    @property
    def exit_code(self) -> int | None:
        """Return the exit status, or None while the process runs."""
        return None if self.child is None else self.child.poll()

    @property
    def fault(self) -> str | None:
        """Return None: the end of the process is its only fault."""
        return None

    def ask(self) -> None:
        """Ask the process to end, without waiting."""
        if self.child is not None:
            process.ask(self.child)

    def stop(self) -> bool:
        """Stop the process within its grace. Return whether it ended by itself."""
        return self.child is None or process.stop(self.child, self.grace_s)


@dataclass(slots=True)
class _Supervised:
    name: str
    stage: str
    process: Runnable
    once: bool
    started_at: float = 0.0
    backoff_s: float = BACKOFF_FIRST_S
    restart_at: float | None = None
    ended: bool = field(default=False)


class Supervisor:
    """Starts, restarts and stops child processes. It reports events of a child to `say`, in one line each.

    When a child has a fault, the supervisor reports the fault once, leaves the others running, and restarts no child:
    a new process would not find what the others work on.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._children: list[_Supervised] = []
        self._fault: str | None = None

    def keep(
        self, name: str, runnable: Runnable, *, stage: str = "", once: bool = False, started: bool = False
    ) -> None:
        """Start a child and keep it running.

        Args:
            name: The name in reports.
            runnable: The child.
            stage: Consecutive children of the same stage are stopped together.
            once: Do not restart the child when it ends.
            started: The child runs already.
        """
        child = _Supervised(name, stage or name, runnable, once, started_at=time.monotonic())
        self._children.append(child)
        if not started:
            runnable.launch()

    def check(self) -> None:
        """Check every child once: record its end, or restart it when its back-off is over."""
        now = time.monotonic()
        self._note_fault()
        for child in self._children:
            if child.restart_at is not None:
                self._restart_if_due(child, now)
            elif not child.ended and child.process.exit_code is not None:
                self._note_end(child, child.process.exit_code, now)

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Check the children until the condition holds or `StopRequested` is raised."""
        while not until():
            self.check()
            time.sleep(TICK_S)

    def stop(self) -> None:
        """Stop all children, the last stage first."""
        while self._children:
            stage = [child for child in self._children if child.stage == self._children[-1].stage]
            for child in stage:
                child.process.ask()
            for child in stage:
                if not child.process.stop():
                    self._say(f"{child.name} did not stop in time and was killed")
                self._children.remove(child)

    def _note_fault(self) -> None:
        if self._fault is not None:
            return
        self._fault = next((fault for child in self._children if (fault := child.process.fault) is not None), None)
        if self._fault is not None:
            self._say(self._fault)
            for child in self._children:
                child.ended = child.ended or child.restart_at is not None
                child.restart_at = None

    def _note_end(self, child: _Supervised, code: int, now: float) -> None:
        if child.once:
            child.ended = True
            return
        if self._fault is not None:
            child.ended = True
            self._say(f"{child.name} ended ({_reason(code)}); it is not started again")
            return
        if now - child.started_at > STEADY_S:
            child.backoff_s = BACKOFF_FIRST_S
        child.restart_at = now + child.backoff_s
        self._say(f"{child.name} ended ({_reason(code)}); it is started again in {child.backoff_s:g} s")
        child.backoff_s = min(2 * child.backoff_s, BACKOFF_MAX_S)

    def _restart_if_due(self, child: _Supervised, now: float) -> None:
        if child.restart_at is not None and now >= child.restart_at:
            child.restart_at, child.started_at = None, now
            child.process.launch()
            self._say(f"{child.name} was started again")


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise `StopRequested` at the first signal to end within the block. Ignore later ones, as stopping is bounded."""

    def request(number: int, frame: FrameType | None) -> None:
        del number, frame
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise StopRequested

    before = {number: signal.signal(number, request) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _reason(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"status {code}"
