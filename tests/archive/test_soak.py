"""A short soak: `python -m tests.archive.soak` runs it for half an hour."""

from __future__ import annotations

import pytest

from tests.archive.soak import main, parser


@pytest.mark.heavy
def test_memory_is_flat_and_nothing_is_lost_while_the_archiver_is_killed() -> None:
    assert main(parser().parse_args(["--minutes", "2", "--rate", "20", "--hot", "15", "--kept", "2"])) == 0
