"""Whatever a chain does and whenever an indexer dies, its facts are those of the canonical chain in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

import msgspec
import pytest
from faust_redis.log import LogError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.indexer import blocks as reading
from contracts.indexer import indexer as module
from contracts.indexer.addresses import Contract
from contracts.indexer.blocks import Blocks
from contracts.indexer.chain_state import Change
from contracts.indexer.errors import FinalBlockReplacedError, NodeError, OtherSpecError, UnknownPastError
from contracts.indexer.indexer import Indexer, Policy
from contracts.indexer.node import RawEvent
from contracts.indexer.store import StateStore
from streams.spans import Spans
from streams.times import Instant
from tests.indexer.model import CHAIN_ID, CONTRACTS, ModelChain, ModelLog, ModelNode, ModelStore

BLOCK = st.lists(st.tuples(st.integers(0, 1), st.booleans()), max_size=3)
STEPS_MAX = 400
NOW = Instant(1_800_000_000_000_000)


def indexer_of(
    node: ModelNode,
    store: ModelStore | StateStore,
    *,
    start: int = 0,
    final_after: int = 0,
    spans: Spans | None = None,
    contracts: tuple[Contract, ...] = CONTRACTS,
    first_blocks: Mapping[str, int] | None = None,
) -> Indexer:
    policy = Policy(CHAIN_ID, start, final_after, first_blocks or {})
    return Indexer(Blocks(node, CHAIN_ID, contracts), store, policy, lambda: NOW, spans)  # type: ignore[arg-type]


def place(change: Change) -> tuple[str, str, int]:
    return change.block.hash, change.fact.contract, msgspec.json.decode(change.fact.data)["sequence"]


def assert_each_fact_has_a_life(changes: list[Change]) -> Counter[tuple[str, str, int]]:
    """Check that facts are accepted, then final or retracted, newest first. Return those that count."""
    alive: dict[tuple[str, str, int], str] = {}
    order: list[Change] = []
    for change in changes:
        before = alive.get(place(change))
        if change.finality == "accepted":
            assert before is None
            order.append(change)
        else:
            assert before == "accepted"
            newest = max(each.block.number for each in order)
            if change.finality == "retracted":
                [*_, last] = [each for each in order if each.block.number == newest]
                assert place(last) == place(change), "the newest is retracted first"
            order = [each for each in order if place(each) != place(change)]
        alive[place(change)] = change.finality
        if change.finality == "retracted":
            del alive[place(change)]
    return Counter(dict.fromkeys(alive, 1))


async def catch_up(indexer: Indexer) -> None:
    for _ in range(STEPS_MAX):
        if not await indexer.step():
            return
    raise AssertionError("the indexer does not come to an end")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_facts_are_those_of_the_canonical_chain(data: st.DataObject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is killed, replaced, lost by the node, final at once, or added later."""
    monkeypatch.setattr(module, "FAR_BLOCKS", data.draw(st.sampled_from([1, 3, 1_000])))
    monkeypatch.setattr(reading, "HISTORY_EVENTS", data.draw(st.integers(1, 4)))
    monkeypatch.setattr(module, "READ_BLOCKS", data.draw(st.sampled_from([1, 32])))
    try:
        asyncio.run(_follow(data))
    except BaseExceptionGroup as exc:  # Hypothesis ends an example by an exception, in a task of a group
        raise exc.exceptions[0] from None


async def _follow(data: st.DataObject) -> None:
    chain, log = ModelChain(), ModelLog()
    chain.extend(data.draw(BLOCK))
    final_facts: list[Change] = []

    def change_the_chain() -> None:
        match data.draw(st.integers(0, 9)):
            case 0:
                chain.extend(data.draw(BLOCK))
            case 1:
                depth = data.draw(st.integers(1, 50))
                chain.replace(depth, data.draw(st.lists(BLOCK, min_size=1, max_size=depth + 2)))
            case 2:
                chain.on_l1 = data.draw(st.integers(chain.on_l1, len(chain.blocks) - 1))

    def lose(events: list[RawEvent]) -> list[RawEvent]:
        return [event for event in events if data.draw(st.integers(0, 7))]

    node = ModelNode(chain, change_the_chain)
    node.loses = lose
    store = ModelStore(log, lambda: max(0, data.draw(st.integers(-4, 2))))
    contracts = CONTRACTS[: data.draw(st.integers(1, 2))]
    indexers = [indexer_of(node, each, contracts=contracts) for each in (store, ModelStore(log))]
    for _ in range(data.draw(st.integers(1, 12))):
        which = data.draw(st.integers(0, 1))
        if not data.draw(st.integers(0, 5)):
            contracts = CONTRACTS
            indexers = [indexer_of(node, ModelStore(log)) for _ in indexers]
        try:
            await indexers[which].step()
        except (NodeError, LogError):
            indexers[which] = indexer_of(node, ModelStore(log), contracts=contracts)  # killed, and started again
        final_facts = [change for change in log.changes if change.finality == "final"]
    node.before_each = lambda: None
    chain.extend(data.draw(BLOCK))  # a chain that is shorter than before shows by growing that it is another one
    while len(chain.blocks) <= msgspec.json.decode(log.state or b'{"cursor":{"number":-1}}')["cursor"]["number"] + 1:
        chain.extend([])
    await catch_up(indexer_of(node, ModelStore(log)))
    assert assert_each_fact_has_a_life(log.changes) == chain.facts()
    assert set(map(place, final_facts)) <= set(chain.facts())


async def test_deep_reorganisations_take_several_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_SIZE", 5)
    chain, log = ModelChain(), ModelLog()
    for _ in range(60):
        chain.extend([(0, True), (1, True)])
    indexer = indexer_of(ModelNode(chain), ModelStore(log))
    await catch_up(indexer)
    chain.replace(50, [[(0, True)]] * 55)
    await catch_up(indexer)
    assert assert_each_fact_has_a_life(log.changes) == chain.facts()
    assert indexer.counts.retracted == 100
    assert indexer.counts.reorgs == 1
    assert indexer.counts.replaced == 50


async def test_a_shorter_chain_alone_retracts_nothing() -> None:
    chain, log = ModelChain(), ModelLog()
    for _ in range(5):
        chain.extend([(0, True)])
    indexer = indexer_of(ModelNode(chain), ModelStore(log))
    await catch_up(indexer)
    blocks = list(chain.blocks)
    del chain.blocks[2:]
    assert not await indexer.step()
    chain.blocks[:] = blocks
    assert not await indexer.step()
    assert indexer.counts.retracted == 0


async def test_a_chain_that_changes_while_it_is_read_is_read_again() -> None:
    chain, log = ModelChain(), ModelLog()
    chain.extend([(0, True)])
    node = ModelNode(chain)
    indexer = indexer_of(node, ModelStore(log))
    await catch_up(indexer)
    chain.extend([(0, True)])
    left = [1]

    def change_after_the_cursor_was_found() -> None:
        if node.asked["at"] == asked + 2 and left:
            left.pop()
            chain.replace(2, [[(0, True)]] * 3)

    asked = node.asked["at"]
    node.before_each = change_after_the_cursor_was_found
    assert not await indexer.step()
    assert indexer.counts.retracted == 0
    await catch_up(indexer)
    assert assert_each_fact_has_a_life(log.changes) == chain.facts()
    assert node.asked["receipts"] == 0


async def test_a_replaced_final_block_stops_the_indexer() -> None:
    chain, log = ModelChain(), ModelLog()
    for _ in range(5):
        chain.extend([(0, True)])
    chain.on_l1 = 3
    indexer = indexer_of(ModelNode(chain), ModelStore(log))
    await catch_up(indexer)
    chain.on_l1 = -1
    chain.replace(5, [[(0, True)]] * 6)
    with pytest.raises(FinalBlockReplacedError):
        await indexer.step()
    assert indexer.counts.retracted == 0


async def test_a_block_that_was_replaced_before_it_was_accepted_on_l1_is_not_final() -> None:
    chain, log = ModelChain(), ModelLog()
    chain.extend([(0, True)])
    chain.extend([(0, True)])
    node = ModelNode(chain)

    def replace() -> None:
        if node.asked["newest_on_l1"] == 1 and chain.on_l1 < 0:
            chain.replace(1, [[(0, True)]])
            chain.on_l1 = 1

    node.before_each = replace
    await catch_up(indexer_of(node, ModelStore(log)))
    assert assert_each_fact_has_a_life(log.changes) == chain.facts()
    assert {place(change) for change in log.changes if change.finality == "final"} == set(chain.facts())


async def test_finality_by_depth() -> None:
    chain, log = ModelChain(), ModelLog()
    for _ in range(10):
        chain.extend([(0, True)])
    await catch_up(indexer_of(ModelNode(chain), ModelStore(log), final_after=4))
    final = [change.block.number for change in log.changes if change.finality == "final"]
    assert final == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("blocks", [1, 4])
async def test_an_index_that_lost_events_is_not_believed(blocks: int) -> None:
    chain, log = ModelChain(), ModelLog()
    for _ in range(blocks):
        chain.extend([(0, True), (1, False), (1, True)])
    node = ModelNode(chain)
    node.loses = lambda events: events[:-1]  # the last event of a block: no gap shows before the next block
    indexer = indexer_of(node, ModelStore(log))
    await catch_up(indexer)
    assert assert_each_fact_has_a_life(log.changes) == chain.facts()
    assert node.asked["receipts"] == blocks


async def test_two_indexers_take_turns() -> None:
    chain, log = ModelChain(), ModelLog()
    node = ModelNode(chain)
    indexers = [indexer_of(node, ModelStore(log)) for _ in range(2)]
    for indexer in (*indexers, *indexers):
        chain.extend([(0, True)])
        await catch_up(indexer)
        assert assert_each_fact_has_a_life(log.changes) == chain.facts()
    assert [indexer.counts.refused for indexer in indexers] == [1, 1]


async def test_indexing_begins_before_the_first_event() -> None:
    chain = ModelChain()
    for _ in range(4):
        chain.extend([(0, True)])
    with pytest.raises(UnknownPastError):
        await indexer_of(ModelNode(chain), ModelStore(ModelLog()), start=2).step()


async def test_a_node_of_another_version_is_refused() -> None:
    chain = ModelChain()
    chain.extend([])
    node = ModelNode(chain)
    for spec in ("0.9.0", "0.1.0", "1.0.0", "0.10"):
        node.spec = spec
        indexer = indexer_of(node, ModelStore(ModelLog()))
        if spec == "0.10":
            assert await indexer.step()
        else:
            with pytest.raises(OtherSpecError, match=f"version {spec} of Starknet's RPC, and the indexer needs 0.10"):
                await indexer.step()


async def test_final_blocks_are_read_as_a_range() -> None:
    chain, log = ModelChain(), ModelLog()
    for number in range(5_000):
        chain.extend([(number % 2, True)] if number % 500 == 0 else [])
    chain.on_l1 = 4_899
    node = ModelNode(chain)
    indexer = indexer_of(node, ModelStore(log))
    await catch_up(indexer)
    assert assert_each_fact_has_a_life(log.changes) == chain.facts()
    assert len([change for change in log.changes if change.finality == "final"]) == 10
    assert (indexer.counts.cursor, indexer.counts.final, indexer.counts.open_blocks) == (4_999, 4_899, 100)
    assert indexer.counts.head_time_s == chain.blocks[-1].header.time_s
    assert node.asked["at"] < 150, "blocks without events are not asked for"


async def test_final_blocks_are_read_from_receipts_when_the_index_lacks_events() -> None:
    chain, log = ModelChain(), ModelLog()
    for _ in range(200):
        chain.extend([(0, True)])
    chain.on_l1 = 199
    node = ModelNode(chain)
    node.loses = lambda events: events[1:]
    await catch_up(indexer_of(node, ModelStore(log)))
    assert assert_each_fact_has_a_life(log.changes) == chain.facts()
    assert node.asked["receipts"] == 200


async def test_a_contract_that_is_added_later_is_read_from_its_first_block() -> None:
    chain, log = ModelChain(), ModelLog()
    for number in range(300):
        chain.extend([(0, True)] if number < 100 else [(0, True), (1, True)])
    chain.on_l1 = 250
    node = ModelNode(chain)
    await catch_up(indexer_of(node, ModelStore(log), contracts=CONTRACTS[:1]))
    before = len(log.changes)
    late = CONTRACTS[1].address
    indexer = indexer_of(node, ModelStore(log), first_blocks={late: 90})
    assert await indexer.step()
    assert await indexer_of(node, ModelStore(log)).step(), "another process goes on, and needs no first block"
    chain.replace(20, [[(0, True), (1, True)]] * 30)
    await catch_up(indexer)
    chain.replace(50, [[(0, True), (1, True)]] * 60)
    await catch_up(indexer)
    assert assert_each_fact_has_a_life(log.changes) == chain.facts()
    assert {change.fact.contract for change in log.changes[before : before + 150]} == {late}
    late_final = [change for change in log.changes if change.fact.contract == late and change.finality == "final"]
    assert len(late_final) == 151


async def test_a_first_block_after_the_first_event_is_refused() -> None:
    chain, log = ModelChain(), ModelLog()
    for _ in range(10):
        chain.extend([(0, True), (1, True)])
    node = ModelNode(chain)
    await catch_up(indexer_of(node, ModelStore(log), contracts=CONTRACTS[:1]))
    with pytest.raises(UnknownPastError, match="emitted 4 events up to block 3"):
        await indexer_of(node, ModelStore(log), first_blocks={CONTRACTS[1].address: 4}).step()
