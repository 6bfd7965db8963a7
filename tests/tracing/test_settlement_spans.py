"""A batch has a trace that its hash names: all processes that close, send, index and confirm it are in it."""

from __future__ import annotations

import pytest
from faust_redis.log import Log, TopicSpec

from contracts.batch_trace import root_of
from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BEFORE_GENESIS, Block, ChainState, Change, Fact, Step
from contracts.indexer.errors import NodeError
from contracts.indexer.store import StateStore
from contracts.indexer.tracing import StepSpan
from contracts.settlement.batches import State, settled
from contracts.settlement.tracing import BatchSpans
from streams.connect.otlp.exporter import Exporter
from streams.connect.otlp.settings import settings_of
from streams.events.chain import BatchSettled
from streams.times import Instant
from streams.trace_context import SpanRef, span_id_of, span_of
from streams.wire import EVENT_ENCODER
from tests.settlement.test_batches import fact, three_batches
from tests.tracing.test_batch_spans import Recorded

BATCH = three_batches().batches[0]
ROOT = root_of(BATCH.hash)


def accepted_and_final() -> tuple[State, State]:
    """Return the state with a batch that the contract has, and the one after it is final."""
    state = settled(three_batches(), fact(BATCH, "accepted"))
    return state, settled(state, fact(BATCH, "final"))


def test_the_trace_of_a_batch_is_named_by_its_hash() -> None:
    assert (len(ROOT.trace_id), len(ROOT.span_id)) == (32, 16)
    assert BATCH.hash.endswith(ROOT.span_id + ROOT.trace_id)


def test_closing_sending_and_confirming_are_one_trace() -> None:
    spans = Recorded()
    recorded = BatchSpans(spans)
    state = three_batches()
    recorded.written(State(), State(last=(1, BATCH.hash), batches=(BATCH,)), recorded.now_ns())
    recorded.sent(BATCH, "0x7", recorded.now_ns())
    recorded.written(state, accepted_and_final()[0], 0)  # neither closes nor confirms
    recorded.written(*accepted_and_final(), 0)
    closed, sent, confirmed = spans.spans
    assert [(span.name, span.ref.trace_id) for span in spans.spans] == [
        ("close batch", ROOT.trace_id), ("settle batch", ROOT.trace_id), ("confirm batch", ROOT.trace_id),
    ]  # fmt: skip
    assert (closed.ref, closed.parent_id) == (ROOT, "")
    assert sent.parent_id == confirmed.parent_id == ROOT.span_id
    assert sent.attributes == {"astratrade.batch": 1, "astratrade.transaction": "0x7"}
    assert confirmed.start_ns == BATCH.closed_us * 1_000


def test_a_batch_that_cannot_be_sent_is_recorded_always_and_the_rest_of_its_trace_only_if_sampled() -> None:
    spans = Recorded(sampled=False)
    recorded = BatchSpans(spans)
    recorded.written(State(), State(last=(1, BATCH.hash), batches=(BATCH,)), 0)
    recorded.sent(BATCH, "0x7", 0)
    recorded.failed(BATCH, 0, NodeError("away"))
    [failed] = spans.spans
    assert (failed.name, failed.error, failed.parent_id) == ("settle batch", "NodeError", ROOT.span_id)


@pytest.mark.parametrize("step_is_traced", [True, False])
async def test_the_fact_of_a_batch_is_in_the_trace_of_the_batch_and_links_to_the_step(
    log: Log, *, step_is_traced: bool
) -> None:
    spans = Recorded(sampled=step_is_traced, of_ids=True)
    settled_fact = Fact("f", padded(2), BatchSettled.type_name, EVENT_ENCODER.encode(fact(BATCH, "accepted")).decode())
    change = Change("accepted", settled_fact, Block(0, padded(1), padded(0), 1, (settled_fact,)))
    step = Step((change,), ChainState.starting_after(BEFORE_GENESIS))
    span = StepSpan(spans)
    store = StateStore(log, "SN_MAIN", TopicSpec("facts", 1), TopicSpec("blocks-changelog", 1, "compact"))
    await store.load()
    [event] = await store.write(None, step, Instant(0), span.draw(step))
    span.written(step, [event])
    *steps, send = spans.spans
    assert [each.name for each in steps] == ["index blocks"] * step_is_traced
    assert span_of(event.traceparent or "") == send.ref == SpanRef(ROOT.trace_id, span_id_of(event.id))
    assert send.parent_id == ROOT.span_id
    assert [*send.links] == [each.ref for each in steps]


def test_processes_with_one_ratio_decide_alike_by_the_id_of_a_trace() -> None:
    def exporter(ratio: float) -> Exporter:
        return Exporter(settings_of({}), {}, "1", ratio)

    low, high = "a" * 18 + "0" * 13 + "1", "a" * 18 + "f" * 14
    assert [exporter(0.5).samples(each) for each in (low, high)] == [True, False]
    assert exporter(1.0).samples(high)
