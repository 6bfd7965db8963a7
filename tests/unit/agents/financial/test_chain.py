"""What the domain says of the chain is the fold of the canonical chain, whatever was replaced on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.events.chain import BatchSettled, FactFinality, FeesDistributed, FeesSwept, SourceTotal
from streams.units import TokenUnits
from tables.financial import FINANCIAL_CHAIN, FINANCIAL_LEDGER
from tests.unit.agents.financial.bank import Bank

CONTRACTS = (f"0x{1:064x}", f"0x{2:064x}")
HASH = f"0x{9:064x}"
AMOUNTS = st.integers(0, 2**256 - 1).map(TokenUnits)
Amounts = list[tuple[str, int]]


def place(number: int, contract: str, finality: FactFinality) -> dict[str, Any]:
    return {
        "fact_id": f"fact-{number}", "finality": finality, "chain_id": "SN_MAIN", "contract": contract,
        "block_number": number, "block_hash": HASH, "tx_hash": HASH, "event_index": 0, "sequence": number,
    }  # fmt: skip


@st.composite
def contents(draw: st.DrawFn) -> tuple[type, str, dict[str, Any], Amounts]:
    """Draw a fact: its type, contract and fields, and what it adds to which total."""
    contract, name = draw(st.sampled_from(CONTRACTS)), f"0x{draw(st.integers(5, 7)):064x}"
    amount, other = draw(AMOUNTS), draw(AMOUNTS)
    match draw(st.integers(0, 2)):
        case 0:
            totals = (SourceTotal(source="nft", amount=amount), SourceTotal(source="a|b", amount=other))
            fields = {
                "batch": 1,
                "previous_hash": HASH,
                "hash": HASH,
                "details": HASH,
                "amount": amount,
                "totals": totals,
            }
            return BatchSettled, contract, fields, [("settled|nft", amount), ("settled|a|b", other)]
        case 1:
            fields = {"splitter": name, "batch": 1, "amount": amount, "surplus": other}
            return FeesSwept, contract, fields, [(f"swept|{name}", amount), (f"surplus|{name}", other)]
    return (
        FeesDistributed,
        contract,
        {"beneficiary": name, "amount": amount, "epoch": 1},
        [(f"distributed|{name}", amount)],
    )


Drawn = tuple[type, str, dict[str, Any], Amounts]


def fold(facts: Sequence[Drawn]) -> Counter[str]:
    """Return the totals of facts by key."""
    sums: Counter[str] = Counter()
    for _, contract, _, amounts in facts:
        for name, amount in amounts:
            sums[f"{contract}|{name}"] += amount
    return +sums


@given(steps=st.lists(st.tuples(st.sampled_from(["accept", "accept", "retract", "final"]), contents()), max_size=30))
def test_totals_are_the_fold_of_the_canonical_chain(steps: list[tuple[str, Drawn]]) -> None:
    bank = Bank(3)
    chain: list[tuple[int, Drawn]] = []
    final = 0
    for number, (step, drawn) in enumerate(steps):
        finality: FactFinality = "accepted"
        told = number, drawn
        if step == "accept":
            chain.append(told)
        elif step == "retract" and len(chain) > final:
            finality, told = "retracted", chain.pop()
        elif step == "final" and len(chain) > final:
            finality, told = "final", chain[final]
            final += 1
        else:
            continue
        of, (model, contract, fields, _) = told
        bank.put(model(**place(of, contract, finality), **fields), contract)
    rows = {key: found for key, [found] in bank.rows(FINANCIAL_CHAIN).items()}
    assert +Counter({key: row.accepted for key, row in rows.items()}) == fold([drawn for _, drawn in chain])
    assert +Counter({key: row.final for key, row in rows.items()}) == fold([drawn for _, drawn in chain[:final]])
    assert all(row.count >= 0 for row in rows.values())
    assert bank.rows(FINANCIAL_LEDGER) == {}, "what the chain says moves no money of the ledger"
