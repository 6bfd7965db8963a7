"""The addresses on the devnet of chart and compose follow from the contracts' present classes."""

from pathlib import Path

import pytest

from tests.devnet_addresses import FILES, with_addresses


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_addresses_in_both_files_are_those_of_the_present_contracts(path: Path) -> None:
    text = path.read_text("utf-8")
    assert with_addresses(text) == text, "run python -m tests.devnet_addresses"
