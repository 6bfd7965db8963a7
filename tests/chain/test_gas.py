"""The benchmarks page says what calls and classes of the contracts cost."""

from __future__ import annotations

import re

import pytest

from tests.chain.deployed import Chain
from tests.chain.gas import PAGE, Gas, class_table, deployed_names, functions, written
from tests.chain.gas_calls import measure

TOLERANCE = 0.05
ROW = re.compile(r"\| ([\w ]+) \| `?([\w ]+)`? \| ([\d,]+) \|")


def on_the_page() -> Gas:
    block = PAGE.read_text("utf-8").partition("<!-- measured: contract calls -->")[2].partition("<!-- end -->")[0]
    return {(contract, name): int(gas.replace(",", "")) for contract, name, gas in ROW.findall(block)}


@pytest.mark.slow
@pytest.mark.heavy
def test_each_function_costs_what_the_page_says(chain: Chain) -> None:
    measured = measure(chain)
    assert functions() <= measured.keys()
    assert on_the_page() == pytest.approx(measured, rel=TOLERANCE)


def test_each_class_is_as_large_as_the_page_says() -> None:
    page = PAGE.read_text("utf-8")
    for row in class_table(dict.fromkeys(deployed_names(), 0))[2:]:
        assert row.rpartition(" | ")[0] in page


def test_tables_are_written_into_the_page() -> None:
    page = "a\n<!-- measured: x -->\nold\n<!-- end -->\nb\n"
    assert written(page, {"x": ["| 1 |"]}) == "a\n<!-- measured: x -->\n| 1 |\n<!-- end -->\nb\n"
    with pytest.raises(AssertionError, match="no place for y"):
        written(page, {"y": []})
