"""A sampled event names its own span; any other keeps the trace context of its request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import encode
from streams.trace_context import at_event, is_sampled, span_id_of, span_of, traceparent_of
from tests.unit.streams.test_lineage import FACT, REQUEST

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"


def traced(traceparent: str | None) -> bytes:
    first = type(REQUEST).first(
        REQUEST.data, event_id=REQUEST.id, time=REQUEST.time, key="ada", rules_version=1, traceparent=traceparent
    )
    assert span_id_of(first.id) == first.id.replace("-", "")[-16:]
    return encode(first)


def test_a_sampled_event_names_itself_and_its_effects_name_themselves() -> None:
    first = type(REQUEST).first(
        REQUEST.data, event_id=REQUEST.id, time=REQUEST.time, key="ada", rules_version=1, traceparent=SAMPLED
    )
    effect = first.then(FACT.data)
    assert first.traceparent == f"00-{TRACE}-{span_id_of(first.id)}-01"
    assert effect.traceparent == f"00-{TRACE}-{span_id_of(effect.id)}-01"
    assert effect.traceparent != first.traceparent
    assert first.then(FACT.data).traceparent == effect.traceparent


@pytest.mark.parametrize("traceparent", [
    None, "", UNSAMPLED, "1", f"x{SAMPLED}", "x" * 54 + "1", SAMPLED.upper(), SAMPLED.replace("-", "0"), f"{SAMPLED}\n",
])  # fmt: skip
def test_any_other_context_stays(traceparent: str | None) -> None:
    assert at_event(traceparent, REQUEST.id) == traceparent
    assert not is_sampled(traceparent)


@pytest.mark.parametrize("traceparent", [None, UNSAMPLED, SAMPLED])
def test_the_context_is_found_in_an_encoded_event(traceparent: str | None) -> None:
    found = traceparent_of(traced(traceparent))
    assert found == at_event(traceparent, REQUEST.id)
    assert found is None or span_of(found).trace_id == TRACE


@given(st.text(max_size=60) | st.text("0123456789abcdefx-", min_size=54, max_size=54).map(lambda text: text + "1"))
def test_any_sampled_context_names_a_span_that_can_be_sent(traceparent: str) -> None:
    if is_sampled(traceparent):
        assert [len(bytes.fromhex(each)) for each in span_of(traceparent)] == [16, 8]


@given(st.binary())
def test_any_bytes_have_a_valid_context_or_none(value: bytes) -> None:
    found = traceparent_of(value)
    assert found is None or len(found) == len(SAMPLED)


def test_no_value_has_none() -> None:
    assert traceparent_of(None) is None
