"""Contestants do the product's job right on a few fills; a wrong result has no figures.

CI runs ours and the plain program; `pytest -m heavy` PostgreSQL and the Redis script. The command runs all contestants.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.resource_usage import Spent
from tests.peers import __main__ as command
from tests.peers.environments import NotInstallableError, interpreter
from tests.peers.product import command as product
from tests.peers.product.contestants import CONTESTANTS, OURS, PEERS, PLAIN, REDIS, Contestant
from tests.peers.product.fills import made
from tests.peers.product.race import Load, race
from tests.peers.product.raced import Raced
from tests.peers.product.report import table
from tests.peers.product.source_lines import code_lines, lines_of
from tests.peers.race import RaceError

FILLS = 600
"""More than the greatest batch of any contestant."""

LONG = [OURS, REDIS, *(who for who in PEERS if who.name == "PostgreSQL, 20 a transaction")]
SLICE = [PLAIN, *(pytest.param(who, marks=pytest.mark.heavy) for who in LONG)]


def python_of(who: Contestant) -> Path:
    """Return the interpreter of an environment, kept where the command keeps it."""
    try:
        return (
            interpreter(who.environment, command.ENVIRONMENTS, lambda _: None)
            if who.environment
            else Path(sys.executable)
        )
    except NotInstallableError as exc:
        pytest.skip(str(exc))


@pytest.mark.parametrize("who", SLICE, ids=lambda who: who.name)
def test_a_contestants_results_are_the_oracles(who: Contestant) -> None:
    raced = race(who, python_of(who), Load.made("windows", "weeks", FILLS, seed=1))
    assert 0 < raced.spent.events <= FILLS
    assert raced.spent.worker_cpu_s > 0
    if who != PLAIN:
        assert raced.spent.broker_cpu_s > 0
        assert raced.kept_bytes is not None
        assert raced.kept_bytes > 0


def test_a_contestant_with_wrong_results_has_no_figures() -> None:
    load = Load.made("first", "weeks", 50, seed=1)
    one_less = replace(load, fills=load.fills[:-1])
    with pytest.raises(RaceError, match="results differ from the oracle"):
        race(PLAIN, python_of(PLAIN), one_less)


@pytest.mark.parametrize("who", SLICE, ids=lambda who: who.name)
def test_fills_in_another_order_than_their_times_give_the_same_windows(who: Contestant) -> None:
    fills = made("hour", FILLS, seed=2)
    random.Random(2).shuffle(fills)
    race(who, python_of(who), Load.of("windows", fills, FILLS // 10))


def test_a_contestant_without_a_window_has_no_figures() -> None:
    first = replace(PLAIN, windows_app=PLAIN.app)
    with pytest.raises(RaceError, match="missing  candle 1d"):
        race(first, python_of(PLAIN), Load.made("windows", "hour", 50, seed=1))


def test_the_command_names_the_peers_that_do_only_the_first_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[tuple[str, str]] = []

    def run(who: Contestant, _: Path, load: Load) -> Raced:
        ran.append((who.name, load.job))
        return Raced(Spent(1_000, 1.0, 0.2, 0.3, 50.0, 20.0), None)

    monkeypatch.setattr(product, "race", run)
    monkeypatch.setattr(product, "interpreter", lambda *_: Path(sys.executable))
    few = ["--fills", "10", "--runs", "1", "--span", "hour"]
    assert command.main(["product", "dict", "Quix", *few]) == 0
    said = capsys.readouterr().out
    assert "Quix Streams, exactly-once is left out: it does the first job only (--job first)" in said
    assert "10 fills of one hour, the job with windows" in said
    assert command.main(["product", "dict", "Quix", "--job", "first", *few]) == 0
    said = capsys.readouterr().out
    assert "left out" not in said
    assert "10 fills of one hour, the first job" in said
    assert ran == [("dictionaries", "windows"), ("Quix Streams, exactly-once", "first"), ("dictionaries", "first")]


def test_a_contestant_that_takes_all_fills_at_once_has_no_figures() -> None:
    with pytest.raises(RaceError, match="all fills at once, more than the warm-up"):
        race(REDIS, python_of(REDIS), Load.made("windows", "weeks", 50, seed=1))


def test_the_command_prints_a_table_and_names_what_cannot_be_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_here(name: str, *_: object) -> Path:
        raise NotInstallableError(f"{name} cannot be installed here: no such package")

    monkeypatch.setattr(product, "interpreter", not_here)
    file = tmp_path / "runs.json"
    few = ["--fills", "50", "--runs", "1", "--json", str(file)]
    assert command.main(["product", "dict", "Post", "--span", "hour", *few]) == 0
    said = capsys.readouterr().out
    assert "PostgreSQL, 20 a transaction is left out: postgres cannot be installed here" in said
    assert "| dictionaries |" in said
    assert [one["name"] for one in json.loads(file.read_text())["contestants"]["hour"]] == ["dictionaries"]


def test_the_command_fails_when_a_contestant_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> Raced:
        raise RaceError("it fell over")

    monkeypatch.setattr(product, "race", fail)
    assert command.main(["product", "dict", "--fills", "10", "--runs", "1"]) == 1
    assert capsys.readouterr().out.count("dictionaries: FAILED: it fell over") == 2


def test_the_table_compares_fills_per_core_of_worker_and_server_together() -> None:
    ours = Raced(Spent(1_000, 1.0, 0.2, 0.3, 50.0, 20.0), 900.0)
    peer = Raced(Spent(1_000, 4.0, 1.0, 0.5, 60.0, 30.0), None)
    rows = table({OURS: [ours], PEERS[0]: [peer]}, "first")
    assert "| 2,000 | 900 |" in rows[-2]
    assert "| 667 | - |" in rows[-1]
    assert "| 3.00 |" in rows[-1]


FUNCTION = '''
def f():
    """Do it."""
    return """a
    b"""
'''


def test_lines_of_code_are_without_comments_docstrings_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    path.write_text(
        '''"""Some module.

More.
"""

# why
X = 1  # one


'''
        + FUNCTION
    )
    assert code_lines([path]) == 4
    assert all(lines_of(who, "first") > 100 for who in CONTESTANTS)
    assert all(lines_of(who, "windows") > lines_of(who, "first") for who in CONTESTANTS if who.windows_app)


def test_fills_of_an_hour_are_the_same_fills_at_other_times() -> None:
    weeks, hour = made("weeks", 30, 1), made("hour", 30, 1)
    assert [{**fill, "executed_at": ""} for fill in weeks] == [{**fill, "executed_at": ""} for fill in hour]
    assert {fill["executed_at"][:13] for fill in hour} == {"2025-01-15T12"}
