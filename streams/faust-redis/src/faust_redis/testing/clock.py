"""Replace the machine's clocks and randomness while a virtual world runs.

Code under test reads time and randomness in many places. `Substitutes` finds these places once, and replaces them only
while the world runs. So the code of the test itself sees real time.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from faust_redis.testing import internals

LIBRARIES = ("faust", "mode", "faust_redis", "croniter")
"""Libraries whose modules get the virtual clocks, as do modules outside of Python's own directories."""

UPTIME_S = 1_000_000.0
"""What the virtual monotonic clock shows when a world begins."""

_FOREIGN = tuple(str(Path(path)) for path in {os.path.dirname(os.__file__), sys.prefix, sys.base_prefix})  # noqa: PTH120


class Clock:
    """Provide the clocks of one world. Its agenda drives all of them."""

    def __init__(self, start_s: float, now_us: Callable[[], int]) -> None:
        self._start_ns = int(start_s * 1e9)
        self._now_us = now_us
        self._began_us: int | None = None
        self.event_time_ahead_s = 0.0
        """How far `advance_event_time` has moved the clocks of windows ahead of the wall clock."""

    def begin(self) -> None:
        """Let wall-clock time pass from now on. The clock does not move while an app starts."""
        self._began_us = self._now_us()

    def time_ns(self) -> int:
        """Return nanoseconds since 1970."""
        passed_us = 0 if self._began_us is None else self._now_us() - self._began_us
        return self._start_ns + passed_us * 1000

    def time(self) -> float:
        """Return seconds since 1970."""
        return self.time_ns() / 1e9

    def server_ms(self) -> int:
        """Return milliseconds of the server's clock. It never stops, because leases and deadlines depend on it."""
        return (self._start_ns // 1000 + self._now_us()) // 1000

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return UPTIME_S + self._now_us() / 1e6

    def monotonic_ns(self) -> int:
        """Return nanoseconds of a clock that never goes back."""
        return int(UPTIME_S * 1e9) + self._now_us() * 1000

    def window_monotonic(self) -> float:
        """Return the monotonic clock of windows."""
        return self.monotonic() + self.event_time_ahead_s


class Substitutes:
    """Replace the machine's clocks and randomness in the modules that use them."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        entropy = Random(rng.random())
        self._randomness = Random(rng.random()).getstate()
        functions: dict[int, Any] = {
            id(time.time): clock.time,
            id(time.time_ns): clock.time_ns,
            id(time.monotonic): clock.monotonic,
            id(time.monotonic_ns): clock.monotonic_ns,
            id(time.perf_counter): clock.monotonic,
            id(time.perf_counter_ns): clock.monotonic_ns,
        }
        self._places: list[tuple[dict[str, Any], str, Any]] = [
            (vars(time), name, functions[id(getattr(time, name))])
            for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
        ]
        self._places += [(vars(os), "urandom", entropy.randbytes), (vars(random), "_urandom", entropy.randbytes)]
        for module in list(sys.modules.values()):
            if isinstance(module, ModuleType) and _belongs_to_the_world(module):
                found = [(name, functions[id(value)]) for name, value in vars(module).items() if id(value) in functions]
                self._places += [(vars(module), name, virtual) for name, virtual in found]
        self._places += internals.clock_places(clock)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Put the substitutes in place for as long as the block runs."""
        real = [(place, name, place[name]) for place, name, _ in self._places]
        outer = random.getstate()
        random.setstate(self._randomness)
        for place, name, virtual in self._places:
            place[name] = virtual
        try:
            yield
        finally:
            for place, name, value in real:
                place[name] = value
            self._randomness = random.getstate()
            random.setstate(outer)


def _belongs_to_the_world(module: ModuleType) -> bool:
    if module.__name__.partition(".")[0] in LIBRARIES:
        return not module.__name__.startswith("faust_redis.testing")
    file = getattr(module, "__file__", None)
    return file is not None and not file.startswith(_FOREIGN)
