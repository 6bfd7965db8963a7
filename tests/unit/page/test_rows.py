"""The dashboard keeps the rows of feeds by their keys."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_module import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


def test_a_deleted_row_leaves_its_table(page_module: Callable[[str], Path]) -> None:
    script = Path(__file__).with_name("rows.mjs")
    command = [str(NODE), str(script), str(page_module("data/rows.ts"))]
    of_many, own = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert of_many == ["bob|2"]
    assert own == []
