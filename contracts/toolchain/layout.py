"""What contracts keep and where: names and types of their storage variables, which an upgrade must not change.

The address of a variable follows from its name, in a component, too, and the members of a struct follow each other.
Code that does not know a name forgets what is kept there; code with another type misreads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from contracts.toolchain.compiler import Contract, contracts_of, used_by
from contracts.toolchain.tools import BuildError

LAYOUT: Final = "layout.json"
Layout = dict[str, str]
"""Types by the names of variables. A struct is written with its members: `Share {beneficiary: ContractAddress, …}`."""

PLAIN: Final = {"Map", "felt252", "bool", "ContractAddress", "ClassHash", "ByteArray"} | {
    f"u{bits}" for bits in (8, 16, 32, 64, 128, 256)
}
_NOISE: Final = re.compile(r"//.*|#\[(?!derive|storage)[^\]]*\]")
_STORAGE: Final = re.compile(r"#\[storage\]\s*(?:pub )?struct Storage \{(.*?)\}", re.DOTALL)
_STRUCT: Final = re.compile(r"#\[derive\([^)]*starknet::Store\b[^)]*\)\]\s*(?:pub )?struct (\w+) \{(.*?)\}", re.DOTALL)
_COMPONENT: Final = re.compile(r"(\w+)::Storage")
_MEMBER: Final = re.compile(r"(?:pub )?(\w+): (.+)", re.DOTALL)
_WORD: Final = re.compile(r"[\w:]+")


def layouts(sources: Mapping[str, str]) -> dict[str, Layout]:
    """Return the layout of each contract that is deployed.

    Raises:
        BuildError: two variables of a contract have one name, or a type is not known.
    """
    return {each.name: layout_of(each, sources) for each in contracts_of(sources) if not each.for_tests}


def layout_of(contract: Contract, sources: Mapping[str, str]) -> Layout:
    """Return the variables of a contract and of its components, in the order of their names."""
    used = _NOISE.sub("", "\n".join(used_by(contract, sources).values()))
    structs = dict(_STRUCT.findall(used))
    found: Layout = {}
    for name, written in _variables(contract.name, used):
        if name in found:
            raise BuildError(f"{contract.name} keeps two variables in one place: {name}")
        found[name] = _with_members(written, structs)
    return dict(sorted(found.items()))


def _variables(module: str, used: str) -> Iterator[tuple[str, str]]:
    """Yield names and types in the storage of a module and of the components in it."""
    storage = _STORAGE.search(used, used.index(f"mod {module} {{"))
    for name, written in _members(storage[1] if storage else ""):
        component = _COMPONENT.fullmatch(written)
        if component:
            yield from _variables(component[1], used)
        else:
            yield name, written


def _members(body: str) -> Iterator[tuple[str, str]]:
    """Yield names and types of the members of a struct."""
    parts, depth = [""], 0
    for character in body:
        depth += (character in "<(") - (character in ">)")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    for part in filter(None, (" ".join(each.split()) for each in parts)):
        member = _MEMBER.fullmatch(part)
        if member is None:
            raise BuildError(f"no storage variable: {part}")
        yield member[1], member[2]


def _with_members(written: str, structs: Mapping[str, str]) -> str:
    """Return a type with the members of each struct in it."""

    def expand(word: re.Match[str]) -> str:
        if word[0] in PLAIN:
            return word[0]
        if word[0] not in structs:
            raise BuildError(f"no type whose layout is known: {word[0]}")
        members = (f"{name}: {_with_members(kind, structs)}" for name, kind in _members(structs[word[0]]))
        return f"{word[0]} {{{', '.join(members)}}}"

    return _WORD.sub(expand, written)


def read(folder: Path) -> dict[str, Layout]:
    """Return the committed layout; nothing where there is none."""
    path = folder / LAYOUT
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def losses(sources: Mapping[str, str], folder: Path) -> list[str]:
    """Return why contracts of these sources cannot take the place of those whose layout is committed."""
    current = layouts(sources)
    committed = read(folder)
    gone = [
        f"no source has the contract {each} any more; nothing would compare one of another name with its layout. "
        f"If it is on no chain, delete its entry from {LAYOUT}"
        for each in sorted({*committed} - {*current})
    ]
    return gone + [
        line
        for contract, kept in committed.items()
        if contract in current
        for name, kind in kept.items()
        if (line := _loss(contract, name, kind, current[contract].get(name)))
    ]


def _loss(contract: str, name: str, kind: str, now: str | None) -> str:
    if now is None:
        return f"{contract} has no variable {name} any more: an upgrade would forget the {kind} in it"
    return "" if now == kind else f"{contract}.{name} was {kind} and is {now}: an upgrade would misread it"


def differences(sources: Mapping[str, str], folder: Path) -> list[str]:
    """Return losses, and what the committed layout does not name yet."""
    committed, current = read(folder), layouts(sources)
    named = sorted(f"{each}.{name}" for each in current for name in {*current[each]} - {*committed.get(each, {})})
    return losses(sources, folder) + [f"{LAYOUT} lacks {name}" for name in named]


def write(sources: Mapping[str, str], folder: Path) -> None:
    """Write the layout, which may only have more than the committed one.

    Raises:
        BuildError: a contract or a variable is removed, renamed or of another type.
    """
    if found := losses(sources, folder):
        raise BuildError("\n".join(found))
    (folder / LAYOUT).write_text(json.dumps(layouts(sources), indent=2) + "\n", "utf-8")
