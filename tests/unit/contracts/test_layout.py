"""An upgrade keeps what a contract has stored."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from contracts.toolchain import artifacts, layout
from contracts.toolchain.compiler import Contract, read_sources
from contracts.toolchain.tools import BuildError

SPLITTER = "fee_splitter.cairo"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the committed layout."""
    shutil.copy(artifacts.FOLDER / layout.LAYOUT, tmp_path)
    return tmp_path


def changed(file: str, text: str, other: str) -> dict[str, str]:
    sources = read_sources()
    assert sources[file].count(text) == 1
    return sources | {file: sources[file].replace(text, other)}


def test_the_committed_layout_is_that_of_the_sources() -> None:
    assert layout.differences(read_sources(), artifacts.FOLDER) == []


@pytest.mark.parametrize(
    ("file", "text", "other", "loss"),
    [
        (SPLITTER, "        epoch: u64,\n        /// Every", "        /// Every", " has no variable epoch any more"),
        (SPLITTER, "total_released: u256,", "all_released: u256,", " has no variable total_released any more"),
        (SPLITTER, "shares_len: u32,", "shares_len: u64,", ".shares_len was u32 and is u64"),
        (SPLITTER, "pub ppm: u32,", "pub ppm: u64,", ".shares was Map<u32, Share {beneficiary: ContractAddress, "),
        (
            SPLITTER,
            "pub beneficiary: ContractAddress,\n    pub ppm: u32,",
            "pub ppm: u32,\n    pub beneficiary: ContractAddress,",
            ".shares was Map<u32, Share {beneficiary: ContractAddress, ppm: u32}> and is Map<u32, Share {ppm: ",
        ),
        (
            "shared/pausable.cairo",
            "pub Pausable_paused: bool",
            "pub Pausable_stopped: bool",
            " has no variable Pausable_paused any more",
        ),
    ],
    ids=["removed", "renamed", "another type", "another member", "another order", "within a component"],
)
def test_what_an_upgrade_would_lose_is_refused(folder: Path, file: str, text: str, other: str, loss: str) -> None:
    sources = changed(file, text, other)
    found = "\n".join(layout.differences(sources, folder))
    assert f"FeeSplitter{loss}" in found
    before = (folder / layout.LAYOUT).read_text("utf-8")
    with pytest.raises(BuildError, match="an upgrade would"):
        layout.write(sources, folder)
    assert (folder / layout.LAYOUT).read_text("utf-8") == before


def test_a_renamed_contract_does_not_lose_its_layout(folder: Path) -> None:
    sources = changed(SPLITTER, "pub mod FeeSplitter {", "pub mod Splitter {")
    before = (folder / layout.LAYOUT).read_text("utf-8")
    assert "no source has the contract FeeSplitter any more" in "\n".join(layout.differences(sources, folder))
    with pytest.raises(BuildError, match="the contract FeeSplitter any more"):
        layout.write(sources, folder)
    assert (folder / layout.LAYOUT).read_text("utf-8") == before
    _without(folder, "FeeSplitter")
    layout.write(sources, folder)
    assert layout.read(folder)["Splitter"] == layout.layouts(sources)["Splitter"]


def _without(folder: Path, contract: str) -> None:
    """Delete the entry of a contract, as for one that is on no chain."""
    path = folder / layout.LAYOUT
    kept = {name: each for name, each in layout.read(folder).items() if name != contract}
    path.write_text(json.dumps(kept), "utf-8")


def test_a_new_variable_is_written_into_the_layout(folder: Path) -> None:
    sources = changed(SPLITTER, "shares_len: u32,", "shares_len: u32,\n        note: felt252,")
    assert layout.differences(sources, folder) == ["layout.json lacks FeeSplitter.note"]
    layout.write(sources, folder)
    assert json.loads((folder / layout.LAYOUT).read_text("utf-8"))["FeeSplitter"]["note"] == "felt252"
    assert layout.differences(sources, folder) == []


def test_two_variables_in_one_place_are_refused() -> None:
    with pytest.raises(BuildError, match="FeeSplitter keeps two variables in one place: Sequence_last"):
        layout.layouts(changed(SPLITTER, "shares_len: u32,", "shares_len: u32,\n        Sequence_last: u64,"))


@pytest.mark.parametrize(
    ("member", "reason"),
    [("a: Colour", "no type whose layout is known: Colour"), ("a u8", "no storage variable: a u8")],
)
def test_what_is_not_understood_is_refused(member: str, reason: str) -> None:
    source = f"#[starknet::contract]\npub mod A {{\n    #[storage]\n    struct Storage {{ {member} }}\n}}"
    with pytest.raises(BuildError, match=reason):
        layout.layout_of(Contract("A", "a.cairo"), {"cairo_project.toml": "", "a.cairo": source})


def test_types_are_written_with_their_members() -> None:
    source = """
        #[derive(Copy, Drop, starknet::Store)]
        pub struct Inner { pub a: u8, /// a comment, with a comma
            b: Map<(u8, u16), bool> }
        #[derive(starknet::Store)]
        struct Outer { inner: Inner }
        #[starknet::contract]
        pub mod A { #[storage] struct Storage { #[substorage(v0)] part: Part::Storage,
            outer: Map<u8, Map<u8, Outer>>, } }
        #[starknet::component]
        pub mod Part { #[storage] pub struct Storage { pub Part_last: u64 } }
    """
    assert layout.layout_of(Contract("A", "a.cairo"), {"cairo_project.toml": "", "a.cairo": source}) == {
        "Part_last": "u64",
        "outer": "Map<u8, Map<u8, Outer {inner: Inner {a: u8, b: Map<(u8, u16), bool>}}>>",
    }
