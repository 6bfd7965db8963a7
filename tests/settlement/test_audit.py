"""An audit compares one moment, or says that there was none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef, ChainState
from contracts.settlement.audit import TRIES, Audited, Auditor, UnsettledMomentError
from contracts.settlement.batches import NO_HASH, Reached, State
from contracts.settlement.reconciliation import Collector, LedgerFees, Splitter

BLOCK = BlockRef(7, padded(7))
COLLECTOR, SPLITTER = padded(2), padded(3)
CHAIN = ChainState(BLOCK, BLOCK, {COLLECTOR: 3, SPLITTER: 2})
STATE = State(reached={0: Reached(3)}, open={"a": 30})


@dataclass
class Around:
    """What an auditor asks, which tests change while it asks."""

    fees: LedgerFees = field(default_factory=lambda: LedgerFees({"a": 30}, {"treasury": 30}))
    unread: Mapping[str, int] = field(default_factory=dict)
    ends: list[int] = field(default_factory=lambda: [3])
    addresses: tuple[str, str] = (COLLECTOR, SPLITTER)
    chain: ChainState = CHAIN
    after: ChainState | None = None
    read: bool = True
    collector: Collector = field(default_factory=lambda: Collector((0, NO_HASH), 0, {}, 0, 0, 0))
    splitter: Splitter = field(default_factory=lambda: Splitter(SPLITTER, 0, 0, 0, {}))
    asked: list[Any] = field(default_factory=list)

    async def fee_ends(self) -> dict[int, int]:
        return {0: self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]}

    async def fees_until(self, reached: Mapping[int, Reached], ends: Mapping[int, int]) -> Mapping[str, int]:
        self.asked.append((reached, ends))
        return self.unread

    async def facts_are_read(self, _: State) -> bool:
        return self.read

    async def load(self) -> Any:
        found, self.chain = self.chain, self.after or self.chain
        return found

    async def collector_at(self, block: BlockRef, _: object) -> Collector:
        assert block == BLOCK, "as of the indexer's last block"
        return self.collector

    async def splitter_at(self, block: BlockRef, _: object) -> Splitter:
        assert block == BLOCK
        return self.splitter

    async def accrued(self) -> LedgerFees:
        return self.fees

    async def audit(self) -> Audited:
        parts: Any = self
        return await Auditor(parts, parts, parts, self.accrued).audit(STATE)


async def test_what_agrees_has_no_difference() -> None:
    assert (await Around().audit()).differences == ()


async def test_fees_that_settlement_has_not_read_are_held() -> None:
    around = Around(fees=LedgerFees({"a": 37}, {"treasury": 37}), unread={"a": 7})
    found = await around.audit()
    assert found.differences == ()
    assert found.held == {"a": 37}
    assert around.asked == [(STATE.reached, {0: 3})]


@pytest.mark.parametrize("around", [
    Around(read=False),
    Around(chain=replace(CHAIN, joining={SPLITTER: 4})),
    Around(chain=replace(CHAIN, joining={COLLECTOR: 4})),
    Around(chain=replace(CHAIN, sequences={COLLECTOR: 3})),
    Around(ends=list(range(2 * TRIES + 1))),
])  # fmt: skip
async def test_a_moment_that_changes_is_not_judged(around: Around) -> None:
    with pytest.raises(UnsettledMomentError):
        await around.audit()


async def test_an_audit_may_take_longer_than_a_block() -> None:
    around = Around(after=replace(CHAIN, cursor=BlockRef(8, padded(8))))
    assert (await around.audit()).block == BLOCK
    assert (await around.load()).cursor.number == 8, "the indexer went on"


async def test_another_contract_that_joins_does_not_stop_an_audit() -> None:
    assert (await Around(chain=replace(CHAIN, joining={padded(4): 4})).audit()).differences == ()


async def test_the_ledger_is_read_again_when_fees_come_in_meanwhile() -> None:
    around = Around(ends=[3, 4, 5])
    await around.audit()
    assert around.asked == [(STATE.reached, {0: 5})], "the first reading was of two moments"


@pytest.mark.parametrize(("around", "rule"), [
    (Around(fees=LedgerFees({"a": 31}, {"treasury": 31})), "accrued = settled + held"),
    (Around(fees=LedgerFees({"a": 30}, {"treasury": 29})), "accrued = shared"),
    (Around(collector=Collector((0, NO_HASH), 1, {"a": 1}, 0, 0, 1)), "settled on chain = batches"),
    (Around(splitter=Splitter(SPLITTER, 1, 1, 0, {})), "facts = contracts"),
])  # fmt: skip
async def test_each_comparison_is_made(around: Around, rule: str) -> None:
    assert any(rule in difference.rule for difference in (await around.audit()).differences)
