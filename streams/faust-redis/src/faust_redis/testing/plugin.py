"""Define the pytest plugin: the fixture `simulation`, and options for the seeds that it plays.

Only this module of the library imports pytest.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Generator

import pytest

from faust_redis.testing.simulation import Simulation

SEEDS = 25
"""Seeds that a simulation plays unless the command line says otherwise."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("faust-redis", "simulations of Faust apps")
    group.addoption(
        "--faust-redis-seeds",
        type=int,
        default=SEEDS,
        metavar="N",
        help=f"how many seeds each simulation plays (default: {SEEDS})",
    )
    group.addoption("--faust-redis-seed", type=int, metavar="S", help="play this one seed only, to replay a failure")
    group.addoption(
        "--faust-redis-trace", action="store_true", help="print every step of a seed (with --faust-redis-seed)"
    )


@pytest.fixture
def simulation(request: pytest.FixtureRequest) -> Simulation:
    """Return a simulation. The plugin plays it when the test function returns; `Simulation` says how to set it up."""
    config = request.config
    seed = config.getoption("--faust-redis-seed")
    trace = config.getoption("--faust-redis-trace")
    if trace and seed is None:
        raise pytest.UsageError("--faust-redis-trace needs --faust-redis-seed")
    seeds = range(config.getoption("--faust-redis-seeds")) if seed is None else [seed]
    test = shlex.quote(str(config.cwd_relative_nodeid(request.node.nodeid)))
    replay = f"pytest {test} --faust-redis-seed {{seed}}"
    return Simulation(seeds, replay=replay, trace=_print if trace else None)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Play the simulation that a test function has set up, as a part of that test."""
    result = yield
    found = pyfuncitem.funcargs.get("simulation")
    if isinstance(found, Simulation):
        found.run()
    return result
