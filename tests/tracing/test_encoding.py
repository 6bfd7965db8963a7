"""Spans are encoded as OpenTelemetry's own classes read them, under the names of its conventions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.semconv._incubating.attributes import messaging_attributes as messaging
from opentelemetry.semconv.attributes import error_attributes, http_attributes
from opentelemetry.semconv.schemas import Schemas

from streams import spans as names
from streams.connect.otlp.encoding import encode
from streams.spans import Kind, Span
from streams.trace_context import SpanRef
from tests.tracing.collector import decoded, values

TEXT = st.text(max_size=300)
ATTRIBUTES = st.dictionaries(TEXT.filter(bool), TEXT | st.booleans() | st.integers(0, 2**63 - 1), max_size=5)
REFS = st.builds(
    SpanRef, st.binary(min_size=16, max_size=16).map(bytes.hex), st.binary(min_size=8, max_size=8).map(bytes.hex)
)
SPANS = st.builds(
    Span, TEXT, st.sampled_from(Kind), REFS, st.just("") | REFS.map(lambda ref: ref.span_id),
    st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), ATTRIBUTES, st.lists(REFS, max_size=40).map(tuple),
    st.just("") | st.just("ValueError"),
)  # fmt: skip


@given(st.lists(SPANS, max_size=4), ATTRIBUTES)
def test_any_span_is_read_as_it_was_written(spans: list[Span], resource: dict[str, str]) -> None:
    body = encode(spans, {"service.name": "here", **resource}, "1.2")
    for span, seen in zip(spans, decoded(body), strict=True):
        errors = {names.ERROR_TYPE: span.error} if span.error else {}
        assert seen.name == span.name
        assert seen.kind == span.kind.name
        assert (seen.trace_id, seen.span_id, seen.parent_id) == (*span.ref, span.parent_id)
        assert (seen.start_ns, seen.end_ns) == (span.start_ns, span.end_ns)
        assert seen.attributes == {**span.attributes, **errors}
        assert all(type(seen.attributes[name]) is type(value) for name, value in span.attributes.items())
        assert seen.links == span.links
        assert seen.failed == bool(span.error)
        assert seen.sampled
    [found] = ExportTraceServiceRequest.FromString(body).resource_spans
    [scope] = found.scope_spans
    assert values(found.resource.attributes) == {"service.name": "here", **resource}
    assert (scope.scope.name, scope.scope.version, scope.schema_url) == ("astratrade", "1.2", names.SCHEMA_URL)


def test_attributes_have_the_names_of_the_pinned_conventions() -> None:
    assert Schemas.V1_44_0.value == names.SCHEMA_URL
    ours_and_theirs = {
        names.HTTP_METHOD: http_attributes.HTTP_REQUEST_METHOD,
        names.HTTP_ROUTE: http_attributes.HTTP_ROUTE,
        names.HTTP_STATUS: http_attributes.HTTP_RESPONSE_STATUS_CODE,
        names.ERROR_TYPE: error_attributes.ERROR_TYPE,
        names.SYSTEM: messaging.MESSAGING_SYSTEM,
        names.DESTINATION: messaging.MESSAGING_DESTINATION_NAME,
        names.PARTITION: messaging.MESSAGING_DESTINATION_PARTITION_ID,
        names.GROUP: messaging.MESSAGING_CONSUMER_GROUP_NAME,
        names.OPERATION: messaging.MESSAGING_OPERATION_NAME,
        names.OPERATION_TYPE: messaging.MESSAGING_OPERATION_TYPE,
        names.MESSAGE_ID: messaging.MESSAGING_MESSAGE_ID,
        names.MESSAGE_COUNT: messaging.MESSAGING_BATCH_MESSAGE_COUNT,
    }
    assert all(ours == theirs for ours, theirs in ours_and_theirs.items())
    known = {value for name, value in vars(names).items() if name.isupper() and str(value).count(".") == 1}
    assert {name for name in known if not name.startswith("astratrade.")} <= set(ours_and_theirs)
