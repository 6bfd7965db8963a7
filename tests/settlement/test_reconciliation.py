"""Each kind of difference between ledger, log and contracts is found."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from contracts.settlement.batches import NO_HASH, State
from contracts.settlement.reconciliation import (
    Beneficiary,
    Collector,
    LedgerFees,
    Splitter,
    facts_and_contracts,
    in_the_ledger,
    on_the_chain,
)
from tests.settlement.test_batches import fees_of, one_by_one

STATE = one_by_one(fees_of([(0, day, "a", 1_000) for day in range(2)]), 9)
AGREED = Collector((1, STATE.batches[0].hash), 10, {"a": 10}, 4, 1, 7)
"""One batch of 10 units is settled, 4 of them are swept with a surplus of 1; another surplus of 1 has come."""
SPLIT = Splitter("0xa", received=6, released=2, balance=4,
                 beneficiaries={"0x1": Beneficiary(2, 1), "0x2": Beneficiary(0, 3)})  # fmt: skip
FACTS = State(swept={"0xa": 4}, surplus={"0xa": 1}, distributed={"0xa": {"0x1": 2}})
STATE = replace(STATE, swept=FACTS.swept, surplus=FACTS.surplus)


def test_contracts_that_agree_have_no_difference() -> None:
    assert list(on_the_chain(STATE, AGREED, SPLIT)) == []
    assert list(on_the_chain(State(), Collector((0, NO_HASH), 0, {}, 0, 0, 0), Splitter("0xa", 0, 0, 0, {}))) == []


@pytest.mark.parametrize(("collector", "splitter", "subject"), [
    (AGREED._replace(by_source={"a": 9}), SPLIT, "a"),
    (AGREED._replace(by_source={"a": 10, "b": 1}), SPLIT, "b"),
    (AGREED._replace(settled=11), SPLIT, "total_settled"),
    (AGREED._replace(last=(2, STATE.batches[1].hash)), SPLIT, "a"),
    (AGREED._replace(balance=5), SPLIT, "the collector's balance"),
    (AGREED, Splitter("0xa", 4, 2, 2, {}), "total_received"),
    (AGREED, SPLIT._replace(beneficiaries={"0x1": Beneficiary(2, 5)}), "the splitter's balance"),
])  # fmt: skip
def test_a_unit_too_few_or_too_many_is_a_difference(collector: Collector, splitter: Splitter, subject: str) -> None:
    assert subject in [difference.subject for difference in on_the_chain(STATE, collector, splitter)]


def test_facts_that_are_not_those_of_the_contracts_are_differences() -> None:
    found = list(facts_and_contracts(FACTS, AGREED, SPLIT))
    assert found == []
    found = list(facts_and_contracts(State(distributed={"0xa": {"0x2": 2}}), AGREED, SPLIT))
    assert [difference.subject for difference in found] == [
        "swept",
        "surplus",
        "distributed to 0x1",
        "distributed to 0x2",
    ]
    found = list(facts_and_contracts(State(), AGREED, SPLIT))
    assert "distributed" in [difference.subject for difference in found]


def test_each_splitter_is_compared_with_its_own_facts() -> None:
    collector = AGREED._replace(swept=7, surplus=3)
    new = Splitter("0xb", received=5, released=5, balance=0, beneficiaries={"0x1": Beneficiary(5, 0)})
    facts = State(
        swept={"0xa": 4, "0xb": 3}, surplus={"0xa": 1, "0xb": 2}, distributed={"0xa": {"0x1": 2}, "0xb": {"0x1": 5}}
    )
    state = replace(STATE, swept=facts.swept, surplus=facts.surplus)
    for splitter in (SPLIT, new):
        assert list(facts_and_contracts(facts, collector, splitter)) == []
        assert list(on_the_chain(state, collector, splitter)) == []
    [difference] = on_the_chain(state, collector, new._replace(received=4))
    assert (difference.subject, difference.expected) == ("total_received", 5)
    [difference, _] = facts_and_contracts(facts, collector, SPLIT._replace(released=3, beneficiaries={
        "0x1": Beneficiary(3, 0)}))  # fmt: skip
    assert (difference.subject, difference.expected, difference.found) == ("distributed to 0x1", 3, 2)


def test_fees_that_are_for_nobody_are_a_difference() -> None:
    assert list(in_the_ledger(LedgerFees({"a": 3, "b": 4}, {"treasury": 5, "paymaster": 2}))) == []
    [difference] = in_the_ledger(LedgerFees({"a": 3, "b": 4}, {"treasury": 5, "paymaster": 1}))
    assert (difference.expected, difference.found) == (7, 6)
