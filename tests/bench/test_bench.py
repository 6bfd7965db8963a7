"""Run a short slice of every part of the bench: it must run, count right and report its figures."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner

from deploy.errors import DeployError
from tables.domains import TOPOLOGY
from tests.bench import drain, module, payload
from tests.bench.apps import STYLES
from tests.bench.catalog import PARTS
from tests.bench.command import bench
from tests.bench.fixed_parameters import measured
from tests.bench.parts import product
from tests.support import forked

FEED_SLICE = 4
"""The first results: all users without and with slow subscribers, by rows and by fills, and own users."""
LONG = ("ingress", "outbox", "startup", "rolling")
"""Parts of which even a slice takes half a minute."""
STYLE = [STYLES[0], *(pytest.param(style, marks=pytest.mark.heavy) for style in STYLES[1:])]
SPENDING = {"worker CPU s per million", "broker CPU s per million", "worker peak MiB", "broker peak MiB"}


@pytest.fixture(autouse=True)
def forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start processes as forks: a slice shows that a part works, and not how long a start takes."""

    def fork(
        name: str, *arguments: str, env: Mapping[str, str] = os.environ, output: IO[bytes] | None = None
    ) -> forked.Forked:
        return forked.Forked(name, *arguments, env=env, output=output)

    monkeypatch.setattr(module, "spawn", fork)


@pytest.mark.parametrize(
    "name",
    [
        "visible",
        "commit",
        "recovery",
        "failover",
        "resize",
        *(pytest.param(name, marks=pytest.mark.heavy) for name in LONG),
    ],
)
@pytest.mark.sample(1)
def test_a_slice_of_each_part(name: str) -> None:
    results = measured(name)
    assert results
    for result in results:
        assert result.lines()[0].strip() == result.title
        assert all(figure.runs for figure in result.figures.values())


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLE)
@pytest.mark.sample(1)
def test_a_throughput_tells_cpu_and_memory_of_worker_and_broker_apart(style: str) -> None:
    stateless, table = measured("agent", styles=(style,))
    for result in (stateless, table):
        assert result.title.startswith(f"{style} agent, ")
        assert result.figures.keys() >= SPENDING
        assert all(result.figures[name].median > 0 for name in ("worker peak MiB", "broker peak MiB"))
    assert "rocksdb" in table.title


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLE)
@pytest.mark.sample(1)
def test_latency_is_measured_on_the_single_output_of_each_event(style: str) -> None:
    [result] = measured("latency", styles=(style,))
    assert result.figures["append to output p50 ms"].median > 0
    assert result.figures["due to output p99 ms"].median >= result.figures["append to output p50 ms"].median


@pytest.mark.heavy
def test_every_reader_of_the_feed_gets_every_change_however_slow_others_are() -> None:
    results = measured("feed", first=FEED_SLICE)
    assert any("slow ones" in result.title and ", 0 slow" not in result.title for result in results)
    assert any("fills through one worker" in result.title for result in results)
    assert all(result.figures["never received"].median == 0 for result in results)


@pytest.mark.heavy
def test_a_crowd_without_tokens_takes_neither_slots_nor_memory_from_callers_with_one() -> None:
    [result] = measured("flood")
    figures = {name: one.median for name, one in result.figures.items()}
    assert figures["feeds opened"] == 120
    assert figures["feeds refused"] == 180
    assert figures["API peak MiB"] < figures["API MiB at rest"] + 60
    assert figures["/healthz during p50 ms"] < 1_000
    assert figures["unfinished closed"] >= 0.66
    assert figures["header bytes until 431"] < 10_000_000


@pytest.mark.heavy
def test_a_slice_of_the_product_on_the_asked_number_of_workers() -> None:
    hour, weeks = measured("product", workers=(1,))
    assert "1 worker," in hour.title
    assert "one hour" in hour.title
    assert "weeks" in weeks.title
    assert hour.figures.keys() == weeks.figures.keys() >= SPENDING


@pytest.mark.heavy
def test_scaling_ends_with_how_many_workers_one_broker_feeds() -> None:
    one, two = measured("scaling", workers=(1, 2), events=3_000)
    assert not one.notes
    assert "one broker feeds" in two.notes[0]


def test_a_soak_judges_memory_growth_and_keeps_each_sample() -> None:
    printed: list[str] = []
    [result] = measured("soak", printed)
    assert printed[0].startswith("    minute   0.0: worker ")
    assert [row["minutes"] >= 0 for row in result.series] == [True]
    assert result.series[0]["worker_kib"] > 0


@pytest.mark.parametrize("kind", ["table", "output"])
@pytest.mark.sample(1)
def test_a_run_with_a_wrong_table_gives_no_result(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    one_more: Callable[[Any], Any] = payload.counted
    monkeypatch.setattr(payload, "counted", lambda records: one_more([*records, records[0]]))
    job = drain.Job(kind=kind, style="event", store="memory://", events=200, warm_up=20)
    with pytest.raises(DeployError, match="the table is wrong in 1 keys"):
        drain.drain(job, seed=1)


@pytest.mark.heavy
def test_a_run_of_the_product_with_wrong_tables_gives_no_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check = product.check
    monkeypatch.setattr(product, "check", lambda pipeline, made: check(pipeline, [*made, made[0]]))
    with pytest.raises(DeployError, match=r"the tables have 19 fills.*expected 20"):
        measured("product", workers=(1,), fills=18)


def test_results_are_written_with_date_versions_commit_and_options(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    arguments = ["commit", "--commits", "5", "--runs", "1", "--workers", "1,2", "--json", str(file)]
    outcome = CliRunner().invoke(bench, [*arguments], catch_exceptions=False)
    assert outcome.exit_code == 0
    written = json.loads(file.read_text())
    assert written.keys() >= {"date", "load", "machine", "python", "broker", "libraries", "commit"}
    assert "faust-streaming" in written["libraries"]
    assert written["options"]["workers"] == [1, 2]
    assert written["results"]["commit"]["load"]
    assert written["results"]["commit"]["bare_loop_events_per_s"] > 0
    first = written["results"]["commit"]["figures"][0]
    assert first["title"] in outcome.output
    assert first["figures"]["answered p50 ms"].keys() == {"median", "least", "greatest", "runs"}


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [(["speed"], "unknown parts: speed; there are agent,"), (["--workers", "two"], "'two' is not a list of numbers")],
)
def test_wrong_arguments_are_refused_with_the_reason(arguments: list[str], printed: str) -> None:
    outcome = CliRunner().invoke(bench, [*arguments])
    assert outcome.exit_code == 2
    assert printed in outcome.output


def test_the_help_names_every_part() -> None:
    text = CliRunner().invoke(bench, ["--help"]).output
    assert all(f"  {name} " in text for name in PARTS)


@pytest.mark.heavy
def test_a_slice_of_the_community_tells_the_cost_and_latency_of_each_domain() -> None:
    total, *domains = measured("community")
    assert total.figures["entries/s"].median > 0
    assert [result.title.partition(":")[0] for result in domains] == list(TOPOLOGY.names)
    assert any("accepted to visible p99 ms" in result.figures for result in domains)
