"""A list that is read by pages goes on over empty ones, and says so when it has found nothing in some of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_module import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


def test_empty_pages_are_read_over_up_to_a_limit(page_module: Callable[[str], Path]) -> None:
    script = Path(__file__).with_name("next_rows.mjs")
    command = [str(NODE), str(script), str(page_module("data/next_rows.ts"))]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told == {
        "first": [[1], "1", 1],
        "behind": [[7], "3", 3],
        "older": [[8], None, 2],
        "none": [[], None, 3],
        "far": [[], "5", 5],
    }
