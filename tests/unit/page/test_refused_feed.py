"""A feed that the API refuses, such as for a wrong choice in the address, is no lost connection."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_module import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


def test_a_refused_feed_is_told_with_its_reason_and_is_no_lost_connection(page_module: Callable[[str], Path]) -> None:
    script = Path(__file__).with_name("refused_feed.mjs")
    command = [str(NODE), str(script), str(page_module("data/feeds.ts"))]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    refused = ["Wrong parameters: market: is not listed"]
    # the feed that is followed is silent for too long at the end, so the state can be lost
    assert told["socket"] == {"refused": refused, "isHeard": True, "state": "live", "silent": "lost"}
    assert told["sources"] == {"refused": refused, "isHeard": True, "state": "live", "silent": "lost"}
