"""The measuring helpers of the benchmark: loads, figures, slopes."""

import os
import subprocess
import time

import pytest

from tests.bench import payload
from tests.bench.cores import move, one_core_apart
from tests.bench.figures import figure, percentile
from tests.bench.http_load import content_length
from tests.bench.machine import describe, lines
from tests.bench.parts.scaling import arithmetic
from tests.bench.parts.soak import slope, verdict
from tests.bench.resource_usage import Spent, cpu_seconds, spending


def test_events_have_the_stated_size_and_follow_from_the_seed() -> None:
    first, again, other = (list(payload.events(50, seed)) for seed in (1, 1, 2))
    assert {len(value) for _, value in first} == {payload.BYTES}
    assert first == again != other


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, percent) for percent in (0, 50, 99, 100)] == [1, 50, 99, 100]
    assert percentile([7.0], 99) == 7
    assert str(figure([1.0, 3.0, 2.0])) == "2.00 (1.00 - 3.00, 3 runs)"


def test_the_length_of_an_answer_is_found_whatever_its_case() -> None:
    assert content_length(b"HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n") == 12
    with pytest.raises(ValueError, match="without a length"):
        content_length(b"HTTP/1.1 202 Accepted\r\n\r\n")


def test_the_machine_is_described() -> None:
    text = "\n".join(lines(describe()))
    assert "cores" in text
    assert "faust-streaming" in text


def test_memory_that_grows_is_not_called_flat() -> None:
    grows = slope([(minute, 1_000 + 300 * minute) for minute in range(10)])
    assert grows == pytest.approx(300)
    assert verdict(grows).startswith("not flat")
    assert verdict(slope([(minute, 1_000 + minute % 2) for minute in range(10)])).startswith("flat")
    assert slope([(0, 5)]) == 0


def test_how_many_workers_a_broker_feeds_follows_from_what_both_spend() -> None:
    cheap, dear = Spent(1_000_000, 60.0, 50.0, 10.0, 1, 1), Spent(1_000_000, 40.0, 60.0, 20.0, 1, 1)
    text = arithmetic([spending([cheap]), spending([dear])])
    assert text.endswith("so one broker feeds 2.5 such workers")


def test_cpu_seconds_are_those_of_the_process() -> None:
    begun, before = time.process_time(), cpu_seconds(os.getpid())
    sum(range(1_000_000))
    assert before >= begun
    assert before + 0.001 < cpu_seconds(os.getpid()) <= time.process_time()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="there is one core only")
def test_a_worker_has_a_core_that_nothing_else_of_the_bench_uses() -> None:
    allowed = os.sched_getaffinity(0)
    with (
        one_core_apart() as core,
        subprocess.Popen(["sleep", "30"]) as other,
        subprocess.Popen(["sleep", "30"]) as worker,
    ):
        try:
            assert core is not None
            move([worker.pid], core)
            assert os.sched_getaffinity(worker.pid) == {core}
            assert os.sched_getaffinity(other.pid) == os.sched_getaffinity(0) == allowed - {core}
        finally:
            other.kill()
            worker.kill()
    assert os.sched_getaffinity(0) == allowed


def test_cores_that_are_to_be_shared_stay_shared() -> None:
    allowed = os.sched_getaffinity(0)
    with one_core_apart(wanted=False) as core:
        assert (core, os.sched_getaffinity(0)) == (None, allowed)
