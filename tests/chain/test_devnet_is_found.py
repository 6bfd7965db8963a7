"""Say once, rather than for each test, that the tests of the contracts need a node."""

from __future__ import annotations

import pytest

from tests.chain.conftest import node_is_found
from tests.support.devnet_tool import DEVNET


def test_a_node_of_the_right_version_is_found() -> None:
    if not node_is_found():
        pytest.skip(
            f"no {DEVNET.name} {DEVNET.version} is found, so no contract is run; python -m tests.chain builds it"
        )
