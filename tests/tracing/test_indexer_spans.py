"""A step of the indexer that writes facts is a trace with a span for each event. A failed step is recorded always."""

from __future__ import annotations

import pytest
from faust_redis.log import Log, TopicPartition, TopicSpec

from contracts.indexer.errors import NodeError
from contracts.indexer.store import StateStore
from streams.events import AnyEvent, decode
from streams.spans import Kind
from streams.topics import CHAIN_EVENTS
from streams.trace_context import SpanRef, is_sampled, span_id_of, span_of
from tests.indexer.model import CHAIN_ID, ModelChain, ModelNode
from tests.indexer.test_model import indexer_of
from tests.tracing.test_batch_spans import Recorded

FACTS, STATE = TopicSpec(CHAIN_EVENTS, 1), TopicSpec("blocks-changelog", 1, "compact")


def chain_of_facts() -> ModelChain:
    chain = ModelChain()
    chain.extend([(0, True), (1, True)])
    chain.extend([(0, False)])
    return chain


def store_of(log: Log) -> StateStore:
    return StateStore(log, CHAIN_ID, FACTS, STATE)


async def facts(log: Log) -> list[AnyEvent]:
    place = TopicPartition(CHAIN_EVENTS, 0)
    return [decode(record.value) for record in (await log.fetch({place: 0}, count=100)).get(place, ()) if record.value]


@pytest.mark.parametrize("sampled", [True, False])
async def test_a_step_with_facts_is_a_trace_where_the_lot_says_so(log: Log, *, sampled: bool) -> None:
    spans, chain = Recorded(sampled=sampled), chain_of_facts()
    indexer = indexer_of(ModelNode(chain), store_of(log), spans=spans)
    assert await indexer.step()
    chain.extend([(0, False)])
    assert await indexer.step()
    events = await facts(log)
    assert [is_sampled(event.traceparent) for event in events] == [sampled, sampled]
    if not sampled:
        assert spans.spans == []
        return
    step, *sends = spans.spans
    assert (step.name, step.kind, step.parent_id) == ("index blocks", Kind.CLIENT, "")
    assert step.attributes == {"astratrade.block": 1, "messaging.batch.message_count": 2}
    assert [(send.name, send.ref, send.parent_id) for send in sends] == [
        (f"send {CHAIN_EVENTS}", SpanRef(step.ref.trace_id, span_id_of(event.id)), step.ref.span_id) for event in events
    ]
    assert [span_of(event.traceparent or "") for event in events] == [send.ref for send in sends]
    assert step.start_ns == sends[0].start_ns < sends[0].end_ns == step.end_ns


async def test_a_step_that_another_indexer_was_first_with_is_not_recorded(log: Log) -> None:
    spans, node = Recorded(), ModelNode(chain_of_facts())
    indexer, other = indexer_of(node, store_of(log), spans=spans), indexer_of(node, store_of(log))
    for each in (indexer, other):
        await each.open()
    await other.step()
    await indexer.step()
    assert indexer.counts.refused == 1
    assert spans.spans == []


async def test_a_step_that_the_node_fails_is_recorded_always(log: Log) -> None:
    def away() -> None:
        raise NodeError("the node gave no answer")

    spans = Recorded(sampled=False)
    indexer = indexer_of(ModelNode(chain_of_facts(), before_each=away), store_of(log), spans=spans)
    with pytest.raises(NodeError):
        await indexer.step()
    [step] = spans.spans
    assert (step.name, step.error) == ("index blocks", "NodeError")
