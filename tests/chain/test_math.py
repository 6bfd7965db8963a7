"""The shared arithmetic against Python's integers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chain.deployed import Chain, Deployed
from tests.chain.node import ContractError

MAX = 2**256 - 1
NUMBERS = st.one_of(st.integers(0, 10), st.integers(0, MAX), st.integers(MAX - 10, MAX))


@pytest.fixture(scope="module")
def probe(chain: Chain) -> Iterator[Deployed]:
    with chain.rolled_back():
        yield chain.deploy("MathProbe")


def test_a_quotient_is_exact_and_rounded_as_asked(probe: Deployed) -> None:
    @settings(max_examples=60, database=None)
    @given(a=NUMBERS, b=NUMBERS, divisor=NUMBERS, up=st.booleans())
    def check(a: int, b: int, divisor: int, up: bool) -> None:
        quotient = -(-a * b // divisor) if up and divisor else a * b // (divisor or 1)
        if divisor and quotient <= MAX:
            assert probe.call("mul_div", a, b, divisor, up) == quotient
            return
        reason = "Math: division by zero" if not divisor else "Math: overflow|u256_add Overflow"
        with pytest.raises(ContractError, match=reason):
            probe.call("mul_div", a, b, divisor, up)

    check()


@pytest.mark.parametrize(("up", "expected"), [(False, 3), (True, 4)])
def test_the_rounding_is_that_of_the_caller(probe: Deployed, up: bool, expected: int) -> None:
    assert probe.call("mul_div", 7, 1, 2, up) == expected
    assert probe.call("mul_div", 8, 1, 2, up) == 4
