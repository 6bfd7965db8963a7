"""Keeps a set of processes running: starts them in order, restarts what crashes, stops them in reverse order."""

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
STEADY_S = 30.0  # a child that ran this long starts its back-off anew
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Someone asked us to end, by Ctrl-C or a signal."""


class Runnable(Protocol):
    """What can be kept running; `deploy.server.embedded.EmbeddedServer` is one, `Command` another."""

    def launch(self) -> None:
        """Start it, without waiting."""

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""

    def ask(self) -> None:
        """Ask it to end, without waiting."""

    def stop(self) -> bool:
        """Stop it within a bound; whether it went by itself."""


class Command:
    """A command of ours as a child process."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], grace_s: float) -> None:
        self.argv = argv
        self.env = env
        self.grace_s = grace_s
        self.child: process.Child | None = None

    def launch(self) -> None:
        """Start it, without waiting."""
        self.child = process.spawn(self.argv, env=self.env)

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""
        return None if self.child is None else self.child.poll()

    def ask(self) -> None:
        """Ask it to end, without waiting."""
        if self.child is not None:
            process.ask(self.child)

    def stop(self) -> bool:
        """Stop it within its grace; whether it went by itself."""
        return self.child is None or process.stop(self.child, self.grace_s)


@dataclass(slots=True)
class _Kept:
    name: str
    stage: str
    what: Runnable
    once: bool
    started_at: float = 0.0
    backoff_s: float = BACKOFF_FIRST_S
    restart_at: float | None = None
    ended: bool = field(default=False)


class Supervisor:
    """Children in the order of their start. `say` gets a line for a person whenever something happens to one."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._kept: list[_Kept] = []

    def keep(self, name: str, what: Runnable, *, stage: str = "", once: bool = False, started: bool = False) -> None:
        """Start a child and keep it running.

        Args:
            name: What to call it.
            what: The child.
            stage: Neighbours of the same stage are stopped together.
            once: It may end by itself and is not restarted then.
            started: It runs already.
        """
        kept = _Kept(name, stage or name, what, once, started_at=time.monotonic())
        self._kept.append(kept)
        if not started:
            what.launch()

    def tend(self) -> None:
        """Look after every child once: note what ended, restart what is due."""
        now = time.monotonic()
        for kept in self._kept:
            if kept.restart_at is not None:
                self._restart_if_due(kept, now)
            elif not kept.ended and kept.what.exit_code is not None:
                self._note_end(kept, kept.what.exit_code, now)

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Tend the children until the condition holds or `StopRequested` is raised."""
        while not until():
            self.tend()
            time.sleep(TICK_S)

    def stop(self) -> None:
        """Stop all, the last stage first."""
        while self._kept:
            stage = [kept for kept in self._kept if kept.stage == self._kept[-1].stage]
            for kept in stage:
                kept.what.ask()
            for kept in stage:
                if not kept.what.stop():
                    self._say(f"{kept.name} did not stop in time and was killed")
                self._kept.remove(kept)

    def _note_end(self, kept: _Kept, code: int, now: float) -> None:
        if kept.once:
            kept.ended = True
            return
        if now - kept.started_at > STEADY_S:
            kept.backoff_s = BACKOFF_FIRST_S
        kept.restart_at = now + kept.backoff_s
        self._say(f"{kept.name} ended ({_reason(code)}); it is started again in {kept.backoff_s:g} s")
        kept.backoff_s = min(2 * kept.backoff_s, BACKOFF_MAX_S)

    def _restart_if_due(self, kept: _Kept, now: float) -> None:
        if kept.restart_at is not None and now >= kept.restart_at:
            kept.restart_at, kept.started_at = None, now
            kept.what.launch()
            self._say(f"{kept.name} was started again")


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Within the block, the first signal to end raises `StopRequested`; later ones are ignored: stopping is bounded."""

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
