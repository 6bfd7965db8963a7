"""The compiled classes in `contracts/artifacts`, and the lock with the digests of their sources and tools."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from contracts.toolchain import corelib, layout
from contracts.toolchain.compiler import TO_CASM, TO_SIERRA, Compiler, Contract, contracts_of, read_sources

FOLDER: Final = Path(__file__).parents[1] / "artifacts"
FOR_TESTS: Final = "testing"
LOCK: Final = "lock.json"
SIERRA, CASM = ".sierra.json", ".casm.json"


@dataclass(frozen=True)
class Artifact:
    """The digests of a compiled contract; class hashes are hexadecimal."""

    source: str
    sierra_sha256: str
    casm_sha256: str
    class_hash: str
    compiled_class_hash: str


def path_of(contract: Contract, suffix: str, folder: Path = FOLDER) -> Path:
    """Return the file of a class. Those that only tests use have a folder of their own, which is not installed."""
    return (folder / FOR_TESTS if contract.for_tests else folder) / f"{contract.name}{suffix}"


def build(compiler: Compiler, folder: Path = FOLDER) -> list[Contract]:
    """Compile every contract, write its classes, the layout and the lock, and return the contracts.

    Raises:
        BuildError: the compiler refused the sources, or an upgrade to them would lose a storage variable.
    """
    sources = read_sources()
    contracts = contracts_of(sources)
    layout.write(sources, folder)
    for contract in contracts:
        classes = compiler.compile_once(contract, sources)
        for suffix, text in zip((SIERRA, CASM), classes, strict=True):
            path = path_of(contract, suffix, folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", "utf-8")
    (folder / LOCK).write_text(json.dumps(lock_of(sources, folder), indent=2) + "\n", "utf-8")
    return contracts


def lock_of(sources: Mapping[str, str], folder: Path = FOLDER) -> dict[str, Any]:
    """Return the lock that these sources and the classes of a folder make."""
    return {
        "tools": {
            tool.name: {"version": tool.version, "crate_sha256": tool.crate_sha256} for tool in (TO_SIERRA, TO_CASM)
        }
        | {corelib.PACKAGE: {"version": corelib.VERSION, "wasm_sha256": corelib.WASM_SHA256}},
        "sources": {path: _sha256(text) for path, text in sources.items()},
        "contracts": {contract.name: asdict(_artifact(contract, folder)) for contract in contracts_of(sources)},
    }


def differences(folder: Path = FOLDER) -> list[str]:
    """Return what differs between the sources, the classes, the layout and the lock, without any tool."""
    sources = read_sources()
    missing = [
        f"{path_of(contract, suffix, folder).name} is missing"
        for contract in contracts_of(sources)
        for suffix in (SIERRA, CASM)
        if not path_of(contract, suffix, folder).is_file()
    ]
    if missing:
        return missing
    expected = {path_of(contract, suffix, folder) for contract in contracts_of(sources) for suffix in (SIERRA, CASM)}
    unknown = [
        f"{path.name} is no contract"
        for path in sorted({*folder.rglob("*.*asm.json"), *folder.rglob(f"*{SIERRA}")} - expected)
    ]
    locked = json.loads((folder / LOCK).read_text("utf-8")) if (folder / LOCK).is_file() else {}
    return unknown + layout.differences(sources, folder) + _different(locked, lock_of(sources, folder), "lock")


def recompiled_differences(compiler: Compiler, contract: Contract, folder: Path = FOLDER) -> list[str]:
    """Return the classes of a contract that the compiler makes in another way, byte for byte."""
    classes = compiler.compile_once(contract, read_sources())
    return [
        f"{path_of(contract, suffix, folder).name} is not what the sources compile to"
        for suffix, text in zip((SIERRA, CASM), classes, strict=True)
        if path_of(contract, suffix, folder).read_text("utf-8") != text + "\n"
    ]


def _artifact(contract: Contract, folder: Path) -> Artifact:
    sierra = path_of(contract, SIERRA, folder).read_text("utf-8")
    casm = path_of(contract, CASM, folder).read_text("utf-8")
    class_hash, compiled_class_hash = class_hashes(sierra, casm)
    return Artifact(contract.file, _sha256(sierra), _sha256(casm), class_hash, compiled_class_hash)


@functools.cache
def class_hashes(sierra: str, casm: str) -> tuple[str, str]:
    """Return the hash that names the class, and the one that a declaration promises of its compiled code."""
    from starknet_py.common import create_casm_class, create_sierra_compiled_contract  # noqa: PLC0415 - slow to import
    from starknet_py.hash.casm_class_hash import compute_casm_class_hash  # noqa: PLC0415
    from starknet_py.hash.hash_method import HashMethod  # noqa: PLC0415
    from starknet_py.hash.sierra_class_hash import compute_sierra_class_hash  # noqa: PLC0415

    class_hash = compute_sierra_class_hash(create_sierra_compiled_contract(sierra))
    with_hints = json.dumps({**json.loads(casm), "pythonic_hints": []})  # starknet-py wants them, but hashes none
    compiled = compute_casm_class_hash(create_casm_class(with_hints), hash_method=HashMethod.BLAKE2S)
    return hex(class_hash), hex(compiled)


def _different(locked: object, right: object, name: str) -> list[str]:
    if isinstance(locked, dict) and isinstance(right, dict):
        keys = sorted({*locked, *right})
        return [line for key in keys for line in _different(locked.get(key), right.get(key), f"{name}.{key}")]
    return [] if locked == right else [f"{name} is {locked}, and should be {right}"]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
