"""Each planted fault is caught. Only `python -m tests.chain` runs this: every copy is compiled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.toolchain.compiler import Compiler, find_compiler
from tests.chain.budget import VARIABLE
from tests.chain.deployed import Chain, ContractClass
from tests.chain.faults import FAULTS
from tests.chain.fees import Fees
from tests.chain.node import ContractError
from tests.chain.transactions import RevertedError

FEW_STEPS, MANY_STEPS = "80", "4000"
CAUGHT = (AssertionError, RevertedError, ContractError, pytest.fail.Exception)


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    found = find_compiler()
    if found is None:
        pytest.skip("no Cairo compiler is found; python3 deploy/bootstrap.py contracts builds it")
    return replace(found, options=("--allow-warnings",))  # a fault may leave an import unused


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(
    chain: Chain, compiler: Compiler, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FAULTS[name]
    monkeypatch.setenv(VARIABLE, FEW_STEPS)
    with chain.rolled_back():
        fault.promise(chain, Fees.deploy(chain))  # holds without the fault
    monkeypatch.setenv(VARIABLE, MANY_STEPS)
    faulty = fault.compile(compiler)
    splitter_class, collector_class = faulty_pair(fault.contract, faulty)
    with chain.rolled_back():
        fees = Fees.deploy(chain, splitter_class=splitter_class, collector_class=collector_class)
        with pytest.raises(CAUGHT):
            fault.promise(chain, fees)


def faulty_pair(name: str, faulty: ContractClass) -> tuple[ContractClass | str, ContractClass | str]:
    """Return the classes of splitter and collector, one of them with the fault."""
    splitter, collector = (faulty if name == each else each for each in ("FeeSplitter", "FeeCollector"))
    return splitter, collector
