"""The apps of these tests keep their files in the directory of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testing import apps


@pytest.fixture(autouse=True)
def data(tmp_path: Path) -> Iterator[None]:
    """Give the apps of a test a directory."""
    apps.data.append(tmp_path / "words")
    yield
    apps.data.pop()
