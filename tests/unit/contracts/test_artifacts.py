"""The committed classes are those of the sources."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from contracts.toolchain import artifacts
from contracts.toolchain.compiler import Compiler, Contract, contracts_of, find_compiler, read_sources, used_by
from contracts.toolchain.tools import BuildError

CONTRACTS = contracts_of(read_sources())
IN_CI = "AstraToken"
TO_COMPILE = [
    pytest.param(each, id=each.name, marks=[] if each.name == IN_CI else [pytest.mark.heavy]) for each in CONTRACTS
]
"""A class takes 14 s of CPU. CI compiles one; `python -m tests.chain` compiles all."""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the committed classes."""
    return shutil.copytree(artifacts.FOLDER, tmp_path / "artifacts")


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    try:
        found = find_compiler()
    except BuildError as exc:  # its core library cannot be had
        pytest.skip(str(exc))
    if found is None:
        pytest.skip("no Cairo compiler is found; python3 deploy/bootstrap.py contracts builds it")
    return found


def test_the_lock_matches_sources_classes_and_their_hashes() -> None:
    assert artifacts.differences() == []


@pytest.mark.slow
@pytest.mark.parametrize("contract", TO_COMPILE)
def test_the_sources_compile_to_the_committed_classes_byte_for_byte(compiler: Compiler, contract: Contract) -> None:
    assert artifacts.recompiled_differences(compiler, contract) == []


def test_another_class_is_a_difference(copied: Path) -> None:
    path = copied / "AstraToken.sierra.json"
    path.write_text(path.read_text("utf-8").replace('"0x1"', '"0x2"', 1), "utf-8")
    found = "\n".join(artifacts.differences(copied))
    assert "lock.contracts.AstraToken.sierra_sha256" in found
    assert "lock.contracts.AstraToken.class_hash" in found


def test_another_compiled_class_is_a_difference(copied: Path) -> None:
    path = copied / "AstraToken.casm.json"
    casm = json.loads(path.read_text("utf-8"))
    casm["bytecode"][-1] = "0x1234"
    path.write_text(json.dumps(casm), "utf-8")
    assert "compiled_class_hash" in "\n".join(artifacts.differences(copied))


def test_another_source_is_a_difference(copied: Path) -> None:
    path = copied / artifacts.LOCK
    locked = json.loads(path.read_text("utf-8"))
    locked["sources"]["astra_token.cairo"] = "0" * 64
    path.write_text(json.dumps(locked), "utf-8")
    (found,) = artifacts.differences(copied)
    assert found.startswith("lock.sources.astra_token.cairo is 000")


def test_a_missing_or_an_unknown_class_is_a_difference(copied: Path) -> None:
    extra = copied / "Mystery.sierra.json"
    extra.write_text("{}", "utf-8")
    assert artifacts.differences(copied) == ["Mystery.sierra.json is no contract"]
    extra.unlink()
    (copied / "FeeSplitter.casm.json").unlink()
    assert artifacts.differences(copied) == ["FeeSplitter.casm.json is missing"]


def test_classes_for_tests_are_not_installed() -> None:
    for_tests = {contract.name for contract in CONTRACTS if contract.for_tests}
    assert for_tests == {"MathProbe", "SilentToken", "TestToken", "TokenReceiver"}
    assert not {path.name.partition(".")[0] for path in artifacts.FOLDER.glob("*.json")} & for_tests


def test_a_contract_is_compiled_again_when_what_it_imports_changes() -> None:
    sources = read_sources()
    used = {contract.name: set(used_by(contract, sources)) for contract in CONTRACTS}
    assert used["MathProbe"] == {"cairo_project.toml", "testing/math_probe.cairo", "shared/math.cairo"}
    assert used["AstraToken"] == {
        "cairo_project.toml",
        "astra_token.cairo",
        "shared/erc20.cairo",
        "shared/sequence.cairo",
    }
    shared = {file for file in sources if file.startswith("shared/")}
    tokens = {"shared/erc20.cairo", "shared/erc721.cairo"}
    assert used["FeeSplitter"] == {"cairo_project.toml", "fee_splitter.cairo", *shared} - tokens


def test_an_import_of_a_folder_is_an_import_of_all_its_modules() -> None:
    sources = {
        "cairo_project.toml": "",
        "a.cairo": "use crate::b::{c, d};",
        "b.cairo": "",
        "b/c.cairo": "",
        "b/d.cairo": "",
    }
    assert set(used_by(Contract("A", "a.cairo"), sources)) == set(sources)
