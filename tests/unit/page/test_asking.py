"""An answer stays, with the time at which it came, when the next question fails; one question is open at a time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_module import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


def test_a_question_that_fails_leaves_the_old_answer_with_its_time(page_module: Callable[[str], Path]) -> None:
    script = Path(__file__).with_name("asking.mjs")
    command = [str(NODE), str(script), str(page_module("data/asking.ts"))]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told["mostOpen"] == 1
    assert told["shown"] == [
        ["answer 1", None, True, None],
        ["answer 2", None, True, "answer 1"],
        ["answer 2", "away", True, "answer 1"],
        ["answer 2", "away", True, "answer 1"],
    ]
    assert told["sameTime"]
    assert told["isQuiet"], "a hidden page asks nothing"
