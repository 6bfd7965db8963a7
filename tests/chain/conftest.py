"""A node for all tests of the contracts, and contracts that are deployed on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.chain.deployed import Chain
from tests.chain.fees import Fees
from tests.chain.lending import Lending
from tests.selection import keep_in_one_process
from tests.support.devnet import devnet, find_devnet

URL: Final = "DEVNET_URL"
OPTIONS: Final = ("--accounts", "8", "--predeclare-argent")
SAYS_SO: Final = "test_devnet_is_found.py"
GATE: Final = "CHAIN_GATE"
ONLY_IN_THE_GATE: Final = "test_planted_faults.py"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what only the gate runs, and all tests but one without a node; that one says so."""
    if not collection_path.is_file():
        return None
    if collection_path.name == ONLY_IN_THE_GATE and not os.environ.get(GATE):
        return True
    return (collection_path.name != SAYS_SO and not node_is_found()) or None


@cache
def node_is_found() -> bool:
    """Return whether a node runs, or can be started without building it."""
    return bool(os.environ.get(URL)) or find_devnet() is not None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    keep_in_one_process(items, Path(__file__).parent)


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Return the node that DEVNET_URL names, or one of our own."""
    url = os.environ.get(URL)
    if url:
        yield from _connected(url)
        return
    program = find_devnet()
    assert program is not None
    with devnet(program, tmp_path_factory.mktemp("chain"), *OPTIONS) as running:
        yield from _connected(running.url)


def _connected(url: str) -> Iterator[Chain]:
    chain = Chain.at(url)
    try:
        yield chain
    finally:
        chain.node.close()


@pytest.fixture(scope="session")
def deployed_fees(chain: Chain) -> Fees:
    """Deploy the fee contracts once."""
    return Fees.deploy(chain)


@pytest.fixture
def fees(chain: Chain, deployed_fees: Fees) -> Iterator[Fees]:
    """Return freshly deployed fee contracts; what the test does on the chain is undone."""
    with chain.rolled_back():
        yield deployed_fees


@pytest.fixture(scope="session")
def deployed_lending(chain: Chain) -> Lending:
    """Deploy the lending contracts once."""
    return Lending.deploy(chain)


@pytest.fixture
def lending(chain: Chain, deployed_lending: Lending) -> Iterator[Lending]:
    """Return freshly deployed lending contracts with a fresh price; what the test does on the chain is undone."""
    with chain.rolled_back():
        yield deployed_lending.fresh()
