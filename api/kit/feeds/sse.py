"""Server-sent events as bytes.

Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

RECONNECT = b"retry: 1000\n\n"
BYE = b": the server is stopping; connect again\n\n"


def encode_event(name: str, data: bytes, tag: str | None = None) -> bytes:
    """Return an event; its data is one line of JSON. An empty `tag` (its `id`) makes the client forget its last one."""
    id_line = b"" if tag is None else b"id: %b\n" % tag.encode()
    return b"event: %b\ndata: %b\n%b\n" % (name.encode(), data, id_line)
