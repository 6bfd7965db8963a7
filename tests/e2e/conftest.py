"""Fixtures of the end-to-end tests: one running pipeline for all tests that do not break it."""

from collections.abc import Iterator

import pytest

from tests.e2e.pipeline import Pipeline


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Run a pipeline with one worker. Tests that share it use users of their own, and run in one process."""
    with Pipeline(tmp_path_factory.mktemp("running"), workers=1) as pipeline:
        yield pipeline
