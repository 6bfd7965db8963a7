"""A plan with a number that no contract takes is refused by a sentence."""

from __future__ import annotations

import pytest

from contracts.deployment.plan import DeploymentError, parse

PLAN = """
deployer = "0x64b"
owner = "0x31a"
pauser = "0x5c2"
settler = "0x78a"
token = "0x53c"
salt = {salt}
[[shares]]
to = "0x11d"
ppm = {ppm}
[astra]
supply = {supply}
recipient = "0x11d"
"""
GOOD = {"salt": 1, "ppm": 1_000_000, "supply": 10**27}


def test_a_good_plan_is_read() -> None:
    assert parse(PLAN.format(**GOOD)).salt == 1


@pytest.mark.parametrize(("name", "number"), [
    ("salt", -1), ("salt", 2**260), ("supply", -5), ("supply", 2**256), ("ppm", -1), ("ppm", 2**64),
])  # fmt: skip
def test_a_number_that_no_contract_takes_is_refused(name: str, number: int) -> None:
    with pytest.raises(DeploymentError):
        parse(PLAN.format(**{**GOOD, name: number}))
