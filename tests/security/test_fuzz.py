"""A small slice of `python -m tests.fuzz`: the hostile values that Schemathesis knows, for each operation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.run import Effort, FuzzedPipeline, fuzz, fuzz_feeds

EFFORT = Effort("examples,coverage", examples=1, seconds=5)
EFFORT_OF_FEEDS = Effort("coverage", examples=1, seconds=4)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzedPipeline]:
    with FuzzedPipeline(Path(tmp_path_factory.mktemp("fuzz")), workers=1) as pipeline:
        yield pipeline


@pytest.mark.slow
@pytest.mark.xdist_group("fuzz")
@pytest.mark.parametrize("caller", [pytest.param("anonymous", marks=pytest.mark.heavy), "user"])
def test_no_generated_request_fails_the_server_or_gets_an_undocumented_answer(
    pipeline: FuzzedPipeline, caller: str
) -> None:
    outcome = fuzz(pipeline, caller, EFFORT)
    assert outcome.passed, outcome.report


@pytest.mark.slow
@pytest.mark.xdist_group("fuzz")
def test_no_generated_request_fails_a_feed_or_gets_an_undocumented_answer(pipeline: FuzzedPipeline) -> None:
    outcome = fuzz_feeds(pipeline, "user", EFFORT_OF_FEEDS)
    assert outcome.passed, outcome.report
