"""Encode spans as the protobuf message `ExportTraceServiceRequest` of OTLP.

The message has few fields, and most attributes repeat. So this encoder takes a tenth of the time that generated classes
take (docs/decisions/0060-spans-are-encoded-here.md). Tests decode its output with the generated classes.

Source: https://github.com/open-telemetry/opentelemetry-proto/tree/v1.9.0/opentelemetry/proto/trace/v1
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from struct import Struct
from typing import Final

from streams.spans import ERROR_TYPE, SCHEMA_URL, Attributes, Span
from streams.trace_context import SpanRef

SCOPE: Final = "astratrade"
ATTRIBUTES_CACHED: Final = 4_096

_TIMES: Final = Struct("<BQBQ")  # two fixed64 fields, each behind its tag
_TAGS: Final[Mapping[type, bytes]] = {str: b"\x0a", bool: b"\x10", int: b"\x18"}
"""The tags of AnyValue. They keep 1 and True apart in the cache."""
_START: Final = 0x39
_END: Final = 0x41
_KIND: Final = 0x30
_CODE_ERROR: Final = b"\x18\x02"
_FLAGS_SAMPLED: Final = b"\x85\x01\x01\x00\x00\x00"  # field 16 of Span, fixed32, with the trace flag `sampled`
_MORE: Final = 0x80
"""The bit of a byte that says that another byte follows."""


def _varint(number: int) -> bytes:
    """Return a number of 0 or more, seven bits a byte, the lowest first."""
    found = bytearray()
    while number >= _MORE:
        found.append(number % _MORE | _MORE)
        number //= _MORE
    found.append(number)
    return bytes(found)


def _field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field. Field numbers here are below 16, so that a tag is one byte."""
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


@lru_cache(ATTRIBUTES_CACHED)
def _attribute(number: int, key: str, value: str | int, tag: bytes) -> bytes:
    encoded = _field(1, value.encode()) if isinstance(value, str) else tag + _varint(value)
    return _field(number, _field(1, key.encode()) + _field(2, encoded))


def _attributes(number: int, attributes: Attributes) -> bytes:
    return b"".join([_attribute(number, key, value, _TAGS[type(value)]) for key, value in attributes.items()])


def _link(ref: SpanRef) -> bytes:
    return _field(13, _field(1, bytes.fromhex(ref.trace_id)) + _field(2, bytes.fromhex(ref.span_id)))


def _span(span: Span) -> bytes:
    parts = [_field(1, bytes.fromhex(span.ref.trace_id)), _field(2, bytes.fromhex(span.ref.span_id))]
    if span.parent_id:
        parts.append(_field(4, bytes.fromhex(span.parent_id)))
    parts += (
        _field(5, span.name.encode()),
        bytes((_KIND, span.kind)),
        _TIMES.pack(_START, span.start_ns, _END, span.end_ns),
        _attributes(9, span.attributes),
        *map(_link, span.links),
    )
    if span.error:
        parts += (_attribute(9, ERROR_TYPE, span.error, _TAGS[str]), _field(15, _CODE_ERROR))
    return _field(2, b"".join(parts) + _FLAGS_SAMPLED)


def encode(spans: Iterable[Span], resource: Attributes, version: str) -> bytes:
    """Return the body of a request.

    Args:
        spans: The spans.
        resource: What the process is.
        version: The version of the product.
    """
    scope = _field(1, _field(1, SCOPE.encode()) + _field(2, version.encode()))
    schema = _field(3, SCHEMA_URL.encode())
    scope_spans = scope + b"".join(map(_span, spans)) + schema
    return _field(1, _field(1, _attributes(1, resource)) + _field(2, scope_spans) + schema)
