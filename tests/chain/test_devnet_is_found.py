"""Say once, rather than for each test, that the tests of the contracts need a node."""

from __future__ import annotations

import os

import pytest

from tests.chain.conftest import URL
from tests.support.devnet import DEVNET, find_devnet


def test_a_node_of_the_right_version_is_found() -> None:
    if not os.environ.get(URL) and find_devnet() is None:
        pytest.skip(f"no {DEVNET.name} {DEVNET.version} is found, so no contract is run; python -m tests.chain builds it")
