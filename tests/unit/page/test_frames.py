"""The dashboard draws at most ten times a second, however many changes arrive."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_module import NODE


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_changes_that_come_fast_are_drawn_together(page_module: Callable[[str], Path]) -> None:
    script = Path(__file__).with_name("frames.mjs")
    command = [str(NODE), str(script), str(page_module("data/frames.ts"))]
    drawn = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert 1 <= drawn <= 10
