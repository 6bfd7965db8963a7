"""One event of a feed. Server-sent events and the WebSocket are two encodings of it; each is made once for all clients.

Source of the format of server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import orjson

FORGET_ID: Final = ""


@dataclass(frozen=True, eq=False)
class FeedEvent:
    """An event as a session yields it.

    Attributes:
        name: `snapshot`, `delta`, `progress` or `resync`.
        data: A JSON object on one line.
        id: The position after the event, for resuming. None leaves the client's last id as it is; `FORGET_ID` makes
            the client forget it.
    """

    name: str
    data: bytes
    id: str | None = None

    @cached_property
    def sse(self) -> bytes:
        """Return the event as a server-sent event."""
        id_line = b"" if self.id is None else b"id: %b\n" % self.id.encode()
        return b"event: %b\ndata: %b\n%b\n" % (self.name.encode(), self.data, id_line)

    @cached_property
    def members(self) -> str:
        """Return the members of a WebSocket message. An `id` of null makes the client forget its last one."""
        id_member = "" if self.id is None else f',"id":{orjson.dumps(self.id or None).decode()}'
        return f'"event":"{self.name}","data":{self.data.decode()}{id_member}'
