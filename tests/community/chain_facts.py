"""Facts of the fee contracts as the indexer appends them, with reorganisations. Amounts are above zero."""

from __future__ import annotations

from random import Random
from typing import Any, Final

CONTRACTS: Final = tuple(f"0x{number:064x}" for number in (0xC011EC, 0x5911))
NAMES: Final = tuple(f"0x{number:064x}" for number in (1, 2, 3))
SOURCES: Final = ("nft", "subscriptions", "trading")
Data = dict[str, Any]


class ChainFacts:
    """Makes facts, and takes back or makes final those that it made."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._open: list[tuple[str, Data]] = []
        self._made = 0

    def next(self) -> tuple[str, Data]:
        """Return the name and the fields of what happens next."""
        what = self._random.random()
        if self._open and what < 0.25:
            return self._again(self._open.pop(), "retracted")
        if self._open and what < 0.5:
            return self._again(self._open.pop(0), "final")
        self._open.append(self._new())
        return self._open[-1]

    def _again(self, fact: tuple[str, Data], finality: str) -> tuple[str, Data]:
        name, data = fact
        return name, {**data, "finality": finality}

    def _new(self) -> tuple[str, Data]:
        self._made += 1
        of_all = {
            "fact_id": f"fact-{self._made}", "finality": "accepted", "chain_id": "SN_MAIN",
            "contract": self._random.choice(CONTRACTS), "block_number": self._made, "block_hash": NAMES[0],
            "tx_hash": NAMES[0], "event_index": 0, "sequence": self._made,
        }  # fmt: skip
        kind = self._random.choice(("BatchSettled", "FeesSwept", "FeesDistributed"))
        if kind == "BatchSettled":
            sources = self._random.sample(SOURCES, self._random.randint(1, 3))
            totals = [{"source": source, "amount": self._amount()} for source in sorted(sources)]
            hashes = dict.fromkeys(("previous_hash", "hash", "details"), NAMES[0])
            amount = str(sum(int(total["amount"]) for total in totals))
            return kind, {**of_all, **hashes, "batch": 1, "amount": amount, "totals": totals}
        if kind == "FeesSwept":
            amounts = {"amount": self._amount(), "surplus": self._amount()}
            return kind, {**of_all, **amounts, "splitter": self._random.choice(NAMES), "batch": 1}
        return kind, {**of_all, "beneficiary": self._random.choice(NAMES), "amount": self._amount(), "epoch": 1}

    def _amount(self) -> str:
        return str(self._random.choice((1, 745, 2**70)) * self._random.randint(1, 9))
