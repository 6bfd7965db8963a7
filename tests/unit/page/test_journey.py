"""The dashboard tells what becomes of an order or a close in the order of causes, in whatever order they arrive."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_module import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")

WHOLE = "accepted; executed at 22.50; +10 XP, trade; rank 5 on the board"


def test_steps_are_in_the_order_of_their_causes(page_module: Callable[[str], Path]) -> None:
    script = Path(__file__).with_name("journey.mjs")
    command = [str(NODE), str(script), str(page_module("data/journey.ts"))]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    in_order, answer_last, others_too, twice, refused, unanswered, closed, not_closed = told
    assert in_order == answer_last == others_too == WHOLE
    assert twice == "accepted; executed at 22.50; +10 XP, trade; +10 XP, trade; rank 5 on the board", "each gain once"
    assert refused == "accepted; rejected: insufficient margin"
    assert unanswered == ""
    assert closed == "accepted; closed at 30, profit −1.26 USD; +10 XP, trade; rank 5 on the board"
    assert not_closed == "accepted; rejected: trade not open"
