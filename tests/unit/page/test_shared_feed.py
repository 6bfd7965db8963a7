"""Components that show the same feed share one subscription, of which an account may have a limited number."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_module import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


def test_equal_feeds_are_followed_once_until_the_last_reader_leaves(page_module: Callable[[str], Path]) -> None:
    script = Path(__file__).with_name("shared_feed.mjs")
    command = [str(NODE), str(script), str(page_module("data/shared.ts"))]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    own, other = "membership {}", 'membership {"user":"ada"}'
    assert told["steps"] == [[own], [own, other], [own], [], [own]]
    assert told["isThere"], "a later reader has the rows of the first one"
    assert told["isNew"], "who comes after the last one left begins anew"
    assert told["isOwn"], "another user gets nothing of the user before"
