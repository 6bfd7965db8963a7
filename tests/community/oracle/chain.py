"""What the fee contracts on the chain say, added up by contract, kind and name (docs/chain.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.community.journal import Entry
from tests.community.oracle.tables import Table


class ChainFees:
    """The totals of all contracts: what counts now, and what can no longer change."""

    def __init__(self) -> None:
        self.table = Table("financial-chain")
        names = ("BatchSettled", "FeesSwept", "FeesDistributed")
        self.steps: dict[str, Callable[[Entry], None]] = dict.fromkeys(names, self._fact)

    def _fact(self, entry: Entry) -> None:
        finality = entry.data["finality"]
        for place, amount in _amounts(entry):
            key = f"{entry.data['contract']}|{place}"
            row = dict(self.table.get(key) or {"accepted": 0, "final": 0, "count": 0})
            if finality == "final":
                row["final"] += amount
            else:
                sign = 1 if finality == "accepted" else -1
                row["accepted"] += sign * amount
                row["count"] += sign
            self.table.put(key, row, (entry.id,))


def _amounts(entry: Entry) -> Iterator[tuple[str, int]]:
    data = entry.data
    if entry.name == "BatchSettled":
        for total in data["totals"]:
            yield f"settled|{total['source']}", int(total["amount"])
    elif entry.name == "FeesSwept":
        yield f"swept|{data['splitter']}", int(data["amount"])
        yield f"surplus|{data['splitter']}", int(data["surplus"])
    else:
        yield f"distributed|{data['beneficiary']}", int(data["amount"])
