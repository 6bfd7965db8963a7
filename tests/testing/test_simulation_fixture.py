"""The simulator passes correct apps, catches wrong ones, and plays a seed the same way each time."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faust_redis.testing import Simulation, SimulationError
from faust_redis.testing.plan import KINDS
from faust_redis.testing.view import View
from faust_redis.testing.world import World

from tests.testing import apps

ROOT = Path(__file__).parents[2]
SEEDS_FOR_A_BUG = 60
SEEDS_OF_A_CORRECT_APP = 10
ONLY_THE_PLUGIN = {"PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def totals_are_right(view: View) -> None:
    assert view.table("totals") == Counter(word.key for word in view.read("words"))


def counts_are_gapless(view: View) -> None:
    """Check that each count was sent once and in order."""
    sent: dict[str, list[int]] = defaultdict(list)
    for record in view.read("counts"):
        sent[record.key].append(record.value)
    words = Counter(word.key for word in view.read("words"))
    assert sent == {key: list(range(1, number + 1)) for key, number in words.items()}


def no_count_is_sent_twice(view: View) -> None:
    sent = Counter((record.key, record.value) for record in view.read("counts"))
    assert max(sent.values(), default=1) == 1


def test_a_correct_app_holds(simulation: Simulation) -> None:
    simulation.app(apps.word_count)
    simulation.inputs(apps.words)
    simulation.check(totals_are_right)
    simulation.check(counts_are_gapless)
    simulation.invariant(no_count_is_sent_twice)


@pytest.mark.slow
@pytest.mark.parametrize("store", ["memory://", "faust-redis-rocksdb://"])
@pytest.mark.sample(1)
@pytest.mark.heavy
def test_a_correct_app_holds_on_many_seeds(store: str) -> None:
    simulation = Simulation(range(SEEDS_OF_A_CORRECT_APP))
    simulation.app(lambda: apps.word_count(store))
    simulation.inputs(apps.words)
    simulation.check(totals_are_right)
    simulation.check(counts_are_gapless)
    simulation.run()


@pytest.mark.parametrize("make_app", [apps.count_in_a_variable, apps.send_outside_of_the_event])
def test_a_bug_that_only_faults_show_is_caught(make_app: Callable[[], Any]) -> None:
    simulation = Simulation(range(SEEDS_FOR_A_BUG), replay="pytest mine --faust-redis-seed {seed}")
    simulation.app(make_app)
    simulation.inputs(apps.words)
    simulation.check(counts_are_gapless)
    with pytest.raises(AssertionError) as caught:
        simulation.run()
    [note] = caught.value.__notes__
    assert "replay it with: pytest mine --faust-redis-seed " in note
    seed = int(note.rpartition(" ")[2])
    again = Simulation([seed])
    again.app(make_app)
    again.inputs(apps.words)
    again.check(counts_are_gapless)
    with pytest.raises(AssertionError):
        again.run()


def test_a_simulation_without_a_check_is_refused() -> None:
    simulation = Simulation([0])
    simulation.app(apps.word_count)
    simulation.inputs(apps.words)
    with pytest.raises(SimulationError, match="needs app"):
        simulation.run()


def test_a_factory_that_returns_one_app_again_is_refused() -> None:
    one = apps.word_count()
    simulation = Simulation([0])
    simulation.app(lambda: one)
    simulation.inputs(apps.words)
    simulation.check(totals_are_right)
    with pytest.raises(SimulationError, match="must return a new app"):
        simulation.run()


def test_a_kind_of_fault_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match=r"unknown faults \['earthquake'\]"):
        Simulation([0]).faults("crash", "earthquake")


@pytest.mark.parametrize("kind", ["check", "invariant"])
@pytest.mark.parametrize("replay", ["pytest 'test[{x}]' --faust-redis-seed {seed}", None])
def test_every_failure_names_its_seed_and_how_to_replay_it(kind: str, replay: str | None) -> None:
    simulation = Simulation([3]) if replay is None else Simulation([3], replay=replay)
    simulation.app(apps.word_count)
    simulation.inputs(apps.words)

    def nothing_is_counted(view: View) -> None:
        if view.table("totals"):
            pytest.fail("a word was counted")

    getattr(simulation, kind)(nothing_is_counted)
    with pytest.raises(pytest.fail.Exception, match="a word was counted") as caught:
        simulation.run()
    [note] = caught.value.__notes__
    assert note.startswith("seed 3 failed, after ")
    command = "Simulation(seeds=[3])" if replay is None else "pytest 'test[{x}]' --faust-redis-seed 3"
    assert note.endswith(f"replay it with: {command}")


def test_a_factory_that_raises_names_its_seed() -> None:
    simulation = Simulation([4])
    simulation.app(apps.word_count)
    simulation.inputs(lambda rng: [rng.choice([])])
    simulation.check(totals_are_right)
    with pytest.raises(IndexError) as caught:
        simulation.run()
    assert caught.value.__notes__[0].endswith("replay it with: Simulation(seeds=[4])")


def trace(seed: int) -> list[str]:
    """Return every step of a seed."""
    lines: list[str] = []
    World(seed, apps.word_count, apps.words, kinds=KINDS, on_commit=lambda _: None, trace=lines.append).play()
    return lines


def test_a_seed_plays_the_same_way_after_others() -> None:
    first = trace(5)
    trace(6)
    assert trace(5) == first


@pytest.mark.parametrize("hash_seed", ["0", "1"])
@pytest.mark.sample(1)
def test_a_seed_plays_the_same_way_in_every_process(hash_seed: str) -> None:
    code = "import sys; from tests.testing.test_simulation_fixture import trace; print('\\n'.join(trace(5)))"
    there = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.splitlines() == "\n".join(trace(5)).splitlines()


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "streams" / "faust-redis" / "pyproject.toml").read_text("utf-8"))["project"]
    [(name, module)] = project["entry-points"]["pytest11"].items()
    assert name == module == "faust_redis.testing.plugin"
    assert importlib.import_module(module).simulation
    assert project["optional-dependencies"]["testing"] == ["pytest>=8"]


FAILING = """
import pytest
from tests.testing import apps

def test_counts(simulation):
    simulation.app(apps.count_in_a_variable)
    simulation.inputs(apps.words)

    @simulation.KIND
    def each_count_once(view):
        counts = [(record.key, record.value) for record in view.read("counts")]
        if len(counts) > len(set(counts)):
            pytest.fail("a count was sent twice")
"""


@pytest.mark.parametrize("kind", ["check", pytest.param("invariant", marks=pytest.mark.heavy)])
def test_pytest_reports_the_seed_of_a_failure_and_replays_it(tmp_path: Path, kind: str) -> None:
    (tmp_path / "test_mine.py").write_text(FAILING.replace("KIND", kind))

    def run(*options: str) -> str:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "faust_redis.testing.plugin", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, f"--rootdir={tmp_path}", *options, "test_mine.py"],
            cwd=tmp_path,
            env={**os.environ, **ONLY_THE_PLUGIN, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stdout

    said = run("--faust-redis-seeds", str(SEEDS_FOR_A_BUG))
    assert "a count was sent twice" in said
    assert "replay it with: pytest test_mine.py::test_counts --faust-redis-seed " in said
    seed = said.partition("--faust-redis-seed ")[2].split()[0]
    replayed = run("--faust-redis-seed", seed, "--faust-redis-trace")
    assert f"seed {seed} failed" in replayed
