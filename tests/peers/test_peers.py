"""Contestants count a few events right; a contestant that cannot run is named, and the others go on.

CI runs ours, and `pytest -m heavy` one peer with a small environment. `python -m tests.peers` runs all contestants and
compares their counts.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faust_redis.log import Record

from tests.bench.payload import counted
from tests.bench.resource_usage import Spent
from tests.peers import __main__ as command
from tests.peers import environments
from tests.peers import race as module
from tests.peers.contestants import CONTESTANTS, OURS, PEERS, Contestant
from tests.peers.environments import NotInstallableError, interpreter
from tests.peers.race import RaceError, race
from tests.peers.report import table

EVENTS = 3_000
"""More than one batch of any contestant."""


FEW = [who for who in CONTESTANTS if who.environment == "faststream"]
SLICE = [*OURS, *(pytest.param(who, marks=pytest.mark.heavy) for who in FEW)]


@pytest.mark.parametrize("who", SLICE, ids=lambda who: who.name)
@pytest.mark.sample(1)
def test_every_contestant_counts_right(who: Contestant) -> None:
    spent = race(who, python_of(who), events=EVENTS, seed=1, named=None)
    assert spent.events > 0
    assert spent.wall_s > 0
    assert spent.worker_mib > 10


def python_of(who: Contestant) -> Path | None:
    """Return the interpreter of an environment, kept where the command keeps it."""
    try:
        return interpreter(who.environment, command.ENVIRONMENTS, lambda _: None) if who.environment else None
    except NotInstallableError as exc:
        pytest.skip(str(exc))


@pytest.mark.heavy
def test_a_contestant_that_counts_wrong_has_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_but_the_last(records: Sequence[Record]) -> Counter[str]:
        return counted(records[:-1])

    who = next(one for one in PEERS if one.environment == "faststream")
    python = python_of(who)
    monkeypatch.setattr(module, "counted", all_but_the_last)
    with pytest.raises(RaceError, match="counted 110 events, expected 109"):
        race(who, python, events=100, seed=1, named=None)


@pytest.mark.heavy
def test_a_peer_that_cannot_be_installed_is_named_and_the_rest_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "quix.txt").write_text("-r missing.txt\n")
    monkeypatch.setattr(environments, "HERE", tmp_path)
    file = tmp_path / "runs.json"
    arguments = ["Quix", "ours", "--environments", str(tmp_path / "peers"), "--json", str(file)]
    assert command.main([*arguments, "--runs", "1", "--events", "300"]) == 0
    said = capsys.readouterr().out
    assert "Quix Streams is left out: quix cannot be installed here: " in said
    assert "| ours, event agent |" in said
    assert [one["name"] for one in json.loads(file.read_text())["contestants"]] == [who.name for who in OURS]


def test_an_environment_that_two_need_at_once_is_installed_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[str] = []

    def run(command: list[str], name: str) -> None:
        ran.append(command[2])
        (tmp_path / name).mkdir(exist_ok=True)
        time.sleep(0.2)

    monkeypatch.setattr(environments, "_run", run)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: interpreter("redis", tmp_path, lambda _: None), range(2)))
    assert ran == ["venv", "pip"]
    assert found[0] == found[1]


def test_a_contestant_that_fails_is_named_and_the_status_tells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> Spent:
        raise RaceError("it fell over")

    monkeypatch.setattr(command, "race", fail)
    assert command.main(["ours, event", "--runs", "2", "--events", "10"]) == 1
    assert capsys.readouterr().out.count("ours, event agent: FAILED: it fell over") == 2


def test_ratios_say_how_many_times_as_fast_ours_is_in_all_and_per_core() -> None:
    ours = Spent(1_000, 1.0, 0.5, 0.1, 50.0, 20.0)
    peer = Spent(1_000, 4.0, 1.0, 0.0, 60.0, 0.0)
    rows = table({OURS[0]: [ours], PEERS[0]: [peer]})
    assert rows[-1].endswith("| 4.00 | 2.00 |")
    assert "| - |" in rows[-1], "what was not seen of a named broker is left out"
