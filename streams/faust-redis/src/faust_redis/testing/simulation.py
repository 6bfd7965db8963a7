"""Describe a simulation: the app, its inputs, and the checks of its results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import TypeVar

import faust

from faust_redis.testing.errors import SimulationError
from faust_redis.testing.plan import KINDS
from faust_redis.testing.view import View
from faust_redis.testing.world import Input, World

EVENTS_SHOWN = 40
"""The number of a seed's last events that a failure shows."""

REPLAY = "Simulation(seeds=[{seed}])"
"""How to replay a seed when no command line plays it."""

MakeApp = TypeVar("MakeApp", bound=Callable[[], faust.App])
MakeInputs = TypeVar("MakeInputs", bound=Callable[[Random], Iterable[Input]])
Check = TypeVar("Check", bound=Callable[[View], None])


class Simulation:
    """Run an app under faults, one seed after the other.

    Each method that takes a function returns it, so that it works as a decorator.

    Args:
        seeds: The seeds to play.
        replay: The command that replays one seed, with ``{seed}`` in the place of its number. A failure shows it.
        trace: Gets each step of a seed, when given.
    """

    def __init__(
        self, seeds: Sequence[int], *, replay: str = REPLAY, trace: Callable[[str], None] | None = None
    ) -> None:
        self._seeds, self._replay, self._trace = seeds, replay, trace
        self._make_app: Callable[[], faust.App] | None = None
        self._make_inputs: Callable[[Random], Iterable[Input]] | None = None
        self._checks: list[Callable[[View], None]] = []
        self._invariants: list[Callable[[View], None]] = []
        self._kinds = KINDS
        self._shards = 1

    def app(self, make: MakeApp) -> MakeApp:
        """Set the factory of the app. The simulator calls it for each life of each worker; it must return a new app."""
        self._make_app = make
        return make

    def inputs(self, make: MakeInputs) -> MakeInputs:
        """Set the records to append: a function from a random generator to tuples of topic, key and value.

        A broker that goes back to its backup loses records. The simulator sends these again, later and in another
        order. So compare results with the topic's records at the end.
        """
        self._make_inputs = make
        return make

    def check(self, function: Check) -> Check:
        """Add a check of the final state, when all faults are over and all events are processed."""
        self._checks.append(function)
        return function

    def invariant(self, function: Check) -> Check:
        """Add a check of the state after each write that the broker accepts."""
        self._invariants.append(function)
        return function

    def faults(self, *kinds: str) -> None:
        """Allow only some kinds of faults: crash, pause, stop, add, server, trim, rollback, network.

        Raises:
            ValueError: when a kind does not exist.
        """
        unknown = set(kinds) - KINDS
        if unknown:
            raise ValueError(f"unknown faults {sorted(unknown)}; there are {sorted(KINDS)}")
        self._kinds = frozenset(kinds)

    def shards(self, count: int) -> None:
        """Spread the partitions over several brokers. Each has a network, faults and workers of its own.

        Raises:
            ValueError: when there is less than one.
        """
        if count < 1:
            raise ValueError(f"expected 1 or more shards, got {count}")
        self._shards = count

    def run(self) -> None:
        """Play all seeds.

        Raises:
            SimulationError: when the app, the inputs or all checks are missing, or an app does not come to rest.
            InvariantError: when the library breaks one of its own promises.
            BaseException: what the app's factory, a check or an invariant raised. Each error carries a note with the
                seed, its events, and the command that replays it.
        """
        if self._make_app is None or self._make_inputs is None or not (self._checks or self._invariants):
            raise SimulationError("a simulation needs app(), inputs(), and at least one check() or invariant()")
        for seed in self._seeds:
            world: World | None = None
            try:
                world = World(
                    seed,
                    self._make_app,
                    self._make_inputs,
                    kinds=self._kinds,
                    shards=self._shards,
                    on_commit=self._hold,
                    trace=self._trace,
                )
                view = world.play()
                for check in self._checks:
                    check(view)
            except BaseException as exc:  # pytest.fail() raises a BaseException
                exc.add_note("\n".join(self._report(seed, world)))
                raise

    def _hold(self, view: View) -> None:
        for invariant in self._invariants:
            invariant(view)

    def _report(self, seed: int, world: World | None) -> list[str]:
        events = [] if world is None else world.events
        left_out = max(0, len(events) - EVENTS_SHOWN)
        return [
            f"seed {seed} failed, after {0 if world is None else world.steps} steps:",
            *([f"  ({left_out} earlier events)"] if left_out else []),
            *(f"  {event}" for event in events[left_out:]),
            f"replay it with: {self._replay.replace('{seed}', str(seed))}",
        ]
