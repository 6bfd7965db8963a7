"""What calls and classes of the contracts cost: the tables of `docs/benchmarks.md`.

    python -m tests.chain.gas [--write]

Gas is what a real node counts, so any machine gives the same figures. `--write` puts the tables into the page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contracts.toolchain.artifacts import CASM, SIERRA, path_of
from contracts.toolchain.compiler import contracts_of, read_sources
from contracts.toolchain.tools import provide
from tests.chain.deployed import Chain, committed
from tests.chain.gas_calls import SHARED, measure
from tests.support.devnet import devnet
from tests.support.devnet_tool import DEVNET

PAGE: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
NODE_OPTIONS: Final = ("--accounts", "8")
NOT_CALLED: Final = {"Reputation": {"raise"}}
"""Functions that only another contract calls; its own figure has theirs."""
Gas = dict[tuple[str, str], int]


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="tests.chain.gas", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    options = parser.parse_args(arguments)
    with _chain() as chain:
        declared = declarations(chain)
        calls = measure(chain)
    found = {"contract calls": call_table(calls), "contract classes": class_table(declared)}
    for lines in found.values():
        sys.stdout.write("\n".join([*lines, ""]) + "\n")
    if missing := functions() - calls.keys():
        sys.stdout.write(f"not measured: {sorted(missing)}\n")
        return 1
    if options.write:
        PAGE.write_text(written(PAGE.read_text("utf-8"), found), "utf-8")
    return 0


@contextmanager
def _chain() -> Iterator[Chain]:
    """Connect to a node of its own, or to that of DEVNET_URL, which must be a fresh one."""
    if url := os.environ.get("DEVNET_URL"):
        yield Chain.at(url)
        return
    with tempfile.TemporaryDirectory() as directory, devnet(provide(DEVNET), Path(directory), *NODE_OPTIONS) as node:
        yield Chain.at(node.url)


def deployed_names() -> list[str]:
    return [each.name for each in contracts_of(read_sources()) if not each.for_tests]


def functions() -> set[tuple[str, str]]:
    """Return every function that changes a deployed contract. Those of the shared modules count once."""
    shared = set(_external("PriceOracle")) - {"report"}
    names = {(name, each) for name in deployed_names() for each in _external(name)}
    own = {(name, each) for name, each in names if each not in shared | NOT_CALLED.get(name, set())}
    return own | {(SHARED, each) for each in shared}


def _external(name: str) -> list[str]:
    found = committed(name).abi.functions.values()
    return [each["name"] for each in found if each["state_mutability"] == "external"]


def declarations(chain: Chain) -> dict[str, int]:
    """Declare each class and return the l2 gas that it took."""
    found = {}
    for name in deployed_names():
        new = committed(name)
        receipt = chain.accounts[0].declare(new.content, new.class_hash, new.compiled_class_hash)
        found[name] = int(receipt["execution_resources"]["l2_gas"])
    return found


def call_table(calls: Gas) -> list[str]:
    rows = [
        (contract, f"`{name}`" if contract != "none" else name, f"{gas:,}") for (contract, name), gas in calls.items()
    ]
    return _table(("Contract", "Function", "L2 gas"), rows)


def class_table(declared: dict[str, int]) -> list[str]:
    rows = []
    for contract in contracts_of(read_sources()):
        if contract.name in declared:
            sierra, casm = (path_of(contract, suffix) for suffix in (SIERRA, CASM))
            felts = len(json.loads(casm.read_text("utf-8"))["bytecode"])
            sizes = (f"{each.stat().st_size:,}" for each in (sierra, casm))
            rows.append((contract.name, *sizes, f"{felts:,}", f"{declared[contract.name]:,}"))
    return _table(("Class", "Sierra, bytes", "CASM, bytes", "CASM, felts", "L2 gas of its declaration"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return [lines[0], "|---" * (lines[0].count("|") - 1) + "|", *lines[1:]]


def written(page: str, found: dict[str, list[str]]) -> str:
    """Return a page with other tables."""
    for name, lines in found.items():
        head, mark, rest = page.partition(f"<!-- measured: {name} -->\n")
        _, end, tail = rest.partition("<!-- end -->")
        assert end, f"the page has no place for {name}"
        page = head + mark + "\n".join(lines) + "\n" + end + tail
    return page


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
