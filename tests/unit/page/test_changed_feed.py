"""A feed of followed people goes on with others as soon as these change, and the page does not call it lost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_module import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


def test_a_feed_that_ended_because_its_people_changed_resumes_at_once(page_module: Callable[[str], Path]) -> None:
    script = Path(__file__).with_name("changed_feed.mjs")
    command = [str(NODE), str(script), str(page_module("data/feeds.ts"))]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told == {"states": ["live"], "resumed": [["subscribe", "community", "seven"]]}
