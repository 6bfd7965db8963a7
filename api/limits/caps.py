"""The caps of one API process on connections, requests and feeds."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES_MAX = 64 * 1024
"""Request line and headers. A `Last-Event-ID` has up to 64 KB by its own rule, which this one bounds first."""

HEAD_TIMEOUT_S = 10.0
"""From the connection, or from the first byte of a later request, until its headers are complete."""

BODY_TIMEOUT_S = 30.0
"""From complete headers until the body is complete: 1 MiB at 35 KB/s."""

BODY_WIRE_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of one body on the wire, with the framing and trailers of chunks. `LimitBody` bounds the body itself."""

KEEP_ALIVE_S = 15
"""How long a connection may stay open between two requests."""

LINGER_S = 1.0
"""How long the API reads on, and drops what it reads, so that a client that still sends gets to see its refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The caps that an operator can set, for one API process.

    Attributes:
        connections_max: Open connections in all.
        connections_per_address_max: Open connections of one client address; a trusted proxy has no such cap.
        feeds_max: Open feeds in all.
        feeds_anonymous_max: Of these, feeds of callers without a token; the rest is kept for callers with one.
        feeds_per_account_max: Open feeds of one account.
        feeds_per_address_max: Open feeds of callers without a token at one address.
    """

    connections_max: int = 12_000
    connections_per_address_max: int = 500
    feeds_max: int = 5_000
    feeds_anonymous_max: int = 4_000
    feeds_per_account_max: int = 50
    feeds_per_address_max: int = 100

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
