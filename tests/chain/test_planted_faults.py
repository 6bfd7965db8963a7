"""Each planted fault is caught. Only `python -m tests.chain` runs this: every copy is compiled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.toolchain.compiler import Compiler, find_compiler
from tests.chain.budget import MACHINES, VARIABLE
from tests.chain.deployed import Chain
from tests.chain.faults import DEPLOYED, FAULTS
from tests.chain.faults_lending import LENDING_FAULTS
from tests.chain.node import ContractError
from tests.chain.transactions import RevertedError

FEW_STEPS, MANY_STEPS = (str(each * len(MACHINES)) for each in (40, 2000))
CAUGHT = (AssertionError, RevertedError, ContractError, pytest.fail.Exception)


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    found = find_compiler()
    if found is None:
        pytest.skip("no Cairo compiler is found; python3 deploy/bootstrap.py contracts builds it")
    return replace(found, options=("--allow-warnings",))  # a fault may leave an import unused


ALL = FAULTS | LENDING_FAULTS


@pytest.mark.parametrize("name", ALL)
def test_a_planted_fault_is_caught(
    chain: Chain, compiler: Compiler, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = ALL[name]
    deploy = DEPLOYED[fault.contract]
    monkeypatch.setenv(VARIABLE, FEW_STEPS)
    with chain.rolled_back():
        fault.promise(chain, deploy(chain, fault.contract))  # holds without the fault
    monkeypatch.setenv(VARIABLE, MANY_STEPS)
    faulty = fault.compile(compiler)
    with chain.rolled_back():
        deployed = deploy(chain, faulty)
        with pytest.raises(CAUGHT):
            fault.promise(chain, deployed)
