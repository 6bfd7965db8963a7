"""starknet.js, with a parser and a decoder of its own, reads from the contracts what our clients read."""

from __future__ import annotations

import pytest

from contracts.clients.classes import CLIENTS
from tests.chain.deployed import Chain
from tests.chain.second_client.compare import MissingToolError, compared, equal


@pytest.mark.heavy
def test_a_second_client_reads_the_same(chain: Chain) -> None:
    try:
        seen = compared(chain)
    except MissingToolError as exc:
        pytest.skip(str(exc))
    assert seen.differences == []
    assert seen.counts["view"] > 10 * len(CLIENTS)
    assert seen.counts["event"] > 100
    assert seen.counts["batch hash"] == 4


SAME = [
    (7, "7"),
    (f"0x{7:064x}", "7"),
    ("name", "name"),
    ("SETTLER", str(int.from_bytes(b"SETTLER", "big"))),
    ((1, f"0x{7:064x}"), {"0": "1", "1": "7"}),
    ((1, 2), ["1", "2"]),
    (True, True),
]
OTHER = [(7, "8"), (f"0x{7:064x}", "8"), ("name", "other"), ((1, 2), ["1"]), (1, True), (True, "1"), (False, True)]


def test_other_values_are_a_difference() -> None:
    assert all(equal(ours, theirs) for ours, theirs in SAME)
    assert not any(equal(ours, theirs) for ours, theirs in OTHER)
