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
"""How many of the last events of a seed a failure shows."""

MakeApp = TypeVar("MakeApp", bound=Callable[[], faust.App])
MakeInputs = TypeVar("MakeInputs", bound=Callable[[Random], Iterable[Input]])
Check = TypeVar("Check", bound=Callable[[View], None])


class Simulation:
    """Run an app under faults, one seed after the other.

    Each method that takes a function returns it, so that it works as a decorator.

    Args:
        seeds: The seeds to play.
        replay: How to play one seed again, with ``{seed}`` in the place of its number.
        trace: Gets each step of a seed, when given.
    """

    def __init__(self, seeds: Sequence[int], *, replay: str = "", trace: Callable[[str], None] | None = None) -> None:
        self._seeds, self._replay, self._trace = seeds, replay, trace
        self._make_app: Callable[[], faust.App] | None = None
        self._make_inputs: Callable[[Random], Iterable[Input]] | None = None
        self._checks: list[Callable[[View], None]] = []
        self._invariants: list[Callable[[View], None]] = []
        self._kinds = KINDS

    def app(self, make: MakeApp) -> MakeApp:
        """Set the factory of the app. It is called for each life of each worker and must return a new app."""
        self._make_app = make
        return make

    def inputs(self, make: MakeInputs) -> MakeInputs:
        """Set the records to append: a function from a random generator to tuples of topic, key and value.

        A broker that goes back to its backup loses records. They are then sent again, later and in another order, so
        compare results with the topic's records at the end.
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

    def run(self) -> None:
        """Play all seeds.

        Raises:
            SimulationError: when the app, the inputs or all checks are missing, or an app does not come to rest.
            Exception: what a check or an invariant raised, with the seed and how to play it again.
        """
        if self._make_app is None or self._make_inputs is None or not (self._checks or self._invariants):
            raise SimulationError("a simulation needs app(), inputs(), and at least one check() or invariant()")
        for seed in self._seeds:
            world = World(
                seed, self._make_app, self._make_inputs, kinds=self._kinds, on_commit=self._hold, trace=self._trace
            )
            try:
                view = world.play()
                for check in self._checks:
                    check(view)
            except Exception as exc:
                exc.add_note("\n".join(self._story(world)))
                raise

    def _hold(self, view: View) -> None:
        for invariant in self._invariants:
            invariant(view)

    def _story(self, world: World) -> list[str]:
        shown = world.events[-EVENTS_SHOWN:]
        left_out = len(world.events) - len(shown)
        return [
            f"seed {world.seed} failed, after {world.steps} steps:",
            *([f"  ({left_out} earlier events)"] if left_out else []),
            *(f"  {event}" for event in shown),
            f"replay it with: {self._replay.format(seed=world.seed)}",
        ]
